// out[i] = x[i], or with ADD out[i] += x[i], for n units: numbers, or with VEC vectors of
// four. One invocation a unit, workgroups of 256, folded over x and y.

{{$unit := "f32"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{end -}}
struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read_write> out: array<{{$unit}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        {{if .ADD}}out[i] = out[i] + x[i];{{else}}out[i] = x[i];{{end}}
    }
}
