// Gradient of attention with respect to queries:
//
//   w = exp(scale q k^T - lse),  dw = dropout(dout v^T)
//   dq = (w (dw - delta) scale) k
//
// q, dout, dq (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of
// which keys rows are used; stats as in attention_delta.wgsl. Grid:
// B * heads * tiles * blocks, folded. A workgroup of 16 x 16 computes 64
// queries and a block of 64 QUADS columns, going over the keys in tiles of 64;
// invocations own scores and columns as in attention.wgsl.

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
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;

// Slices [d][query / 4] of q or dout and, from 272 on, [d][key % 16] of k or v;
// then the scores' gradients [key][query / 4] of half a tile.
var<workgroup> tile: array<vec4<f32>, 544>;
var<workgroup> slice: array<vec4<f32>, 256>; // [key][column / 4] of k

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
{{end}}
fn store(base: u32, i: u32, d: u32, x: vec4<f32>) {
    if (i < p.queries) {
        let at = base + i * p.heads * p.dim + d;
        if (d < p.dim) { dq[at] = x.x; }
        if (d + 1u < p.dim) { dq[at + 1u] = x.y; }
        if (d + 2u < p.dim) { dq[at + 2u] = x.z; }
        if (d + 3u < p.dim) { dq[at + 3u] = x.w; }
    }
}

fn pcg(x: u32) -> u32 {
    let s = x * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

// kept returns what dropout multiplies the weights of four queries, a row of
// keys apart, by; the first has counter c.
fn kept(key: u32, c: u32) -> vec4<f32> {
    let n = p.keys;
    return vec4<f32>(
        select(p.keep, 0.0, pcg(c + key) < p.below), select(p.keep, 0.0, pcg(c + n + key) < p.below),
        select(p.keep, 0.0, pcg(c + 2u * n + key) < p.below), select(p.keep, 0.0, pcg(c + 3u * n + key) < p.below));
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
    let used = stats[2u * p.items * p.heads * p.queries + b];
    let drop_key = stats[2u * p.items * p.heads * p.queries + p.items];
    let seen = vec4<u32>(visible(row, used), visible(row + 1u, used), visible(row + 2u, used), visible(row + 3u, used));
    let end = visible(min(i0 + 63u, p.queries - 1u), used);

    let last = p.queries - 1u;
    let r0 = 2u * (head * p.queries + min(row, last));
    let r1 = 2u * (head * p.queries + min(row + 1u, last));
    let r2 = 2u * (head * p.queries + min(row + 2u, last));
    let r3 = 2u * (head * p.queries + min(row + 3u, last));
    let lse = vec4<f32>(bitcast<f32>(stats[r0]), bitcast<f32>(stats[r1]), bitcast<f32>(stats[r2]), bitcast<f32>(stats[r3]));
    let delta = vec4<f32>(bitcast<f32>(stats[r0 + 1u]), bitcast<f32>(stats[r1 + 1u]), bitcast<f32>(stats[r2 + 1u]), bitcast<f32>(stats[r3 + 1u]));

    {{range $c := seq .QUADS}}{{range $r := seq 4}}
    var o{{$c}}{{$r}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);{{end}}{{end}}

    for (var j0 = 0u; j0 < end; j0 = j0 + 64u) {
        {{range $a := seq 2}}{{$x := "q"}}{{$y := "k"}}{{$s := "s"}}{{if eq $a 1}}{{$x = "dout"}}{{$y = "v"}}{{$s = "g"}}{{end}}
        var {{$s}}0 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var {{$s}}1 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var {{$s}}2 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var {{$s}}3 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        for (var d0 = 0u; d0 < p.dim; d0 = d0 + 16u) {
            let d = d0 + tx;
            let j = j0 + ty;
            tile[tx * 17u + ty] = vec4<f32>(
                load_{{$x}}(base_q, row, d), load_{{$x}}(base_q, row + 1u, d), load_{{$x}}(base_q, row + 2u, d), load_{{$x}}(base_q, row + 3u, d));
            tile[272u + tx * 17u + ty] = vec4<f32>(
                load_{{$y}}(base_k, j, d, end), load_{{$y}}(base_k, j + 16u, d, end), load_{{$y}}(base_k, j + 32u, d, end), load_{{$y}}(base_k, j + 48u, d, end));
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
        // Gradients of the scores.
        let zero = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        {{range $c := seq 4}}{
            let j = j0 + tx + {{mul 16 $c}}u;
            let w = select(zero, exp(s{{$c}} * p.scale - lse), vec4<u32>(j, j, j, j) < seen);
            if (DROPOUT) {
                g{{$c}} = g{{$c}} * kept(drop_key, (head * p.queries + row) * p.keys + j);
            }
            g{{$c}} = w * (g{{$c}} - delta) * p.scale;
        }
        {{end}}
        let count = min(64u, end - j0);
        for (var j1 = 0u; j1 < count; j1 = j1 + SLICE) {
            if (j1 % 32u == 0u) {
                tile[tx * 17u + ty] = select(g0, g2, j1 == 32u);
                tile[(tx + 16u) * 17u + ty] = select(g1, g3, j1 == 32u);
            }
            let j = j0 + j1 + lid / (16u * QUADS);
            let d = column + 4u * (lid % (16u * QUADS));
            slice[lid] = vec4<f32>(
                load_k(base_k, j, d, end), load_k(base_k, j, d + 1u, end), load_k(base_k, j, d + 2u, end), load_k(base_k, j, d + 3u, end));
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
    {{range $c := seq .QUADS}}{{range $r := seq 4}}
    store(base_q, row + {{$r}}u, column + {{mul 64 $c}}u + 4u * tx, o{{$c}}{{$r}});{{end}}{{end}}
}
