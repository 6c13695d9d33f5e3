// The end of a gradient of NeRF networks that was computed in parts: these are
// added in order.
//
// sums (parts, n), out from element at on; with VEC by four neighbours. One
// invocation an element, workgroups of 256, folded.

struct Params { n: u32, parts: u32, at: u32 }
{{$t := "f32"}}{{if .VEC}}{{$t = "vec4<f32>"}}{{end}}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> sums: array<{{$t}}>;
@group(0) @binding(2) var<storage, read_write> out: array<{{$t}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        var r = sums[i];
        for (var s = 1u; s < p.parts; s = s + 1u) {
            r = r + sums[s * p.n + i];
        }
        out[p.at + i] = r;
    }
}
