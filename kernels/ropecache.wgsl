// Rotary position embedding of new queries and keys, and the new rows of a
// cache of keys and values.
//
// q, turned (B, tokens, heads, 2 half); k, v (B, tokens, kv_heads, 2 half);
// keys, vals (B, rows, kv_heads, 2 half), stored as CACHE, written from row
// offset on. Token t has position offset + t, or offsets[b] + t in item b if
// there are offsets (B); what would come behind the cache is not written.
// Frequencies and layout as in rope.wgsl. One invocation for a pair (i, i + half)
// of the heads of q, then k, then v of a token, or for two neighbouring pairs
// where the cache has 16-bit types, of which two fill a word (n invocations in
// all); workgroups of 256, folded over x and y.
{{- $wide := eq .CACHE "float32"}}
{{- $pairs := 2}}{{if $wide}}{{$pairs = 1}}{{end}}

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
@group(0) @binding(6) var<storage, read_write> keys: array<{{if $wide}}f32{{else}}u32{{end}}>;
@group(0) @binding(7) var<storage, read_write> vals: array<{{if $wide}}f32{{else}}u32{{end}}>;

// turns returns cosine and sine of the angle of pair i at a position.
fn turns(i: u32, pos: u32) -> vec2<f32> {
    // As a signed number the product is in [-1/2, 1/2) turn.
    let angle = f32(bitcast<i32>(pos * p.frequency[i / 4u][i % 4u])) * 1.4629180792671596e-9; // 2 pi / 2^32
    return vec2<f32>(cos(angle), sin(angle));
}
{{if eq .CACHE "float16"}}
fn word(a: f32, b: f32) -> u32 {
    return pack2x16float(vec2<f32>(a, b));
}
{{else if eq .CACHE "bfloat16"}}
// rounded rounds to nearest even; NaN stays NaN.
fn rounded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    return select((b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u, (b >> 16u) | 0x40u, (b & 0x7fffffffu) > 0x7f800000u);
}

fn word(a: f32, b: f32) -> u32 {
    return rounded(a) | (rounded(b) << 16u);
}
{{end}}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (g < p.n) {
        let all = p.heads + 2u * p.kv_heads;
        let each = p.half / {{$pairs}}u;
        let i = g % each * {{$pairs}}u;
        let head = g / each % all;
        let token = g / (each * all);
        let item = token / p.tokens;
        var first = p.offset;
        if (p.ragged != 0u) {
            first = u32(max(offsets[item], 0));
        }
        let pos = first + token % p.tokens;
        let kv = (head - p.heads) % p.kv_heads; // of the keys and values
        let source = (token * p.kv_heads + kv) * 2u * p.half + i;
        let place = ((item * p.rows + pos) * p.kv_heads + kv) * 2u * p.half + i;
        {{- range $j := seq $pairs}}
        let t{{$j}} = turns(i + {{$j}}u, pos);
        {{- end}}
        if (head < p.heads) {
            let at = (token * p.heads + head) * 2u * p.half + i;
            {{- range $j := seq $pairs}}
            let a{{$j}} = q[at + {{$j}}u];
            let b{{$j}} = q[at + p.half + {{$j}}u];
            turned[at + {{$j}}u] = a{{$j}} * t{{$j}}.x - b{{$j}} * t{{$j}}.y;
            turned[at + p.half + {{$j}}u] = b{{$j}} * t{{$j}}.x + a{{$j}} * t{{$j}}.y;
            {{- end}}
        } else if (pos >= p.rows) {
            return;
        } else if (head < p.heads + p.kv_heads) {
            {{- range $j := seq $pairs}}
            let a{{$j}} = k[source + {{$j}}u];
            let b{{$j}} = k[source + p.half + {{$j}}u];
            let x{{$j}} = a{{$j}} * t{{$j}}.x - b{{$j}} * t{{$j}}.y;
            let y{{$j}} = b{{$j}} * t{{$j}}.x + a{{$j}} * t{{$j}}.y;
            {{- end}}
            {{- if $wide}}
            keys[place] = x0;
            keys[place + p.half] = y0;
            {{- else}}
            keys[place / 2u] = word(x0, x1);
            keys[(place + p.half) / 2u] = word(y0, y1);
            {{- end}}
        } else {
            {{- if $wide}}
            vals[place] = v[source];
            vals[place + p.half] = v[source + p.half];
            {{- else}}
            vals[place / 2u] = word(v[source], v[source + 1u]);
            vals[(place + p.half) / 2u] = word(v[source + p.half], v[source + p.half + 1u]);
            {{- end}}
        }
    }
}
