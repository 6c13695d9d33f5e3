// One step of AdamW on n units, numbers, or with VEC vectors of four:
//
//   w -= lr * decay * w
//   m = beta1 * m + rest1 * g,  v = beta2 * v + rest2 * g^2
//   w -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps)
//
// rest1 = 1 - beta1 and rest2 = 1 - beta2 are rounded from double precision.
// step holds lr, c1, c2. g is grad, with SCALED times scale[0]. One invocation
// a unit, workgroups of 256, folded.

{{$unit := "f32"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{end -}}
struct Params { n: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> grad: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read> step: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<{{$unit}}>;
@group(0) @binding(5) var<storage, read_write> m: array<{{$unit}}>;
@group(0) @binding(6) var<storage, read_write> v: array<{{$unit}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let lr = step[0];
        let g = grad[i]{{if .SCALED}} * scale[0]{{end}};
        let mean = p.beta1 * m[i] + p.rest1 * g;
        let square = p.beta2 * v[i] + p.rest2 * g * g;
        let decayed = w[i] * (1.0 - lr * p.decay);
        w[i] = decayed - lr / step[1] * mean / (sqrt(square) / sqrt(step[2]) + p.eps);
        m[i] = mean;
        v[i] = square;
    }
}
