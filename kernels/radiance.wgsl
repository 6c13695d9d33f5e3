// A NeRF network's outputs to colour and density, and the gradient.
//
//   forward   rgb = sigmoid(y[0..2]); sigma = exp(y[3] - 1) strictly inside
//   backward  dy from y, u, drgb, dsigma; the exponential clamped at exp(15)
//
// y is (n, width), u (n, 3) in box units. One invocation a point, 256 a
// workgroup, folded.

struct Params { n: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> u: array<f32>;
{{if .BACKWARD}}
@group(0) @binding(3) var<storage, read> drgb: array<f32>;
@group(0) @binding(4) var<storage, read> dsigma: array<f32>;
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;
{{else}}
@group(0) @binding(3) var<storage, read_write> rgb: array<f32>;
@group(0) @binding(4) var<storage, read_write> sigma: array<f32>;
{{end}}

fn sigmoid(v: f32) -> f32 {
    return 1.0 / (1.0 + exp(-v));
}

fn inside(i: u32) -> bool {
    let a = vec3<f32>(u[3u * i], u[3u * i + 1u], u[3u * i + 2u]);
    return a.x > 0.0 && a.x < 1.0 && a.y > 0.0 && a.y < 1.0 && a.z > 0.0 && a.z < 1.0;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let row = i * p.width;
        {{if .BACKWARD}}
        for (var c = 0u; c < 3u; c = c + 1u) {
            let s = sigmoid(y[row + c]);
            dy[row + c] = drgb[3u * i + c] * s * (1.0 - s);
        }
        dy[row + 3u] = select(0.0, dsigma[i] * exp(min(y[row + 3u] - 1.0, 15.0)), inside(i));
        for (var c = 4u; c < p.width; c = c + 1u) {
            dy[row + c] = 0.0;
        }
        {{else}}
        for (var c = 0u; c < 3u; c = c + 1u) {
            rgb[3u * i + c] = sigmoid(y[row + c]);
        }
        sigma[i] = select(0.0, exp(y[row + 3u] - 1.0), inside(i));
        {{end}}
    }
}
