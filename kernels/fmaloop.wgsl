// y[i] = sum over l < 32 of a_l, where a_l starts at x[i] + l and takes
// a = a mul + x[i] for a number of rounds. Bindings: x, y, n elements each. One
// invocation an element, workgroups of 256, folded over x and y. The chains are
// eight named vectors, so that they stay in registers.

struct Params { n: u32, rounds: u32, mul: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i >= p.n) {
        return;
    }
    let v = vec4<f32>(x[i]);
    let m = vec4<f32>(p.mul);
    // The chains of a0 are l = 0 to 3, those of a1 4 to 7, and so on.
    let lane = vec4<f32>(0.0, 1.0, 2.0, 3.0);
    {{range seq 8}}var a{{.}} = v + lane + {{.}}.0 * 4.0;
    {{end}}
    for (var r = 0u; r < p.rounds; r = r + 1u) {
        {{range seq 8}}a{{.}} = fma(a{{.}}, m, v);
        {{end}}
    }
    let s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7;
    y[i] = s.x + s.y + s.z + s.w;
}
