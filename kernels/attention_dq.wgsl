// Gradient of attention with respect to queries:
//
//   w = exp(scale q k^T - lse),  dw = dropout(dout v^T)
//   dq = scale (w (dw - delta)) k
//
// q, dout, dq (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of
// which keys rows are used; stats as in attention_delta.wgsl. With VEC, dim is a
// multiple of 4. Grid: B * heads * tiles * blocks, folded. A workgroup computes
// a tile of queries and a block of columns, going over the keys in tiles: side A
// of attention.tmpl are queries, side B keys.
{{- $t := set . "M" 8}}

{{template "attention_params" .}}

@group(0) @binding(0) var<uniform> p: Params;
{{template "attention_source" (set . "BINDING" 1 "NAME" "q" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 2 "NAME" "k" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 3 "NAME" "v" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 4 "NAME" "dout" "TYPE" "float32")}}
@group(0) @binding(5) var<storage, read> stats: array<u32>;
@group(0) @binding(6) var<storage, read_write> dq: array<{{template "attention_element" .}}>;

{{template "attention_tile" $t}}

var<workgroup> of_rows: array<vec4<f32>, {{div 512 .LANES}}>; // lse and delta of four rows each

{{template "attention_masks" .}}

{{template "attention_store" (set $t "OUT" "dq")}}

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
    let used = stats[2u * p.items * p.heads * p.queries + b];
    let drop_key = stats[2u * p.items * p.heads * p.queries + p.items];
    let end_b = visible(min(first_a + BM, p.queries) - 1u, used);
    let unmasked = visible(first_a, used); // keys that all queries of the tile see

    // What belongs to the queries waits in workgroup memory.
    if (tx == 0u) {
        var l = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        var d = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        for (var r = 0u; r < min(4u, max(p.queries, row) - row); r = r + 1u) {
            let at = 2u * (head * p.queries + row + r);
            l[r] = bitcast<f32>(stats[at]);
            d[r] = bitcast<f32>(stats[at + 1u]);
        }
        of_rows[2u * ty] = l;
        of_rows[2u * ty + 1u] = d;
    }
    {{template "attention_rows_a" $t}}
    {{template "attention_sums" (set $t "O" "o")}}

    for (var first_b = 0u; first_b < end_b; first_b = first_b + BN) {
        {{template "attention_rows_b" $t}}
        {{template "attention_scores" (set $t "S" "s" "A" "q" "B" "k")}}
        {{template "attention_scores" (set $t "S" "g" "A" "dout" "B" "v")}}

        // Weights, and in their place the gradients of the scores.
        let lse = of_rows[2u * ty];
        let delta = of_rows[2u * ty + 1u];
        {{- range $m := seq 8}}
        s{{$m}} = exp2(s{{$m}} * p.scale2 - lse);
        {{- end}}
        if (first_b + BN > unmasked) {
            let zero = vec4<f32>(0.0, 0.0, 0.0, 0.0);
            let seen = vec4<u32>(visible(row, used), visible(row + 1u, used), visible(row + 2u, used), visible(row + 3u, used));
            {{- range $m := seq 8}}
            let j{{$m}} = first_b + tx + {{$m}}u * LANES;
            s{{$m}} = select(zero, s{{$m}}, vec4<u32>(j{{$m}}, j{{$m}}, j{{$m}}, j{{$m}}) < seen);
            {{- end}}
        }
        {{- range $m := seq 8}}
        {{- if $.DROPOUT}}
        g{{$m}} = g{{$m}} * kept(drop_key, (head * p.queries + row) * p.keys + first_b + tx + {{$m}}u * LANES, p.keys, p.keep);
        {{- end}}
        s{{$m}} = s{{$m}} * (g{{$m}} - delta);
        {{- end}}
        {{template "attention_product" (set $t "S" "s" "O" "o" "B" "k")}}
    }
    let factor = vec4<f32>(p.scale, p.scale, p.scale, p.scale);
    {{template "attention_write" (set $t "OUT" "dq" "O" "o" "END" "p.queries")}}
}
