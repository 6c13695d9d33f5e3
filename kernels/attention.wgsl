// Attention over tiles, with an online softmax:
// out = dropout(softmax(scale q k^T)) v for each head.
//
// q, out (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of which
// keys rows are used, stored as CACHE; lengths (B) if masked; seed (1) with
// DROPOUT; lse (B, heads, queries). With VEC, dim is a multiple of 4. Grid:
// B * heads * tiles * blocks, folded. A workgroup computes a tile of queries
// and a block of columns of the output, going over the keys in tiles: side A of
// attention.tmpl are queries, side B keys.
//
// Scores are kept times log2 e: weights are exp2(score - top), top being the
// largest score of a query so far. A query that sees no key gets 0 and an lse of
// minus infinity.
{{- $t := set . "M" 8}}

{{template "attention_params" .}}

@group(0) @binding(0) var<uniform> p: Params;
{{template "attention_source" (set . "BINDING" 1 "NAME" "q" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 2 "NAME" "k" "TYPE" .CACHE)}}
{{template "attention_source" (set . "BINDING" 3 "NAME" "v" "TYPE" .CACHE)}}
@group(0) @binding(4) var<storage, read> lengths: array<i32>;
@group(0) @binding(5) var<storage, read> seed: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<{{template "attention_element" .}}>;
@group(0) @binding(7) var<storage, read_write> lse: array<f32>;

{{template "attention_tile" $t}}

{{template "attention_masks" .}}

{{template "attention_store" (set $t "OUT" "out")}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let block = group % p.blocks;
    // Later tiles see more keys: they start first.
    let first_a = (p.tiles - 1u - (group / p.blocks) % p.tiles) * BM;
    let head = group / (p.blocks * p.tiles);
    let h = head % p.heads;
    let b = head / p.heads;
    let tx = lid % LANES;
    let ty = lid / LANES;
    let row = first_a + 4u * ty;
    let width = p.dim{{if .VEC}} / 4u{{end}};
    let base_a = (b * p.queries * p.heads + h) * width;
    let stride_a = p.heads * width;
    let end_a = p.queries;
    let base_b = (b * p.capacity * p.kv_heads + h / (p.heads / p.kv_heads)) * width;
    let stride_b = p.kv_heads * width;
    let column = block * 128u;

    var used = p.keys;
    if (p.masked != 0u) {
        used = min(used, u32(max(lengths[b], 0)));
    }
    let seen = vec4<u32>(visible(row, used), visible(row + 1u, used), visible(row + 2u, used), visible(row + 3u, used));
    let end_b = visible(min(first_a + BM, p.queries) - 1u, used);
    let unmasked = visible(first_a, used); // keys that all queries of the tile see
    var drop_key = 0u;
    var drop_row = 0u;
    if (DROPOUT) {
        drop_key = pcg(seed[0]);
        drop_row = (head * p.queries + row) * p.keys;
    }
    {{template "attention_rows_a" $t}}

    var top = vec4<f32>(-1.0e30, -1.0e30, -1.0e30, -1.0e30);
    var sum = vec4<f32>(0.0, 0.0, 0.0, 0.0); // over this invocation's keys only
    {{template "attention_sums" (set $t "O" "o")}}

    for (var first_b = 0u; first_b < end_b; first_b = first_b + BN) {
        {{template "attention_rows_b" $t}}
        {{template "attention_scores" (set $t "S" "s" "A" "q" "B" "k")}}

        // Mask, and the rows' new maxima. What is masked is far below every
        // top, so that its weight is 0.
        {{- range $m := seq 8}}
        s{{$m}} = s{{$m}} * p.scale2;
        {{- end}}
        if (first_b + BN > unmasked) {
            let low = vec4<f32>(-2.0e30, -2.0e30, -2.0e30, -2.0e30);
            {{- range $m := seq 8}}
            let j{{$m}} = first_b + tx + {{$m}}u * LANES;
            s{{$m}} = select(low, s{{$m}}, vec4<u32>(j{{$m}}, j{{$m}}, j{{$m}}, j{{$m}}) < seen);
            {{- end}}
        }
        tile[ty * (LANES + 1u) + tx] = max(max(max(s0, s1), max(s2, s3)), max(max(s4, s5), max(s6, s7)));
        workgroupBarrier();
        var high = top;
        {{- range $t := seq .LANES}}
        high = max(high, tile[ty * (LANES + 1u) + {{$t}}u]);
        {{- end}}
        workgroupBarrier();

        let shrink = exp2(top - high);
        top = high;
        {{- range $m := seq 8}}
        s{{$m}} = exp2(s{{$m}} - top);
        {{- end}}
        sum = sum * shrink + (((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)));
        if (DROPOUT) {
            let c = drop_row + first_b + tx;
            {{- range $m := seq 8}}
            s{{$m}} = s{{$m}} * kept(drop_key, c + {{$m}}u * LANES, p.keys, 1.0);
            {{- end}}
        }
        {{- range $r := seq 4}}
        {{- range $c := seq $.QUADS}}
        o{{$c}}{{$r}} = o{{$c}}{{$r}} * shrink.{{xyzw $r}};
        {{- end}}
        {{- if $.PAIRS}}
        op{{$r}} = op{{$r}} * shrink.{{xyzw $r}};
        {{- end}}
        {{- end}}
        {{template "attention_product" (set $t "S" "s" "O" "o" "B" "v")}}
    }

    // The sums of all keys, in every invocation of a row.
    tile[ty * (LANES + 1u) + tx] = sum;
    workgroupBarrier();
    var total = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    {{- range $t := seq .LANES}}
    total = total + tile[ty * (LANES + 1u) + {{$t}}u];
    {{- end}}
    let some = vec4<u32>(0u, 0u, 0u, 0u) < seen;
    let divisor = select(vec4<f32>(1.0, 1.0, 1.0, 1.0), total, some);
    let factor = p.keep / divisor;
    {{template "attention_write" (set $t "OUT" "out" "O" "o" "END" "p.queries")}}
    if (block == 0u && tx == 0u) {
        let inf = vec4<f32>(p.minus_inf, p.minus_inf, p.minus_inf, p.minus_inf);
        let l = select(inf, top * 0.6931471805599453 + log(divisor), some);
        let at = head * p.queries + row;
        if (row < p.queries) { lse[at] = l.x; }
        if (row + 1u < p.queries) { lse[at + 1u] = l.y; }
        if (row + 2u < p.queries) { lse[at + 2u] = l.z; }
        if (row + 3u < p.queries) { lse[at + 3u] = l.w; }
    }
}
