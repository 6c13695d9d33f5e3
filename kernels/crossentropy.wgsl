// Cross-entropy of each row:  lse = log sum exp(logits),
// loss = lse - logits[label], 0 where the label is outside [0, width).
//
// logits (rows, width), labels (rows); lse, losses (rows). A workgroup of GROUP
// invocations for each row, folded over x and y; one pass over the row, each
// invocation keeping its sum relative to the largest logit it has seen. GROUP =
// SIDE^2: the reduction goes over columns, then over the columns' results.
// crossentropy_mean.wgsl makes the mean.

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

var<workgroup> tops: array<f32, {{.GROUP}}>;
var<workgroup> sums: array<f32, {{.GROUP}}>;

@compute @workgroup_size({{.GROUP}})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let row = wid.x + wid.y * nwg.x;
    if (row >= p.rows) {
        return;
    }
    let base = row * p.width;
    var top = -3.0e38;
    var sum = 0.0;
    var i = lid;
    for (; i + 3u * GROUP < p.width; i = i + 4u * GROUP) {
        let v = vec4<f32>(logits[base + i], logits[base + i + GROUP], logits[base + i + 2u * GROUP], logits[base + i + 3u * GROUP]);
        let t = max(top, max(max(v.x, v.y), max(v.z, v.w)));
        let e = exp(v - t);
        sum = sum * exp(top - t) + ((e.x + e.y) + (e.z + e.w));
        top = t;
    }
    for (; i < p.width; i = i + GROUP) {
        let v = logits[base + i];
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
    if (lid == 0u) {
        for (var i = 1u; i < SIDE; i = i + 1u) {
            let t = max(top, tops[i]);
            sum = sum * exp(top - t) + sums[i] * exp(tops[i] - t);
            top = t;
        }
        let rest = log(sum);
        lse[row] = top + rest;
        // A negative label becomes a large unsigned one.
        let label = bitcast<u32>(labels[row]);
        var loss = 0.0;
        if (label < p.width) {
            loss = (top - logits[base + label]) + rest;
        }
        losses[row] = loss;
    }
}
