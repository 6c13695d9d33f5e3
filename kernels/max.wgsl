// Largest element along the middle axis of x (outer, n, inner), and its first
// position. NaN counts as largest.
//
// count = outer * inner results, 256 / LANES of them a workgroup. LANES
// invocations share a result: each looks at every LANES-th element, and the
// best of them are compared as a tree in workgroup memory. With ROWS (inner is
// 1) the invocations of a result are neighbours, else neighbours have
// neighbouring results, so that loads are contiguous. Workgroups are folded.

struct Params { count: u32, n: u32, inner: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> at: array<i32>;

var<workgroup> value: array<f32, 256>;
var<workgroup> place: array<u32, 256>;

fn is_nan(v: f32) -> bool {
    return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// Whether element (v, k) wins over (w, l).
fn wins(v: f32, k: u32, w: f32, l: u32) -> bool {
    let v_nan = is_nan(v);
    let w_nan = is_nan(w);
    if (v_nan || w_nan) {
        return v_nan && (!w_nan || k < l);
    }
    return v > w || (v == w && k < l);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = wid.x + wid.y * nwg.x;
    let results = 256u / LANES;
    {{if .ROWS}}let lane = lid % LANES;
    let result = g * results + lid / LANES;
    {{else}}let lane = lid / results;
    let result = g * results + lid % results;
    {{end}}let live = result < p.count;

    // A lane without elements holds none's position n, which never wins: the
    // comparison below asks for it.
    var best = 0.0;
    var best_at = p.n;
    if (live) {
        let base = result / p.inner * p.n * p.inner + result % p.inner;
        for (var k = lane; k < p.n; k = k + LANES) {
            let v = x[base + k * p.inner];
            if (best_at == p.n || wins(v, k, best, best_at)) {
                best = v;
                best_at = k;
            }
        }
    }
    value[lid] = best;
    place[lid] = best_at;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            let other = lid + half{{if not .ROWS}} * results{{end}};
            let theirs = place[other];
            if (theirs < p.n && (place[lid] == p.n || wins(value[other], theirs, value[lid], place[lid]))) {
                value[lid] = value[other];
                place[lid] = theirs;
            }
        }
        workgroupBarrier();
    }
    if (live && lane == 0u) {
        y[result] = value[lid];
        at[result] = i32(place[lid]);
    }
}
