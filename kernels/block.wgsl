// Copy between strided blocks:  out[to + ...] = x[from + ...], or += with ADD, of
// an ELEMENT of 32 bits.
//
// The block has RANK axes, axis 0 innermost; a and b are the steps along them
// in out and x. One invocation an element, in the block's order, so that the
// innermost axis is read and written contiguously where its steps are 1.
// Workgroups of 256, folded over x and y.

struct Params {
    n: u32, to: u32, origin: u32,
    {{range seq .RANK}}len{{.}}: u32, a{{.}}: u32, b{{.}}: u32,
    {{end}}
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<{{.ELEMENT}}>;
@group(0) @binding(2) var<storage, read_write> out: array<{{.ELEMENT}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        var rest = i;
        var to = p.to;
        var origin = p.origin;
        {{$outer := add .RANK -1}}{{range seq $outer}}{
            let c = rest % p.len{{.}};
            rest = rest / p.len{{.}};
            to = to + c * p.a{{.}};
            origin = origin + c * p.b{{.}};
        }
        {{end}}to = to + rest * p.a{{$outer}};
        let v = x[origin + rest * p.b{{$outer}}];
        {{if .ADD}}out[to] = out[to] + v;{{else}}out[to] = v;{{end}}
    }
}
