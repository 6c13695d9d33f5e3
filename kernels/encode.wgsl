// Frequency encoding of coordinates, and its gradient.
//
//   forward   y[2 (i K + k)] = sin(pi 2^k u[i]), next element cos(pi 2^k u[i])
//   backward  du[i] = sum_k pi 2^k (cos dy_sin - sin dy_cos)
//
// K = octaves. Forward: one invocation a (coordinate, octave); backward: one a
// coordinate. 256 a workgroup, folded. WGSL promises sin and cos only to 2^-11,
// so both are polynomials on [-1/4, 1/4] half turns after an exact reduction.

struct Params { n: u32, octaves: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;
{{if .BACKWARD}}
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
{{else}}
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
{{end}}

// 2^k as a float, k in [0, 126].
fn pow2(k: u32) -> f32 {
    return bitcast<f32>((k + 127u) << 23u);
}

// (sin(pi t), cos(pi t)). t modulo 2 is exact; f is what is left of the
// nearest half turn quarter, |f| <= 1/4.
fn sincos_pi(t: f32) -> vec2<f32> {
    let r = t - 2.0 * floor(t * 0.5);
    let q = floor(r * 2.0 + 0.5);
    let f = r - q * 0.5;
    let z = f * f;
    let s = f * (3.14159265 + z * (-5.16771278 + z * (2.55016404 + z * (-0.59926453 + z * 0.08214589))));
    let c = 1.0 + z * (-4.93480220 + z * (4.05871213 + z * (-1.33526277 + z * (0.23533063 + z * -0.02580689))));
    let quadrant = u32(q) % 4u;
    let swap = (quadrant % 2u) == 1u;
    var sn = select(s, c, swap);
    var cs = select(c, s, swap);
    if (quadrant >= 2u) {
        sn = -sn;
    }
    if (quadrant == 1u || quadrant == 2u) {
        cs = -cs;
    }
    return vec2<f32>(sn, cs);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        {{if .BACKWARD}}
        var sum = 0.0;
        for (var k = 0u; k < p.octaves; k = k + 1u) {
            let sc = sincos_pi(u[i] * pow2(k));
            let at = 2u * (i * p.octaves + k);
            sum = sum + 3.14159265 * pow2(k) * (sc.y * dy[at] - sc.x * dy[at + 1u]);
        }
        out[i] = sum;
        {{else}}
        let sc = sincos_pi(u[i / p.octaves] * pow2(i % p.octaves));
        out[2u * i] = sc.x;
        out[2u * i + 1u] = sc.y;
        {{end}}
    }
}
