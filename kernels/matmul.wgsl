// Matrix product, batched:  out = act(op(A) op(B) + bias) + residual,  or
// out += op(A) op(B),  or parts of the sum over K for matmul_sum to finish.
//
// A is (M,K), stored (K,M) with TRANS_A; B is (K,N), stored (N,K) with TRANS_B,
// as WEIGHT; bias (N); residual and out (M,N). A and B may be batches of items,
// out is one. The bits of p.finish say what is there: 1 bias, 2 ReLU, 4 residual,
// 8 +=. With several parts, out is (parts,items,M,N): part s holds the sum over K
// from s*part on. Grid: a workgroup for each tile of TILE_M x TILE_N, folded
// over x and y; z is s + parts * item.
//
// A workgroup has (TILE_M/ROWS) x (TILE_N/COLS) invocations, each computing
// ROWS x COLS of the tile, as quads spread evenly over it, in named
// accumulators (an indexed array of them would spill). Slices of SLICE along K
// are staged in workgroup memory, [k][quad of m or n]; the loads of a slice are
// under way while the slice before it is used.
//
// VEC_IN, VEC_OUT: the last lengths of A and B, or of out, are multiples of 4,
// and they are read or written by quads, else by single elements.
// Loads never leave the matrices: what lies outside repeats the last row or
// column, which is not stored, or is set to 0 in the last slice of K.
//
// Quad q of row k lies at q ^ (k/4 * 32/SLICE): neighbouring invocations then
// write to different banks in either storage order.
{{- $threads := div (mul .TILE_M .TILE_N) (mul .ROWS .COLS)}}
{{- $qa := div .TILE_M 4}}{{$qb := div .TILE_N 4}}
{{- $rows := div .ROWS 4}}{{$cols := div .COLS 4}}
{{- $turn := div 32 .SLICE}}
{{- $raw := "vec2<u32>"}}
{{- if or (not .VEC_IN) (eq .WEIGHT "float32")}}{{$raw = "vec4<f32>"}}{{else if eq .WEIGHT "int4"}}{{$raw = "vec3<u32>"}}{{end}}
{{- $a := dict "x" "a" "vec" .VEC_IN "along_k" (not .TRANS_A) "quads" $qa "loads" (div (mul .SLICE $qa) $threads) "raw" "vec4<f32>"
    "scaled" false "len" "p.m" "from" "m0" "slice" .SLICE "threads" $threads "turn" $turn}}
{{- $b := dict "x" "b" "vec" .VEC_IN "along_k" .TRANS_B "quads" $qb "loads" (div (mul .SLICE $qb) $threads) "raw" $raw
    "scaled" (and .VEC_IN (or (eq .WEIGHT "int8") (eq .WEIGHT "int4"))) "len" "p.n" "from" "n0" "slice" .SLICE "threads" $threads "turn" $turn}}

struct Params { m: u32, n: u32, k: u32, part: u32, parts: u32, batched_a: u32, batched_b: u32, finish: u32 }

@group(0) @binding(0) var<uniform> p: Params;
{{if .VEC_IN}}{{template "quads" set . "BINDING" 1 "NAME" "a" "TYPE" "float32"}}{{else}}{{template "packed" set . "BINDING" 1 "NAME" "a" "TYPE" "float32"}}{{end}}
{{if .VEC_IN}}{{template "quads" set . "BINDING" 2 "NAME" "b" "TYPE" .WEIGHT}}{{else}}{{template "packed" set . "BINDING" 2 "NAME" "b" "TYPE" .WEIGHT}}{{end}}
{{$t := "f32"}}{{if .VEC_OUT}}{{$t = "vec4<f32>"}}{{end -}}
@group(0) @binding(3) var<storage, read> bias: array<{{$t}}>;
@group(0) @binding(4) var<storage, read> residual: array<{{$t}}>;
@group(0) @binding(5) var<storage, read_write> out: array<{{$t}}>;

var<workgroup> tile_a: array<vec4<f32>, {{mul .SLICE $qa}}>;
var<workgroup> tile_b: array<vec4<f32>, {{mul .SLICE $qb}}>;

// place returns where four columns of a row begin in out: the nearest place for
// those outside.
fn place(base: u32, m: u32, n: u32) -> u32 {
    return base + min(m, p.m - 1u) * p.n + min(n, p.n - {{if .VEC_OUT}}4u{{else}}1u{{end}});
}

fn bias_at(n: u32) -> vec4<f32> {
    {{if .VEC_OUT}}return bias[min(n, p.n - 4u) / 4u];
    {{- else}}return vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}bias[min(n + {{$j}}u, p.n - 1u)]{{end}});{{end}}
}
{{range $x := list "residual" "out"}}
fn {{$x}}_at(base: u32, m: u32, n: u32) -> vec4<f32> {
    {{if $.VEC_OUT}}return {{$x}}[place(base, m, n) / 4u];
    {{- else}}return vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}{{$x}}[place(base, m, n + {{$j}}u)]{{end}});{{end}}
}
{{end}}
fn store(base: u32, m: u32, n: u32, v: vec4<f32>) {
    if (m < p.m && n < p.n) {
        let i = base + m * p.n + n;
        {{if .VEC_OUT}}out[i / 4u] = v;
        {{- else}}out[i] = v.x;
        {{range seq 3}}if (n + {{add 1 .}}u < p.n) {
            out[i + {{add 1 .}}u] = v[{{add 1 .}}];
        }
        {{end}}{{end}}
    }
}

@compute @workgroup_size({{$threads}})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    // Tiles are taken in bands of eight rows, so that workgroups that run at a
    // time share what they read.
    let tiles_m = (p.m + TILE_M - 1u) / TILE_M;
    let tiles_n = (p.n + TILE_N - 1u) / TILE_N;
    let id = wid.x + wid.y * nwg.x;
    if (id >= tiles_m * tiles_n) {
        return;
    }
    let band = id / (8u * tiles_n);
    let in_band = id - band * 8u * tiles_n;
    let height = min(8u, tiles_m - band * 8u);
    let m0 = (band * 8u + in_band % height) * TILE_M;
    let n0 = in_band / height * TILE_N;
    let item = wid.z / p.parts;
    let begin = wid.z % p.parts * p.part;
    let end = min(begin + p.part, p.k);
    {{template "place" $a}}
    {{- template "place" $b}}

    // What this invocation computes: columns from tx, rows from ty on.
    {{if eq $threads 256 -}}
    let tx = (lid % 8u) + (lid / 32u % 2u) * 8u;
    let ty = (lid / 8u % 4u) + (lid / 64u) * 4u;
    {{- else -}}
    let tx = lid % {{div .TILE_N .COLS}}u;
    let ty = lid / {{div .TILE_N .COLS}}u;
    {{- end}}
    {{range $r := seq .ROWS}}{{range $c := seq $cols}}var c{{$r}}_{{$c}} = vec4<f32>(0.0);
    {{end}}{{end}}
    if (begin < end) {
        {{template "load" $a}}
        {{- template "load" $b}}
    }
    for (var k0 = begin; k0 < end; k0 = k0 + SLICE) {
        {{template "widen" $a}}
        {{- template "widen" $b}}
        if (k0 + SLICE > end) {
            {{template "trim" $a}}
            {{- template "trim" $b}}
        }
        workgroupBarrier();
        {{template "stage" $a}}
        {{- template "stage" $b}}
        workgroupBarrier();
        at_a = at_a + step_a;
        at_b = at_b + step_b;
        {{template "load" $a}}
        {{- template "load" $b}}
        {{range $k := seq .SLICE}}{
            {{- $q := mul (div $k 4) $turn}}
            {{range $r := seq $rows}}let x{{$r}} = tile_a[{{add (mul $k $qa) (mul $r (div $qa $rows))}}u + (ty ^ {{$q}}u)];
            {{end}}{{range $c := seq $cols}}let y{{$c}} = tile_b[{{add (mul $k $qb) (mul $c (div $qb $cols))}}u + (tx ^ {{$q}}u)];
            {{end}}{{range $r := seq $.ROWS}}{{range $c := seq $cols -}}
            c{{$r}}_{{$c}} = fma(vec4<f32>(x{{div $r 4}}[{{mod $r 4}}]), y{{$c}}, c{{$r}}_{{$c}});
            {{end}}{{end -}}
        }
        {{end}}
    }

    let base = (wid.z % p.parts * (nwg.z / p.parts) + item) * p.m * p.n;
    let m = m0 + ty * 4u;
    let n = n0 + tx * 4u;
    if ((p.finish & 1u) != 0u) {
        {{range $c := seq $cols -}}
        let v{{$c}} = bias_at(n + {{mul $c (div $.TILE_N $cols)}}u);
        {{range $r := seq $.ROWS}}c{{$r}}_{{$c}} = c{{$r}}_{{$c}} + v{{$c}};
        {{end}}{{end}}
    }
    if ((p.finish & 2u) != 0u) {
        {{range $r := seq $.ROWS}}{{range $c := seq $cols -}}
        c{{$r}}_{{$c}} = select(c{{$r}}_{{$c}}, vec4<f32>(0.0), c{{$r}}_{{$c}} < vec4<f32>(0.0));
        {{end}}{{end}}
    }
    {{range $x := list "residual" "out"}}if ((p.finish & {{if eq $x "out"}}8{{else}}4{{end}}u) != 0u) {
        {{range $r := seq $.ROWS}}{{range $c := seq $cols -}}
        c{{$r}}_{{$c}} = c{{$r}}_{{$c}} + {{$x}}_at(base, m + {{add (mul (div $r 4) (div $.TILE_M $rows)) (mod $r 4)}}u, n + {{mul $c (div $.TILE_N $cols)}}u);
        {{end}}{{end}}
    }
    {{end -}}
    {{range $r := seq .ROWS}}{{range $c := seq $cols -}}
    store(base, m + {{add (mul (div $r 4) (div $.TILE_M $rows)) (mod $r 4)}}u, n + {{mul $c (div $.TILE_N $cols)}}u, c{{$r}}_{{$c}});
    {{end}}{{end -}}
}

{{- /* The loads of operand x: invocation lid takes quads lid, lid + threads, ... of a slice, counted along the storage
order. place finds where they begin, load fetches them, widen makes numbers of them, trim zeroes what is beyond the end
of K, stage puts them into the tile. */}}
{{- define "place"}}{{$d := .}}{{$x := .x}}{{$qk := div .slice 4}}
    {{- if .along_k}}
    // {{$x}}: quads along K.
    let q_{{$x}} = lid / {{$qk}}u;
    let k_{{$x}} = lid % {{$qk}}u * 4u;
    let first_{{$x}} = item * p.batched_{{$x}} * {{.len}};
    var at_{{$x}} = (begin + k_{{$x}}){{if .vec}} / 4u{{end}};
    let step_{{$x}} = {{if .vec}}{{$qk}}u{{else}}SLICE{{end}};
    {{range $i := seq .loads -}}
    let row_{{$x}}{{$i}} = first_{{$x}} + min({{$d.from}} + q_{{$x}} + {{mul $i (div $d.threads $qk)}}u, {{$d.len}} - 1u);
    {{if $d.vec}}let start_{{$x}}{{$i}} = row_{{$x}}{{$i}} * {{$x}}_stride(p.k);
    {{end}}{{if $d.scaled}}let scale_{{$x}}{{$i}} = {{$x}}_row_scale(start_{{$x}}{{$i}}, p.k);
    {{end -}}
    let to_{{$x}}{{$i}} = k_{{$x}} * {{$d.quads}}u + ((q_{{$x}} / 4u + {{mul $i (div $d.threads (mul 4 $qk))}}u) ^ (k_{{$x}} / 4u * {{$d.turn}}u));
    {{end}}
    {{- else}}
    // {{$x}}: quads of rows of K.
    let q_{{$x}} = lid % {{.quads}}u;
    let k_{{$x}} = lid / {{.quads}}u;
    let first_{{$x}} = item * p.batched_{{$x}} * p.k;
    {{if .vec -}}
    let stride_{{$x}} = {{$x}}_stride({{.len}});
    var at_{{$x}} = (first_{{$x}} + begin + k_{{$x}}) * stride_{{$x}};
    let end_{{$x}} = (first_{{$x}} + p.k - 1u) * stride_{{$x}};
    let step_{{$x}} = SLICE * stride_{{$x}};
    let col_{{$x}} = min({{.from}} / 4u + q_{{$x}}, {{.len}} / 4u - 1u);
    {{- else -}}
    var at_{{$x}} = begin + k_{{$x}};
    let step_{{$x}} = SLICE;
    let col_{{$x}} = {{.from}} + q_{{$x}} * 4u;
    {{- end}}
    {{end}}
    {{- range $i := seq .loads}}var {{$x}}{{$i}} = {{$d.raw}}();
    {{if and $d.scaled (not $d.along_k)}}var scale_{{$x}}{{$i}} = 0.0;
    {{end}}{{end}}
{{- end}}

{{- define "start"}}
    {{- if .d.along_k}}start_{{.d.x}}{{.i}}{{else}}min(at_{{.d.x}} + {{mul .i (div .d.threads .d.quads)}}u * stride_{{.d.x}}, end_{{.d.x}}){{end}}
{{- end}}

{{- define "quad"}}{{if .along_k}}min(at_{{.x}}, p.k / 4u - 1u){{else}}col_{{.x}}{{end}}{{end}}

{{- define "load"}}{{$d := .}}{{$x := .x}}{{$rows := div .threads .quads}}
    {{- range $i := seq .loads}}
    {{- if $d.vec -}}
        {{$x}}{{$i}} = {{$x}}_fetch({{template "start" dict "d" $d "i" $i}}, {{template "quad" $d}}, {{if $d.along_k}}p.k{{else}}{{$d.len}}{{end}});
        {{if and $d.scaled (not $d.along_k)}}scale_{{$x}}{{$i}} = {{$x}}_row_scale({{template "start" dict "d" $d "i" $i}}, {{$d.len}});
        {{end}}
    {{- else if $d.along_k -}}
        {{$x}}{{$i}} = vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}{{$x}}_at(row_{{$x}}{{$i}}, min(at_{{$x}} + {{$j}}u, p.k - 1u), p.k){{end}});
        {{else -}}
        {{$x}}{{$i}} = vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}{{$x}}_at(first_{{$x}} + min(at_{{$x}} + {{mul $i $rows}}u, p.k - 1u), min(col_{{$x}} + {{$j}}u, {{$d.len}} - 1u), {{$d.len}}){{end}});
        {{end}}
    {{- end}}
{{- end}}

{{- define "widen"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads -}}
    var v_{{$x}}{{$i}} = {{if $d.vec}}{{$x}}_quad({{$x}}{{$i}}, {{template "quad" $d}}, {{if $d.scaled}}scale_{{$x}}{{$i}}{{else}}1.0{{end}}){{else}}{{$x}}{{$i}}{{end}};
        {{end}}
{{- end}}

{{- define "trim"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads -}}
    v_{{$x}}{{$i}} = select(vec4<f32>(0.0), v_{{$x}}{{$i}}, {{if $d.along_k}}vec4<u32>(k0 + k_{{$x}}) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end)
            {{- else}}vec4<bool>(k0 + k_{{$x}} + {{mul $i (div $d.threads $d.quads)}}u < end){{end}});
            {{end}}
{{- end}}

{{- define "stage"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads}}
    {{- if $d.along_k}}{{range $j := seq 4 -}}
    tile_{{$x}}[to_{{$x}}{{$i}} + {{mul $j $d.quads}}u][q_{{$x}} % 4u] = v_{{$x}}{{$i}}[{{$j}}];
        {{end}}
    {{- else}}{{$k := mul $i (div $d.threads $d.quads) -}}
    tile_{{$x}}[(k_{{$x}} + {{$k}}u) * {{$d.quads}}u + (q_{{$x}} ^ ((k_{{$x}} + {{$k}}u) / 4u * {{$d.turn}}u))] = v_{{$x}}{{$i}};
        {{end}}
    {{- end}}
{{- end}}
