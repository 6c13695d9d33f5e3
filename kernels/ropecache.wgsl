// Rotary position embedding of new queries and keys, and the new rows of a
// cache of keys and values.
//
// q, turned (B, tokens, heads, 2 half); k, v (B, tokens, kv_heads, 2 half);
// keys, vals (B, rows, kv_heads, 2 half), written from row offset on. Token t
// has position offset + t, or offsets[b] + t in item b if there are offsets (B);
// what would come behind the cache is not written. Frequencies and layout as in
// rope.wgsl. One invocation a pair (i, i + half) of the heads of q, then k, then
// v of a token (n of them in all), workgroups of 256, folded over x and y.

struct Params {
    n: u32, tokens: u32, heads: u32, kv_heads: u32,
    half: u32, offset: u32, rows: u32, ragged: u32,
    frequency: array<vec4<u32>, 32>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<i32>;
@group(0) @binding(5) var<storage, read_write> turned: array<f32>;
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;
@group(0) @binding(7) var<storage, read_write> vals: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (g < p.n) {
        let all = p.heads + 2u * p.kv_heads;
        let i = g % p.half;
        let head = g / p.half % all;
        let token = g / (p.half * all);
        let item = token / p.tokens;
        var first = p.offset;
        if (p.ragged != 0u) {
            first = u32(max(offsets[item], 0));
        }
        let pos = first + token % p.tokens;
        let kv = (head - p.heads) % p.kv_heads; // of the keys and values
        let source = (token * p.kv_heads + kv) * 2u * p.half + i;
        let place = ((item * p.rows + pos) * p.kv_heads + kv) * 2u * p.half + i;

        // As a signed number the product is in [-1/2, 1/2) turn.
        let f = p.frequency[i / 4u][i % 4u];
        let angle = f32(bitcast<i32>(pos * f)) * 1.4629180792671596e-9; // 2 pi / 2^32
        let c = cos(angle);
        let s = sin(angle);
        if (head < p.heads) {
            let at = (token * p.heads + head) * 2u * p.half + i;
            let a = q[at];
            let b = q[at + p.half];
            turned[at] = a * c - b * s;
            turned[at + p.half] = b * c + a * s;
        } else if (pos >= p.rows) {
            return;
        } else if (head < p.heads + p.kv_heads) {
            let a = k[source];
            let b = k[source + p.half];
            keys[place] = a * c - b * s;
            keys[place + p.half] = b * c + a * s;
        } else {
            vals[place] = v[source];
            vals[place + p.half] = v[source + p.half];
        }
    }
}
