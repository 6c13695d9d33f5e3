// dx[o, k, i] = dy[o, i] where k is at[o, i], else 0, for dx (outer, len,
// inner) of n elements. One invocation an element, workgroups of 256, folded.

struct Params { n: u32, len: u32, inner: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> at: array<i32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let result = i / (p.len * p.inner) * p.inner + i % p.inner;
        var v = 0.0;
        if (u32(at[result]) == i / p.inner % p.len) {
            v = dy[result];
        }
        dx[i] = v;
    }
}
