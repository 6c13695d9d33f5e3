// y = (x - mean) / sqrt(var + eps) * w + b for x (rows, c) of n elements, with
// mean, var, w, b (c). One invocation an element, workgroups of 256, folded.

struct Params { n: u32, c: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> variance: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let j = i % p.c;
        y[i] = (x[i] - mean[j]) * inverseSqrt(variance[j] + p.eps) * w[j] + b[j];
    }
}
