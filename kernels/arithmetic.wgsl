// Sum, difference, product or quotient of two broadcast operands.
//
//   out[i] = a[...] KIND b[...]      KIND: 0 +, 1 -, 2 *, 3 /
//
// The output has RANK axes after merging, axis 0 innermost; sa and sb are the
// operands' strides along them, 0 where an operand repeats. With VEC there is one
// axis, which neither repeats, and an element is a vector of four. One invocation
// an element, workgroups of 256, folded over x and y.

{{$unit := "f32"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{end -}}
struct Params {
    n: u32,
    {{range seq .RANK}}len{{.}}: u32, sa{{.}}: u32, sb{{.}}: u32,
    {{end}}
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read> b: array<{{$unit}}>;
@group(0) @binding(3) var<storage, read_write> out: array<{{$unit}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        var rest = i;
        var ia = 0u;
        var ib = 0u;
        {{$outer := add .RANK -1}}{{range seq $outer}}{
            let c = rest % p.len{{.}};
            rest = rest / p.len{{.}};
            ia = ia + c * p.sa{{.}};
            ib = ib + c * p.sb{{.}};
        }
        {{end}}let va = a[ia + rest * p.sa{{$outer}}];
        let vb = b[ib + rest * p.sb{{$outer}}];
        {{if eq .KIND 0}}out[i] = va + vb;{{else if eq .KIND 1}}out[i] = va - vb;{{else if eq .KIND 2}}out[i] = va * vb;{{else}}out[i] = va / vb;{{end}}
    }
}
