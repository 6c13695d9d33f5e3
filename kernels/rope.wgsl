// Rotary position embedding, "rotate_half" layout: the pair (x[i], x[i + half])
// of a head is turned by position * frequency[i].
//
// x, y (B, tokens, heads, 2 half); positions (B, tokens) with POSITIONS, else
// token t has position offset + t. A frequency is given in turns / 2^32, so
// that the wrapping product with a position is the angle within one turn. One
// invocation a pair (n of them), workgroups of 256, folded over x and y.

struct Params {
    n: u32, tokens: u32, heads: u32, half: u32,
    offset: u32, pad0: u32, pad1: u32, pad2: u32,
    frequency: array<vec4<u32>, 32>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (g < p.n) {
        let i = g % p.half;
        let head = g / p.half;
        let token = head / p.heads;
        var pos = p.offset + token % p.tokens;
        if (POSITIONS) {
            pos = bitcast<u32>(positions[token]);
        }
        let f = p.frequency[i / 4u][i % 4u];
        // As a signed number the product is in [-1/2, 1/2) turn.
        let angle = f32(bitcast<i32>(pos * f)) * 1.4629180792671596e-9; // 2 pi / 2^32
        let c = cos(angle);
        let s = sin(angle);
        let at = head * 2u * p.half + i;
        let a = x[at];
        let b = x[at + p.half];
        y[at] = a * c - b * s;
        y[at + p.half] = b * c + a * s;
    }
}
