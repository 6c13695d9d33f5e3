// Joins the parts of attention_split.wgsl: out is the sum of the parts' outputs
// scaled to a common maximum, over the sum of their weights.
//
// parts (rows, splits, dim), then (rows, splits) of top and sum; out
// (rows, dim), a row being a query of a head in the order (B, queries, heads);
// lse (B, heads, queries). A unit, SPAN and COLUMNS are as there. A workgroup of
// 256 for each row, folded over x and y.
{{- $unit := "f32"}}{{$zero := "0.0"}}
{{- if .VEC}}{{$unit = "vec4<f32>"}}{{$zero = "vec4<f32>(0.0, 0.0, 0.0, 0.0)"}}{{end}}
{{- $t := set . "UNIT" $unit "ZERO" $zero}}

struct Params { rows: u32, splits: u32, dim: u32, heads: u32, queries: u32, minus_inf: f32 }

@group(0) @binding(0) var<uniform> p: Params;
{{template "attention_source" (set . "BINDING" 1 "NAME" "parts" "TYPE" "float32")}}
@group(0) @binding(2) var<storage, read_write> out: array<{{$unit}}>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

{{template "attention_weighted" (set $t "ROOM" 0)}}

// end_top and end_sum return what part s, counted over all rows, ends with.
fn end_top(s: u32) -> f32 {
    return {{if .VEC}}parts[p.rows * p.splits * p.dim / 4u + s].x{{else}}parts[p.rows * p.splits * p.dim + 2u * s]{{end}};
}

fn end_sum(s: u32) -> f32 {
    return {{if .VEC}}parts[p.rows * p.splits * p.dim / 4u + s].y{{else}}parts[p.rows * p.splits * p.dim + 2u * s + 1u]{{end}};
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let row = wid.x + wid.y * nwg.x;
    if (row >= p.rows) {
        return;
    }
    let width = p.dim{{if .VEC}} / 4u{{end}};
    let first = row * p.splits;
    var highest = -1.0e30;
    for (var s = lid; s < p.splits; s = s + 256u) {
        highest = max(highest, end_top(first + s));
    }
    let top = largest(lid, highest);

    let span = lid % SPAN;
    let team = lid / SPAN;
    var total = 0.0;
    {{- range $c := seq .COLUMNS}}
    var o{{$c}} = {{$zero}};
    {{- end}}
    for (var s0 = 0u; s0 < p.splits; s0 = s0 + 256u) {
        let n = min(256u, p.splits - s0);
        if (lid < n) {
            weights[lid] = exp2(end_top(first + s0 + lid) - top);
        }
        workgroupBarrier();
        let base = (first + s0) * width;
        {{template "attention_add_weighted" (set $t "X" "parts" "N" "n" "AT" "base" "STRIDE" "width" "FACTOR" "end_sum" "FACTORS" "first + s0" "ROWS" 4)}}
        workgroupBarrier();
    }
    {{template "attention_join_teams" $t}}
    // Parts without keys have the sum 0; those with NaN have not.
    let seen = bitcast<u32>(total) != 0u;
    let divisor = select(1.0, total, seen);
    if (lid < width) {
        out[row * width + lid] = joined(lid) / divisor;
    }
    if (lid == 0u) {
        let h = row % p.heads;
        let i = (row / p.heads) % p.queries;
        let b = row / (p.heads * p.queries);
        lse[(b * p.heads + h) * p.queries + i] = select(p.minus_inf, top * 0.6931471805599453 + log(divisor), seen);
    }
}
