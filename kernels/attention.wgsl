// Attention over tiles, with an online softmax:
// out = dropout(softmax(scale q k^T)) v for each head.
//
// q, out (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of which
// keys rows are used; lengths (B) if masked; seed (1) with DROPOUT; lse
// (B, heads, queries). Grid: B * heads * tiles * blocks, folded. A
// workgroup of 16 x 16 computes 64 queries and a block of 64 QUADS columns of
// the output, going over the keys in tiles of 64.
//
// Invocation (tx, ty) owns the queries 4 ty .. 4 ty + 3 of the tile. Of the
// scores it owns the keys tx, tx + 16, tx + 32, tx + 48, of the output the
// columns 4 tx .. 4 tx + 3 of each 64. Both products are made like in
// matmul.wgsl from slices in workgroup memory: two vec4 loads for 16
// multiply-adds. The weights go through workgroup memory in halves of 32 keys,
// in the place of the slices of q and k. Rows of 17 vec4 avoid bank conflicts.
//
// A query that sees no key gets 0 and an lse of minus infinity.

struct Params {
    groups: u32, tiles: u32, blocks: u32,
    queries: u32, keys: u32, capacity: u32, heads: u32, kv_heads: u32, dim: u32,
    offset: i32, scale: f32, minus_inf: f32, below: u32, keep: f32, items: u32, masked: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> lengths: array<i32>;
@group(0) @binding(5) var<storage, read> seed: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read_write> lse: array<f32>;

// Slices [d][query / 4] of q and, from 272 on, [d][key % 16] of k; then the
// weights [key][query / 4] of half a tile.
var<workgroup> tile: array<vec4<f32>, 544>;
// A reduction [query / 4][tx]; then a slice [key][column / 4] of v.
var<workgroup> slice: array<vec4<f32>, 272>;

// visible returns how many keys query i sees of the first n. Without a causal
// mask the offset is beyond all keys.
fn visible(i: u32, n: u32) -> u32 {
    return select(0u, min(n, u32(max(i32(i) + p.offset + 1, 0))), i < p.queries);
}

fn load_q(base: u32, i: u32, d: u32) -> f32 {
    let inside = i < p.queries && d < p.dim;
    return select(0.0, q[select(0u, base + i * p.heads * p.dim + d, inside)], inside);
}

fn load_k(base: u32, j: u32, d: u32, end: u32) -> f32 {
    let inside = j < end && d < p.dim;
    return select(0.0, k[select(0u, base + j * p.kv_heads * p.dim + d, inside)], inside);
}

fn load_v(base: u32, j: u32, d: u32, end: u32) -> f32 {
    let inside = j < end && d < p.dim;
    return select(0.0, v[select(0u, base + j * p.kv_heads * p.dim + d, inside)], inside);
}

fn store(base: u32, i: u32, d: u32, x: vec4<f32>) {
    if (i < p.queries) {
        let at = base + i * p.heads * p.dim + d;
        if (d < p.dim) { out[at] = x.x; }
        if (d + 1u < p.dim) { out[at + 1u] = x.y; }
        if (d + 2u < p.dim) { out[at + 2u] = x.z; }
        if (d + 3u < p.dim) { out[at + 3u] = x.w; }
    }
}

fn pcg(x: u32) -> u32 {
    let s = x * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

// dropped returns w with the weights at counters c .. of four queries, a row of
// keys apart, dropped. key is pcg of the seed.
fn dropped(w: vec4<f32>, key: u32, c: u32) -> vec4<f32> {
    let n = p.keys;
    return vec4<f32>(
        select(w.x, 0.0, pcg(c + key) < p.below), select(w.y, 0.0, pcg(c + n + key) < p.below),
        select(w.z, 0.0, pcg(c + 2u * n + key) < p.below), select(w.w, 0.0, pcg(c + 3u * n + key) < p.below));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let block = group % p.blocks;
    // Later tiles see more keys: they start first.
    let i0 = (p.tiles - 1u - (group / p.blocks) % p.tiles) * 64u;
    let head = group / (p.blocks * p.tiles);
    let h = head % p.heads;
    let b = head / p.heads;
    let tx = lid % 16u;
    let ty = lid / 16u;
    let row = i0 + 4u * ty;
    let base_q = (b * p.queries * p.heads + h) * p.dim;
    let base_k = (b * p.capacity * p.kv_heads + h / (p.heads / p.kv_heads)) * p.dim;
    let column = block * 128u;

    var used = p.keys;
    if (p.masked != 0u) {
        used = min(used, u32(max(lengths[b], 0)));
    }
    let seen = vec4<u32>(visible(row, used), visible(row + 1u, used), visible(row + 2u, used), visible(row + 3u, used));
    let end = visible(min(i0 + 63u, p.queries - 1u), used);
    var drop_key = 0u;
    var drop_row = 0u;
    if (DROPOUT) {
        drop_key = pcg(seed[0]);
        drop_row = (head * p.queries + row) * p.keys;
    }

    var top = vec4<f32>(-1.0e30, -1.0e30, -1.0e30, -1.0e30);
    var sum = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    {{range $c := seq .QUADS}}{{range $r := seq 4}}
    var o{{$c}}{{$r}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);{{end}}{{end}}

    for (var j0 = 0u; j0 < end; j0 = j0 + 64u) {
        var s0 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var s1 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var s2 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var s3 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        for (var d0 = 0u; d0 < p.dim; d0 = d0 + 16u) {
            let d = d0 + tx;
            tile[tx * 17u + ty] = vec4<f32>(
                load_q(base_q, row, d), load_q(base_q, row + 1u, d), load_q(base_q, row + 2u, d), load_q(base_q, row + 3u, d));
            let j = j0 + ty;
            tile[272u + tx * 17u + ty] = vec4<f32>(
                load_k(base_k, j, d, end), load_k(base_k, j + 16u, d, end), load_k(base_k, j + 32u, d, end), load_k(base_k, j + 48u, d, end));
            workgroupBarrier();
            let some = min(16u, p.dim - d0);
            for (var e = 0u; e < some; e = e + 4u) {
                {{range seq 4}}{
                    let x = tile[(e + {{.}}u) * 17u + ty];
                    let y = tile[272u + (e + {{.}}u) * 17u + tx];
                    s0 = s0 + x * y.x;
                    s1 = s1 + x * y.y;
                    s2 = s2 + x * y.z;
                    s3 = s3 + x * y.w;
                }
                {{end}}
            }
            workgroupBarrier();
        }

        // Mask, and the rows' new maxima.
        let j = j0 + tx;
        let low = vec4<f32>(-1.0e30, -1.0e30, -1.0e30, -1.0e30);
        {{range $c := seq 4}}
        let in{{$c}} = vec4<u32>(j + {{mul 16 $c}}u, j + {{mul 16 $c}}u, j + {{mul 16 $c}}u, j + {{mul 16 $c}}u) < seen;
        s{{$c}} = select(low, s{{$c}} * p.scale, in{{$c}});{{end}}
        slice[ty * 17u + tx] = max(max(s0, s1), max(s2, s3));
        workgroupBarrier();
        var high = top;
        {{range seq 16}}
        high = max(high, slice[ty * 17u + {{.}}u]);{{end}}
        let shrink = exp(top - high);
        top = high;

        // Weights; sum holds this invocation's keys only.
        let zero = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        {{range seq 4}}
        s{{.}} = select(zero, exp(s{{.}} - top), in{{.}});{{end}}
        sum = sum * shrink + ((s0 + s1) + (s2 + s3));
        if (DROPOUT) {
            {{range $c := seq 4}}
            s{{$c}} = dropped(s{{$c}}, drop_key, drop_row + j + {{mul 16 $c}}u);{{end}}
        }
        {{range $c := seq .QUADS}}
        o{{$c}}0 = o{{$c}}0 * shrink.x;
        o{{$c}}1 = o{{$c}}1 * shrink.y;
        o{{$c}}2 = o{{$c}}2 * shrink.z;
        o{{$c}}3 = o{{$c}}3 * shrink.w;{{end}}
        workgroupBarrier();

        let count = min(64u, end - j0);
        for (var j1 = 0u; j1 < count; j1 = j1 + SLICE) {
            if (j1 % 32u == 0u) {
                tile[tx * 17u + ty] = select(s0, s2, j1 == 32u);
                tile[(tx + 16u) * 17u + ty] = select(s1, s3, j1 == 32u);
            }
            let jv = j0 + j1 + lid / (16u * QUADS);
            let dv = column + 4u * (lid % (16u * QUADS));
            slice[lid] = vec4<f32>(
                load_v(base_k, jv, dv, end), load_v(base_k, jv, dv + 1u, end),
                load_v(base_k, jv, dv + 2u, end), load_v(base_k, jv, dv + 3u, end));
            workgroupBarrier();
            let some = min(SLICE, count - j1);
            for (var e = 0u; e < some; e = e + 4u) {
                {{range $j := seq 4}}{
                    let w = tile[(j1 % 32u + e + {{$j}}u) * 17u + ty];
                    {{range $c := seq $.QUADS}}
                    let x{{$c}} = slice[(e + {{$j}}u) * 16u * QUADS + {{mul 16 $c}}u + tx];
                    o{{$c}}0 = o{{$c}}0 + w.x * x{{$c}};
                    o{{$c}}1 = o{{$c}}1 + w.y * x{{$c}};
                    o{{$c}}2 = o{{$c}}2 + w.z * x{{$c}};
                    o{{$c}}3 = o{{$c}}3 + w.w * x{{$c}};{{end}}
                }
                {{end}}
            }
            workgroupBarrier();
        }
    }

    // The sums of all keys, in every invocation of a row.
    slice[ty * 17u + tx] = sum;
    workgroupBarrier();
    var total = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    {{range seq 16}}
    total = total + slice[ty * 17u + {{.}}u];{{end}}
    let some = vec4<u32>(0u, 0u, 0u, 0u) < seen;
    let divisor = select(vec4<f32>(1.0, 1.0, 1.0, 1.0), total, some);
    let factor = p.keep / divisor;
    {{range $c := seq .QUADS}}
    store(base_q, row, column + {{mul 64 $c}}u + 4u * tx, o{{$c}}0 * factor.x);
    store(base_q, row + 1u, column + {{mul 64 $c}}u + 4u * tx, o{{$c}}1 * factor.y);
    store(base_q, row + 2u, column + {{mul 64 $c}}u + 4u * tx, o{{$c}}2 * factor.z);
    store(base_q, row + 3u, column + {{mul 64 $c}}u + 4u * tx, o{{$c}}3 * factor.w);{{end}}
    if (block == 0u && tx == 0u) {
        let inf = vec4<f32>(p.minus_inf, p.minus_inf, p.minus_inf, p.minus_inf);
        let l = select(inf, top + log(divisor), some);
        let at = head * p.queries + row;
        if (row < p.queries) { lse[at] = l.x; }
        if (row + 1u < p.queries) { lse[at + 1u] = l.y; }
        if (row + 2u < p.queries) { lse[at + 2u] = l.z; }
        if (row + 3u < p.queries) { lse[at + 3u] = l.w; }
    }
}
