// Running statistics of c channels: running = (1 - momentum) running + momentum
// batch, where the batch's variance is made unbiased by the factor unbias. One
// invocation a channel, workgroups of 256, folded.

struct Params { c: u32, momentum: f32, unbias: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_variance: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let j = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (j < p.c) {
        running_mean[j] = (1.0 - p.momentum) * running_mean[j] + p.momentum * mean[j];
        running_variance[j] = (1.0 - p.momentum) * running_variance[j] + p.momentum * variance[j] * p.unbias;
    }
}
