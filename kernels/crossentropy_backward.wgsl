// Gradient of the mean cross-entropy:
// dlogits = (exp(logits - lse) - onehot(label)) dloss / max(count, 1),
// 0 in rows whose label is outside [0, width).
//
// logits, dlogits (n elements, rows of width), labels, lse (rows), count,
// dloss (1). One invocation an element, workgroups of 256, folded over x and y.

struct Params { n: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> count: array<u32>;
@group(0) @binding(5) var<storage, read> dloss: array<f32>;
@group(0) @binding(6) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let row = i / p.width;
        let label = bitcast<u32>(labels[row]);
        var d = 0.0;
        if (label < p.width) {
            let one = select(0.0, 1.0, i % p.width == label);
            d = (exp(logits[i] - lse[row]) - one) * (dloss[0] / f32(max(count[0], 1u)));
        }
        dlogits[i] = d;
    }
}
