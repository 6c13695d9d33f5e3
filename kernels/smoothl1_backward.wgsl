// dpred[i] = dloss / n * clamp(pred[i] - target[i], -1, 1). NaN stays. One
// invocation an element, workgroups of 256, folded.

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> pred: array<f32>;
@group(0) @binding(2) var<storage, read> wanted: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dpred: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let d = pred[i] - wanted[i];
        let clamped = select(select(d, 1.0, d > 1.0), -1.0, d < -1.0);
        dpred[i] = dloss[0] / f32(p.n) * clamped;
    }
}
