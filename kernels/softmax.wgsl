// Softmax over rows, and its gradient.
//
//   forward   y = exp(x - m) / sum exp(x - m),  m = max x
//   backward  dx = y (dy - sum(y dy))
//
// Bindings: x, y, or y, dy, dx; (rows, width) each. A workgroup of GROUP
// invocations for each row, folded over x and y. The maximum and the sum come
// from one pass: each invocation keeps the sum relative to the largest element
// it has seen, and taking four at a time to have them under way. GROUP = SIDE^2: the reduction goes over columns, then over the
// columns' results.

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
{{if .BACKWARD}}
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
{{else}}
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
var<workgroup> tops: array<f32, {{.GROUP}}>;
{{end}}
var<workgroup> sums: array<f32, {{.GROUP}}>;

@compute @workgroup_size({{.GROUP}})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let row = wid.x + wid.y * nwg.x;
    if (row >= p.rows) {
        return;
    }
    let base = row * p.width;
    var sum = 0.0;
    {{if .BACKWARD}}
    var i = lid;
    for (; i + 3u * GROUP < p.width; i = i + 4u * GROUP) {
        let y = vec4<f32>(a[base + i], a[base + i + GROUP], a[base + i + 2u * GROUP], a[base + i + 3u * GROUP]);
        let d = vec4<f32>(dy[base + i], dy[base + i + GROUP], dy[base + i + 2u * GROUP], dy[base + i + 3u * GROUP]);
        sum = sum + dot(y, d);
    }
    for (; i < p.width; i = i + GROUP) {
        sum = sum + a[base + i] * dy[base + i];
    }
    sums[lid] = sum;
    workgroupBarrier();
    if (lid < SIDE) {
        for (var i = lid + SIDE; i < GROUP; i = i + SIDE) {
            sum = sum + sums[i];
        }
        sums[lid] = sum;
    }
    workgroupBarrier();
    var dot = 0.0;
    for (var i = 0u; i < SIDE; i = i + 1u) {
        dot = dot + sums[i];
    }
    for (var i = lid; i < p.width; i = i + GROUP) {
        out[base + i] = a[base + i] * (dy[base + i] - dot);
    }
    {{else}}
    var top = -3.0e38;
    var i = lid;
    for (; i + 3u * GROUP < p.width; i = i + 4u * GROUP) {
        let v = vec4<f32>(a[base + i], a[base + i + GROUP], a[base + i + 2u * GROUP], a[base + i + 3u * GROUP]);
        let t = max(top, max(max(v.x, v.y), max(v.z, v.w)));
        let e = exp(v - t);
        sum = sum * exp(top - t) + ((e.x + e.y) + (e.z + e.w));
        top = t;
    }
    for (; i < p.width; i = i + GROUP) {
        let v = a[base + i];
        let t = max(top, v);
        sum = sum * exp(top - t) + exp(v - t);
        top = t;
    }
    tops[lid] = top;
    sums[lid] = sum;
    workgroupBarrier();
    if (lid < SIDE) {
        for (var i = lid + SIDE; i < GROUP; i = i + SIDE) {
            let t = max(top, tops[i]);
            sum = sum * exp(top - t) + sums[i] * exp(tops[i] - t);
            top = t;
        }
        tops[lid] = top;
        sums[lid] = sum;
    }
    workgroupBarrier();
    top = tops[0];
    sum = sums[0];
    for (var i = 1u; i < SIDE; i = i + 1u) {
        let t = max(top, tops[i]);
        sum = sum * exp(top - t) + sums[i] * exp(tops[i] - t);
        top = t;
    }
    let scale = 1.0 / sum;
    for (var i = lid; i < p.width; i = i + GROUP) {
        out[base + i] = exp(a[base + i] - top) * scale;
    }
    {{end}}
}
