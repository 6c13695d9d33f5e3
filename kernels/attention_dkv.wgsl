// Gradient of attention with respect to keys and values:
//
//   w = exp(scale q k^T - lse),  dw = dropout(dout v^T)
//   dv = dropout(w)^T dout
//   dk = (w (dw - delta) scale)^T q,  summed over the query heads of a group
//
// q, dout (B, queries, heads, dim); k, v, dk, dv (B, capacity, kv_heads, dim),
// of which keys rows are used; stats as in attention_delta.wgsl. Grid:
// B * kv_heads * tiles * blocks, folded. A workgroup of 16 x 16 computes 64
// keys and a block of 64 QUADS columns, going over the query heads and the
// queries in tiles of 64: no two workgroups add to the same element.
//
// The products are laid out as in attention.wgsl with keys and queries in each
// other's places: invocation (tx, ty) owns the keys 4 ty .. 4 ty + 3, of the
// weights the queries tx, tx + 16, tx + 32, tx + 48, and of the outputs the
// columns 4 tx .. 4 tx + 3 of each 64.

struct Params {
    groups: u32, tiles: u32, blocks: u32,
    queries: u32, keys: u32, capacity: u32, heads: u32, kv_heads: u32, dim: u32,
    offset: i32, scale: f32, minus_inf: f32, below: u32, keep: f32, items: u32, masked: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<u32>;
@group(0) @binding(6) var<storage, read_write> dk: array<f32>;
@group(0) @binding(7) var<storage, read_write> dv: array<f32>;

// Slices [d][key / 4] of k or v and, from 272 on, [d][query % 16] of q or dout;
// then [query][key / 4] of half a tile's weights or of their gradients.
var<workgroup> tile: array<vec4<f32>, 544>;
var<workgroup> slice: array<vec4<f32>, 256>; // [query][column / 4] of dout or q

// visible returns how many keys query i sees of the first n. Without a causal
// mask the offset is beyond all keys.
fn visible(i: u32, n: u32) -> u32 {
    return select(0u, min(n, u32(max(i32(i) + p.offset + 1, 0))), i < p.queries);
}
{{range $a := seq 2}}{{$x := "q"}}{{$y := "k"}}{{if eq $a 1}}{{$x = "dout"}}{{$y = "v"}}{{end}}
fn load_{{$x}}(base: u32, i: u32, d: u32) -> f32 {
    let inside = i < p.queries && d < p.dim;
    return select(0.0, {{$x}}[select(0u, base + i * p.heads * p.dim + d, inside)], inside);
}

fn load_{{$y}}(base: u32, j: u32, d: u32, end: u32) -> f32 {
    let inside = j < end && d < p.dim;
    return select(0.0, {{$y}}[select(0u, base + j * p.kv_heads * p.dim + d, inside)], inside);
}

fn store_d{{$y}}(base: u32, j: u32, d: u32, x: vec4<f32>) {
    if (j < p.capacity) {
        let at = base + j * p.kv_heads * p.dim + d;
        if (d < p.dim) { d{{$y}}[at] = x.x; }
        if (d + 1u < p.dim) { d{{$y}}[at + 1u] = x.y; }
        if (d + 2u < p.dim) { d{{$y}}[at + 2u] = x.z; }
        if (d + 3u < p.dim) { d{{$y}}[at + 3u] = x.w; }
    }
}
{{end}}
fn pcg(x: u32) -> u32 {
    let s = x * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

// kept returns what dropout multiplies the weights at counters c .. c + 3 by.
fn kept(key: u32, c: u32) -> vec4<f32> {
    return vec4<f32>(
        select(p.keep, 0.0, pcg(c + key) < p.below), select(p.keep, 0.0, pcg(c + 1u + key) < p.below),
        select(p.keep, 0.0, pcg(c + 2u + key) < p.below), select(p.keep, 0.0, pcg(c + 3u + key) < p.below));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let block = group % p.blocks;
    let j0 = ((group / p.blocks) % p.tiles) * 64u;
    let kv_head = (group / (p.blocks * p.tiles)) % p.kv_heads;
    let b = group / (p.blocks * p.tiles * p.kv_heads);
    let shared_by = p.heads / p.kv_heads;
    let tx = lid % 16u;
    let ty = lid / 16u;
    let row = j0 + 4u * ty;
    let rows = vec4<u32>(row, row + 1u, row + 2u, row + 3u);
    let base_k = (b * p.capacity * p.kv_heads + kv_head) * p.dim;
    let column = block * 128u;
    let used = stats[2u * p.items * p.heads * p.queries + b];
    let drop_key = stats[2u * p.items * p.heads * p.queries + p.items];

    // The first query that sees a key of the tile.
    var first = u32(max(i32(j0) - p.offset, 0));
    if (j0 >= used) {
        first = p.queries;
    }

    {{range $c := seq .QUADS}}{{range $r := seq 4}}
    var k{{$c}}{{$r}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    var v{{$c}}{{$r}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);{{end}}{{end}}

    for (var member = 0u; member < shared_by; member = member + 1u) {
        let head = b * p.heads + kv_head * shared_by + member;
        let base_q = (b * p.queries * p.heads + kv_head * shared_by + member) * p.dim;
        for (var i0 = first; i0 < p.queries; i0 = i0 + 64u) {
            {{range $a := seq 2}}{{$x := "q"}}{{$y := "k"}}{{$s := "s"}}{{if eq $a 1}}{{$x = "dout"}}{{$y = "v"}}{{$s = "g"}}{{end}}
            var {{$s}}0 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            var {{$s}}1 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            var {{$s}}2 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            var {{$s}}3 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            for (var d0 = 0u; d0 < p.dim; d0 = d0 + 16u) {
                let d = d0 + tx;
                let i = i0 + ty;
                tile[tx * 17u + ty] = vec4<f32>(
                    load_{{$y}}(base_k, row, d, used), load_{{$y}}(base_k, row + 1u, d, used),
                    load_{{$y}}(base_k, row + 2u, d, used), load_{{$y}}(base_k, row + 3u, d, used));
                tile[272u + tx * 17u + ty] = vec4<f32>(
                    load_{{$x}}(base_q, i, d), load_{{$x}}(base_q, i + 16u, d), load_{{$x}}(base_q, i + 32u, d), load_{{$x}}(base_q, i + 48u, d));
                workgroupBarrier();
                let some = min(16u, p.dim - d0);
                for (var e = 0u; e < some; e = e + 4u) {
                    {{range seq 4}}{
                        let x = tile[(e + {{.}}u) * 17u + ty];
                        let y = tile[272u + (e + {{.}}u) * 17u + tx];
                        {{$s}}0 = {{$s}}0 + x * y.x;
                        {{$s}}1 = {{$s}}1 + x * y.y;
                        {{$s}}2 = {{$s}}2 + x * y.z;
                        {{$s}}3 = {{$s}}3 + x * y.w;
                    }
                    {{end}}
                }
                workgroupBarrier();
            }
            {{end}}
            // Weights s and gradients of scores g.
            let zero = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            {{range $c := seq 4}}{
                let i = i0 + tx + {{mul 16 $c}}u;
                let at = 2u * (head * p.queries + min(i, p.queries - 1u));
                let limit = visible(i, used);
                let w = select(zero, exp(s{{$c}} * p.scale - bitcast<f32>(stats[at])), rows < vec4<u32>(limit, limit, limit, limit));
                let delta = bitcast<f32>(stats[at + 1u]);
                if (DROPOUT) {
                    let m = kept(drop_key, (head * p.queries + i) * p.keys + row);
                    g{{$c}} = w * (g{{$c}} * m - delta) * p.scale;
                    s{{$c}} = w * m;
                } else {
                    g{{$c}} = w * (g{{$c}} - delta) * p.scale;
                    s{{$c}} = w;
                }
            }
            {{end}}
            let count = min(64u, p.queries - i0);
            {{range $a := seq 2}}{{$x := "dout"}}{{$o := "v"}}{{$s := "s"}}{{if eq $a 1}}{{$x = "q"}}{{$o = "k"}}{{$s = "g"}}{{end}}
            for (var i1 = 0u; i1 < count; i1 = i1 + SLICE) {
                if (i1 % 32u == 0u) {
                    tile[tx * 17u + ty] = select({{$s}}0, {{$s}}2, i1 == 32u);
                    tile[(tx + 16u) * 17u + ty] = select({{$s}}1, {{$s}}3, i1 == 32u);
                }
                let i = i0 + i1 + lid / (16u * QUADS);
                let d = column + 4u * (lid % (16u * QUADS));
                slice[lid] = vec4<f32>(
                    load_{{$x}}(base_q, i, d), load_{{$x}}(base_q, i, d + 1u), load_{{$x}}(base_q, i, d + 2u), load_{{$x}}(base_q, i, d + 3u));
                workgroupBarrier();
                let some = min(SLICE, count - i1);
                for (var e = 0u; e < some; e = e + 4u) {
                    {{range $j := seq 4}}{
                        let w = tile[(i1 % 32u + e + {{$j}}u) * 17u + ty];
                        {{range $c := seq $.QUADS}}
                        let x{{$c}} = slice[(e + {{$j}}u) * 16u * QUADS + {{mul 16 $c}}u + tx];
                        {{$o}}{{$c}}0 = {{$o}}{{$c}}0 + w.x * x{{$c}};
                        {{$o}}{{$c}}1 = {{$o}}{{$c}}1 + w.y * x{{$c}};
                        {{$o}}{{$c}}2 = {{$o}}{{$c}}2 + w.z * x{{$c}};
                        {{$o}}{{$c}}3 = {{$o}}{{$c}}3 + w.w * x{{$c}};{{end}}
                    }
                    {{end}}
                }
                workgroupBarrier();
            }
            {{end}}
        }
    }
    {{range $c := seq .QUADS}}{{range $r := seq 4}}
    store_dk(base_k, row + {{$r}}u, column + {{mul 64 $c}}u + 4u * tx, k{{$c}}{{$r}});
    store_dv(base_k, row + {{$r}}u, column + {{mul 64 $c}}u + 4u * tx, v{{$c}}{{$r}});{{end}}{{end}}
}
