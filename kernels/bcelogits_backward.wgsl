// dx[i] = dloss / n * weight[i] (sigmoid(x[i]) - wanted[i]); without WEIGHTED,
// weight is not read. One invocation an element, workgroups of 256, folded.

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> wanted: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> dloss: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        // exp of a number that is not positive cannot overflow.
        let v = x[i];
        let e = exp(-abs(v));
        let s = select(e, 1.0, v >= 0.0) / (1.0 + e);
        let g = dloss[0] / f32(p.n) * (s - wanted[i]);
        {{if .WEIGHTED}}dx[i] = g * weight[i];{{else}}dx[i] = g;{{end}}
    }
}
