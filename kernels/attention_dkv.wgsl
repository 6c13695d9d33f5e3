// Gradient of attention with respect to keys and values:
//
//   w = exp(scale q k^T - lse),  dw = dropout(dout v^T)
//   dv = dropout(w)^T dout
//   dk = scale (w (dw - delta))^T q,  summed over the query heads of a group
//
// q, dout (B, queries, heads, dim); k, v, dk, dv (B, capacity, kv_heads, dim),
// of which keys rows are used; stats as in attention_delta.wgsl. With VEC, dim
// is a multiple of 4. Grid: B * kv_heads * tiles * blocks, folded. A workgroup
// computes a tile of keys and a block of columns, going over the query heads and
// the queries in tiles, so that no two workgroups add to the same element: side
// A of attention.tmpl are keys, side B queries.
{{- $t := set . "M" 4}}

{{template "attention_params" .}}

@group(0) @binding(0) var<uniform> p: Params;
{{template "attention_source" (set . "BINDING" 1 "NAME" "q" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 2 "NAME" "k" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 3 "NAME" "v" "TYPE" "float32")}}
{{template "attention_source" (set . "BINDING" 4 "NAME" "dout" "TYPE" "float32")}}
@group(0) @binding(5) var<storage, read> stats: array<u32>;
@group(0) @binding(6) var<storage, read_write> dk: array<{{template "attention_element" .}}>;
@group(0) @binding(7) var<storage, read_write> dv: array<{{template "attention_element" .}}>;

{{template "attention_tile" $t}}

{{template "attention_masks" .}}

{{template "attention_store" (set $t "OUT" "dk")}}

{{template "attention_store" (set $t "OUT" "dv")}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let block = group % p.blocks;
    let first_a = ((group / p.blocks) % p.tiles) * BM;
    let kv_head = (group / (p.blocks * p.tiles)) % p.kv_heads;
    let b = group / (p.blocks * p.tiles * p.kv_heads);
    let shared_by = p.heads / p.kv_heads;
    let tx = lid % LANES;
    let ty = lid / LANES;
    let row = first_a + 4u * ty;
    let keys = vec4<u32>(row, row + 1u, row + 2u, row + 3u);
    let width = p.dim{{if .VEC}} / 4u{{end}};
    let base_a = (b * p.capacity * p.kv_heads + kv_head) * width;
    let stride_a = p.kv_heads * width;
    let stride_b = p.heads * width;
    let end_b = p.queries;
    let column = block * 128u;
    let used = stats[2u * p.items * p.heads * p.queries + b];
    let drop_key = stats[2u * p.items * p.heads * p.queries + p.items];
    let end_a = max(used, 1u);

    // The first query that sees a key of the tile.
    var first = u32(max(i32(first_a) - p.offset, 0));
    if (first_a >= used) {
        first = p.queries;
    }
    {{template "attention_rows_a" $t}}
    {{template "attention_sums" (set $t "O" "k")}}
    {{template "attention_sums" (set $t "O" "v")}}

    for (var member = 0u; member < shared_by; member = member + 1u) {
        let head = b * p.heads + kv_head * shared_by + member;
        let base_b = (b * p.queries * p.heads + kv_head * shared_by + member) * width;
        for (var first_b = first; first_b < end_b; first_b = first_b + BN) {
            {{template "attention_rows_b" $t}}
            {{template "attention_scores" (set $t "S" "s" "A" "k" "B" "q")}}
            {{template "attention_scores" (set $t "S" "g" "A" "v" "B" "dout")}}

            // Weights s and gradients of the scores g.
            let masked = first_a + BM > visible(first_b, used) || first_b + BN > p.queries;
            {{- range $m := seq 4}}
            {
                let i = first_b + tx + {{$m}}u * LANES;
                let at = 2u * (head * p.queries + min(i, p.queries - 1u));
                let lse = bitcast<f32>(stats[at]);
                let delta = bitcast<f32>(stats[at + 1u]);
                s{{$m}} = exp2(s{{$m}} * p.scale2 - vec4<f32>(lse, lse, lse, lse));
                if (masked) {
                    let limit = visible(i, used);
                    s{{$m}} = select(vec4<f32>(0.0, 0.0, 0.0, 0.0), s{{$m}}, keys < vec4<u32>(limit, limit, limit, limit));
                }
                if (DROPOUT) {
                    let m = kept(drop_key, (head * p.queries + i) * p.keys + row, 1u, p.keep);
                    g{{$m}} = s{{$m}} * (g{{$m}} * m - delta);
                    s{{$m}} = s{{$m}} * m;
                } else {
                    g{{$m}} = s{{$m}} * (g{{$m}} - delta);
                }
            }
            {{- end}}
            {{template "attention_product" (set $t "S" "s" "O" "v" "B" "dout")}}
            {{template "attention_product" (set $t "S" "g" "O" "k" "B" "q")}}
        }
    }
    {
        let factor = vec4<f32>(p.scale, p.scale, p.scale, p.scale);
        {{template "attention_write" (set $t "OUT" "dk" "O" "k" "END" "p.capacity")}}
    }
    {
        let factor = vec4<f32>(1.0, 1.0, 1.0, 1.0);
        {{template "attention_write" (set $t "OUT" "dv" "O" "v" "END" "p.capacity")}}
    }
}
