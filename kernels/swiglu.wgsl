// Gated activation of LLaMA's feed-forward layers.
//
//   forward   y = silu(gate) up
//   backward  dgate = dy up silu'(gate),  dup = dy silu(gate)
//
// Bindings: gate, up, then y, or dy, dgate, dup; n units each, numbers,
// or with VEC vectors of four. One invocation a unit, workgroups of 256, folded
// over x and y.

{{$unit := "f32"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{end -}}
struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> gate: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read> up: array<{{$unit}}>;
{{if .BACKWARD}}
@group(0) @binding(3) var<storage, read> dy: array<{{$unit}}>;
@group(0) @binding(4) var<storage, read_write> dgate: array<{{$unit}}>;
@group(0) @binding(5) var<storage, read_write> dup: array<{{$unit}}>;
{{else}}
@group(0) @binding(3) var<storage, read_write> y: array<{{$unit}}>;
{{end}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let g = gate[i];
        let s = 1.0 / (1.0 + exp(-g));
        {{if .BACKWARD}}
        let d = dy[i];
        dgate[i] = d * up[i] * s * (1.0 + g * (1.0 - s));
        dup[i] = d * g * s;
        {{else}}
        y[i] = g * s * up[i];
        {{end}}
    }
}
