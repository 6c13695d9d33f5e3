// out[i] = c x[i], or with FILL out[i] = c, for n elements. Bindings: x (not
// with FILL), out. One invocation an element, workgroups of 256, folded over x
// and y.

struct Params { n: u32, c: f32 }

@group(0) @binding(0) var<uniform> p: Params;
{{if .FILL}}
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
{{else}}
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
{{end}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        {{if .FILL}}out[i] = p.c;{{else}}out[i] = p.c * x[i];{{end}}
    }
}
