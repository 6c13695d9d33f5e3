// Attention of few queries, as in decoding: the keys are divided into tiles of
// 256, one for each workgroup, which attention_combine.wgsl joins.
//
// q, out (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of which
// keys rows are used, stored as CACHE; lengths (B) if masked; lse
// (B, heads, queries). A row is a query of a head, counted as in out. parts
// holds for each row and part the sum of exp2(score - top) v (dim); behind all
// these, for each, top and the sum of exp2(score - top); scores are times
// log2 e. With DIRECT there is one part, and out and lse are written at once.
// Grid: B * queries * heads * tiles, folded.
//
// A unit is a number, or with VEC four: dim is then a multiple of 4. Scores: 8
// invocations share a key, each takes PER units (FULL: all have so many), and
// 32 keys and more are under way at a time; one invocation for each key sums up.
// Output: SPAN invocations take COLUMNS units each of a part of the keys.
{{- $unit := "f32"}}{{$zero := "0.0"}}
{{- if .VEC}}{{$unit = "vec4<f32>"}}{{$zero = "vec4<f32>(0.0, 0.0, 0.0, 0.0)"}}{{end}}
{{- $room := 2080}}{{if .VEC}}{{$room = 520}}{{end}}
{{- $bound := "0x3fffffffu"}}{{if .VEC}}{{$bound = "0x0fffffffu"}}{{end}}
{{- $t := set . "UNIT" $unit "ZERO" $zero}}

{{template "attention_params" .}}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<{{$unit}}>;
{{template "attention_source" (set . "BINDING" 2 "NAME" "k" "TYPE" .CACHE)}}
{{template "attention_source" (set . "BINDING" 3 "NAME" "v" "TYPE" .CACHE)}}
@group(0) @binding(4) var<storage, read> lengths: array<i32>;
{{- if .DIRECT}}
@group(0) @binding(5) var<storage, read_write> out: array<{{$unit}}>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;
{{- else}}
@group(0) @binding(5) var<storage, read_write> parts: array<{{$unit}}>;
{{- end}}

{{template "attention_masks" .}}

// multiplied returns sum plus the product of two units.
fn multiplied(a: {{$unit}}, b: {{$unit}}, sum: f32) -> f32 {
    return {{if .VEC}}fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum)))){{else}}fma(a, b, sum){{end}};
}

// of_teams first holds the sums of scores, [lane][key], rows of 260 numbers.
{{template "attention_weighted" (set $t "ROOM" $room)}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let row = group / p.tiles;
    let h = row % p.heads;
    let i = (row / p.heads) % p.queries;
    let b = row / (p.heads * p.queries);
    var used = p.keys;
    if (p.masked != 0u) {
        used = min(used, u32(max(lengths[b], 0)));
    }
    let end = visible(i, used);
    // This part has n keys from first on.
    let first = (group % p.tiles) * 256u;
    let n = min(max(end, first) - first, 256u);
    let width = p.dim{{if .VEC}} / 4u{{end}};
    let stride = p.kv_heads * width;
    let base = ((b * p.capacity + first) * p.kv_heads + h / (p.heads / p.kv_heads)) * width;

    let lane = lid % 8u;
    {{- range $c := seq .PER}}
    var x{{$c}} = {{$zero}};
    {{if not $.FULL}}if (lane + {{mul 8 $c}}u < width) { {{end -}}
    x{{$c}} = q[row * width + lane + {{mul 8 $c}}u];
    {{- if not $.FULL}} }{{end}}
    {{- end}}
    {{- $keys := max 2 (div 8 .PER)}}{{$rows := 4}}
    {{- if ne .CACHE "float32"}}{{$rows = 8}}{{if and (gt .PER 1) (lt .PER 8)}}{{$keys = mul 2 $keys}}{{end}}{{end}}
    // Rows behind the last repeat it. That addresses have a bound, of 4 GiB or
    // the tile, lets compilers put what is added to them into the instructions.
    let last = (base + (n - 1u) * stride + lane) & {{$bound}};
    let hop = 32u * stride;
    var at = base + lid / 8u * stride + lane;
    for (var start = 0u; start < n; start = start + {{mul 32 $keys}}u) {
        {{- range $m := seq $keys}}
        let at{{$m}} = min(at + {{$m}}u * hop, last);
        var s{{$m}} = 0.0;
        {{- end}}
        {{- /* Four units of each key are loaded before they are used; the last is apart where not all have one. */}}
        {{- $sure := .PER}}{{if not .FULL}}{{$sure = sub .PER 1}}{{end}}
        {{- range $c := seq .PER}}
        {{if eq $c $sure}}if (lane + {{mul 8 $c}}u < width) { {{end}}
        {{- range $m := seq $keys}}
        let k{{$m}}_{{$c}} = k_at(at{{$m}} + {{mul 8 $c}}u);
        {{- end}}
        {{- $next := add $c 1}}{{$from := sub $c (mod $c 4)}}{{if eq $c $sure}}{{$from = $c}}{{end}}
        {{- if or (eq (mod $next 4) 0) (eq $next $sure) (eq $next $.PER)}}
        {{- range $i := seq (sub $next $from)}}{{range $m := seq $keys}}
        s{{$m}} = multiplied(x{{add $from $i}}, k{{$m}}_{{add $from $i}}, s{{$m}});
        {{- end}}{{end}}{{end}}
        {{- if eq $c $sure}} }{{end}}
        {{- end}}
        let put = {{if .VEC}}lane * 65u + lid / 32u + start / 4u % 64u{{else}}lane * 260u + lid / 8u + start % 256u{{end}};
        {{- range $m := seq $keys}}
        {{if $.VEC}}of_teams[put + {{mul 8 $m}}u][lid / 8u % 4u]{{else}}of_teams[put + {{mul 32 $m}}u]{{end}} = s{{$m}};
        {{- end}}
        at = at + {{$keys}}u * hop;
    }
    workgroupBarrier();
    var score = -1.0e30;
    if (lid < n) {
        score = 0.0;
        {{- range $l := seq 8}}
        score = score + {{if $.VEC}}of_teams[{{mul 65 $l}}u + lid / 4u][lid % 4u]{{else}}of_teams[{{mul 260 $l}}u + lid]{{end}};
        {{- end}}
        score = score * p.scale2;
    }
    let top = largest(lid, score);
    weights[lid] = select(0.0, exp2(score - top), lid < n);
    workgroupBarrier();

    let span = lid % SPAN;
    let team = lid / SPAN;
    var total = 0.0;
    {{- range $c := seq .COLUMNS}}
    var o{{$c}} = {{$zero}};
    {{- end}}
    {{template "attention_add_weighted" (set $t "X" "v" "N" "n" "AT" "base" "STRIDE" "stride" "FACTOR" "" "ROWS" $rows)}}
    {{template "attention_join_teams" $t}}
    {{- if .DIRECT}}
    if (lid < width) {
        out[row * width + lid] = joined(lid) / select(1.0, total, n > 0u);
    }
    if (lid == 0u) {
        lse[(b * p.heads + h) * p.queries + i] = select(p.minus_inf, top * 0.6931471805599453 + log(total), n > 0u);
    }
    {{- else}}
    if (lid < width) {
        parts[group * width + lid] = joined(lid);
    }
    if (lid == 0u) {
        {{- if .VEC}}
        parts[p.groups * width + group] = vec4<f32>(top, total, 0.0, 0.0);
        {{- else}}
        parts[p.groups * width + 2u * group] = top;
        parts[p.groups * width + 2u * group + 1u] = total;
        {{- end}}
    }
    {{- end}}
}
