// The end of a product that was computed in parts along K: the parts, added in
// order, become  out = act(sum + bias) + residual,  or  out += sum, by the bits
// of p.finish: 1 bias, 2 ReLU, 4 residual, 8 +=.
//
// sums (parts,M,N), bias (N), residual and out (M,N); with VEC_OUT all by four
// neighbours. n elements (or quads) in all, width a row. One invocation each,
// workgroups of 256, folded over x and y.

struct Params { n: u32, width: u32, parts: u32, finish: u32 }
{{$t := "f32"}}{{if .VEC_OUT}}{{$t = "vec4<f32>"}}{{end}}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> sums: array<{{$t}}>;
@group(0) @binding(2) var<storage, read> bias: array<{{$t}}>;
@group(0) @binding(3) var<storage, read> residual: array<{{$t}}>;
@group(0) @binding(4) var<storage, read_write> out: array<{{$t}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        var r = sums[i];
        for (var s = 1u; s < p.parts; s = s + 1u) {
            r = r + sums[s * p.n + i];
        }
        if ((p.finish & 1u) != 0u) {
            r = r + bias[i % p.width];
        }
        if ((p.finish & 2u) != 0u) {
            r = select(r, {{$t}}(0.0), r < {{$t}}(0.0));
        }
        if ((p.finish & 4u) != 0u) {
            r = r + residual[i];
        }
        if ((p.finish & 8u) != 0u) {
            r = r + out[i];
        }
        out[i] = r;
    }
}
