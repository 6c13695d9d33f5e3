// Frequency encoding of coordinates:
// y[2 (i K + k)] = sin(pi 2^k u[i]), the next element cos(pi 2^k u[i]).
//
// K = octaves. One invocation a (coordinate, octave), 256 a workgroup, folded.

struct Params { n: u32, octaves: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

{{template "sincos" dict "T" "f32"}}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let sc = sincos_pi(u[i / p.octaves] * pow2(i % p.octaves));
        out[2u * i] = sc.sine;
        out[2u * i + 1u] = sc.cosine;
    }
}
