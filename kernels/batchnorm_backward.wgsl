// Gradient of batch norm with respect to x, for x and dy (rows, c) of n
// elements: with rstd = 1 / sqrt(var + eps) and h = (x - mean) * rstd
//
//   dx = w * rstd * (dy - (db + h * dw) / rows)
//   dx = w * rstd * dy                              with GIVEN statistics
//
// One invocation an element, workgroups of 256, folded.

struct Params { n: u32, c: u32, rows: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> variance: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read> dw: array<f32>;
@group(0) @binding(7) var<storage, read> db: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let j = i % p.c;
        let r = inverseSqrt(variance[j] + p.eps);
        {{if .GIVEN}}let g = dy[i];{{else}}let g = dy[i] - (db[j] + (x[i] - mean[j]) * r * dw[j]) / f32(p.rows);{{end}}
        dx[i] = w[j] * r * g;
    }
}
