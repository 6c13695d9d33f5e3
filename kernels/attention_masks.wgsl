{{- /*
Included by the shaders of attention: their parameters, which keys a query sees,
and what dropout does.
*/ -}}
struct Params {
    groups: u32, tiles: u32, blocks: u32,
    queries: u32, keys: u32, capacity: u32, heads: u32, kv_heads: u32, dim: u32,
    offset: i32, scale: f32, scale2: f32, minus_inf: f32, below: u32, keep: f32, items: u32, masked: u32,
}

@group(0) @binding(0) var<uniform> p: Params;

// visible returns how many keys query i sees of the first n. Without a causal
// mask the offset is beyond all keys.
fn visible(i: u32, n: u32) -> u32 {
    return select(0u, min(n, u32(max(i32(i) + p.offset + 1, 0))), i < p.queries);
}

fn pcg(x: u32) -> u32 {
    let s = x * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

// kept returns what dropout multiplies the weights at counters c, c + n,
// c + 2 n and c + 3 n by: keep or 0. key is pcg of the seed.
fn kept(key: u32, c: u32, n: u32, keep: f32) -> vec4<f32> {
    return vec4<f32>(
        select(keep, 0.0, pcg(c + key) < p.below), select(keep, 0.0, pcg(c + n + key) < p.below),
        select(keep, 0.0, pcg(c + 2u * n + key) < p.below), select(keep, 0.0, pcg(c + 3u * n + key) < p.below));
}
