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
// The first slice is the one that may be short: its loads repeat the last of K
// and are then set to 0. All others are whole, so that the loop neither clamps
// nor masks. Rows and columns outside the matrices repeat the last, which are
// not stored. Addresses are made before the loop where they can be: not every
// compiler moves them there.
//
// VEC_A, VEC_B, VEC_OUT: the last length of A, B or out is a multiple of 4, and
// it is read or written by quads, else by single elements.
{{- $threads := div (mul .TILE_M .TILE_N) (mul .ROWS .COLS)}}
{{- $rows := div .ROWS 4}}{{$cols := div .COLS 4}}
{{- /* What the templates at the end know of an operand. Its elements come in loads of width elements, neighbouring
along the storage order, apart from each other along the other length. */}}
{{- $a := dict "x" "a" "vec" .VEC_A "along_k" (not .TRANS_A) "tile" .TILE_M "type" "float32" "len" "p.m" "from" "m0"}}
{{- $b := dict "x" "b" "vec" .VEC_B "along_k" .TRANS_B "tile" .TILE_N "type" .WEIGHT "len" "p.n" "from" "n0"}}
{{- range $d := list $a $b}}
    {{- $width := 1}}{{if .vec}}{{$width = 4}}{{end}}
    {{- $line := .tile}}{{if .along_k}}{{$line = $.SLICE}}{{end}}
    {{- /* Rows of quads in workgroup memory, so laid out that neighbouring invocations write to different banks: single
    elements in rows a quad longer; quads with two between every four rows, or turned by two where memory is full. */}}
    {{- $pitch := div .tile 4}}{{$gap := 0}}{{$turn := 0}}
    {{- if not .vec}}{{$pitch = add $pitch 1}}{{else if eq (add $.TILE_M $.TILE_N) 256}}{{$turn = 2}}{{else}}{{$gap = 2}}{{end}}
    {{- $scaled := or (eq .type "int8") (eq .type "int4")}}
    {{- $d = set $d "slice" $.SLICE "threads" $threads "width" $width "apart" (div (mul $threads $width) $line)
        "loads" (div (mul $.SLICE .tile) (mul $threads $width)) "pitch" $pitch "gap" $gap "turn" $turn
        "scaled" $scaled}}
    {{- if eq .x "a"}}{{$a = $d}}{{else}}{{$b = $d}}{{end}}
{{- end}}

struct Params { m: u32, n: u32, k: u32, part: u32, parts: u32, batched_a: u32, batched_b: u32, finish: u32 }

@group(0) @binding(0) var<uniform> p: Params;
{{template "quads" dict "BINDING" 1 "NAME" "a" "TYPE" "float32" "SINGLE" (not .VEC_A)}}
{{template "quads" dict "BINDING" 2 "NAME" "b" "TYPE" .WEIGHT "SINGLE" (not .VEC_B)}}
{{$t := "f32"}}{{if .VEC_OUT}}{{$t = "vec4<f32>"}}{{end -}}
@group(0) @binding(3) var<storage, read> bias: array<{{$t}}>;
@group(0) @binding(4) var<storage, read> residual: array<{{$t}}>;
@group(0) @binding(5) var<storage, read_write> out: array<{{$t}}>;

var<workgroup> tile_a: array<vec4<f32>, {{template "row" set $a "k" .SLICE}}>;
var<workgroup> tile_b: array<vec4<f32>, {{template "row" set $b "k" .SLICE}}>;

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

    // The slices of the part, the first of which has short elements along K. A
    // single one is read again, from the beginning, while it is used.
    let begin = min(wid.z % p.parts * p.part, p.k);
    let length = min(p.part, p.k - begin);
    let slices = (length + SLICE - 1u) / SLICE;
    let short = length - max(slices, 1u) * SLICE + SLICE;
    let several = slices > 1u;
    {{template "place" $a}}
    {{- template "place" $b}}
    if (slices > 0u) {
        {{template "first" $a}}
        {{- template "first" $b}}
    }

    // What this invocation computes: columns from tx, rows from ty on.
    {{if eq $threads 256 -}}
    let tx = (lid % 8u) + (lid / 32u % 2u) * 8u;
    let ty = (lid / 8u % 4u) + (lid / 64u) * 4u;
    {{- else -}}
    let tx = lid % {{div .TILE_N .COLS}}u;
    let ty = lid / {{div .TILE_N .COLS}}u;
    {{- end}}
    {{range $r := seq .ROWS}}{{range $c := seq $cols}}var c{{$r}}_{{$c}} = vec4<f32>(0.0);
    {{end}}{{end -}}
    for (var s = 0u; s < slices; s = s + 1u) {
        {{template "widen" $a}}
        {{- template "widen" $b}}workgroupBarrier();
        {{template "stage" $a}}
        {{- template "stage" $b}}workgroupBarrier();
        let more = s + 1u < slices;
        {{template "next" $b}}
        {{- template "next" $a}}
        {{- range $k := seq .SLICE}}{
            {{- $q := mul (div $k 4) 2}}
            {{range $r := seq $rows}}let x{{$r}} = tile_a[{{template "row" set $a "k" $k}} + {{mul $r (div $.TILE_M (mul 4 $rows))}}u + {{if $a.turn}}(ty ^ {{$q}}u){{else}}ty{{end}}];
            {{end}}{{range $c := seq $cols}}let y{{$c}} = tile_b[{{template "row" set $b "k" $k}} + {{mul $c (div $.TILE_N (mul 4 $cols))}}u + {{if $b.turn}}(tx ^ {{$q}}u){{else}}tx{{end}}];
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

{{- /* The loads of operand x. place finds which elements this invocation brings: from k_x along K and line_x along the
other length on; first fetches those of the first slice, next those of the slice after the one in use; widen makes
numbers of them, stage puts them into the tile. Rows of the matrix begin at start_x0, ..., or, stored across K, at
at_x + i * hop_x. */}}
{{- define "row"}}{{add (mul .k .pitch) (mul (div .k 4) .gap)}}u{{end}}

{{- define "place"}}{{$d := .}}{{$x := .x}}
    {{- $per := div .slice .width}}{{if not .along_k}}{{$per = div .tile .width}}{{end}}
    {{- $k := "k"}}{{$line := "line"}}{{if not .along_k}}{{$k = "line"}}{{$line = "k"}}{{end}}
    // {{$x}}: {{if .vec}}quads{{else}}elements{{end}} along {{if .along_k}}K{{else}}the rows of K{{end}}.
    {{if and .along_k (not .vec) -}}
    let k_{{$x}} = lid % 8u + lid / 32u % 2u * 8u;
    let line_{{$x}} = lid / 8u % 4u + lid / 64u * 4u;
    {{- else -}}
    let {{$k}}_{{$x}} = lid % {{$per}}u * {{.width}}u;
    let {{$line}}_{{$x}} = lid / {{$per}}u;
    {{- end}}
    let first_{{$x}} = item * p.batched_{{$x}} * {{if .along_k}}{{.len}}{{else}}p.k{{end}};
    let stride_{{$x}} = {{$x}}_stride({{if .along_k}}p.k{{else}}{{.len}}{{end}});
    {{if .along_k -}}
    {{range $i := seq .loads}}let start_{{$x}}{{$i}} = (first_{{$x}} + min({{$d.from}} + line_{{$x}} + {{mul $i $d.apart}}u, {{$d.len}} - 1u)) * stride_{{$x}};
    {{end -}}
    let step_{{$x}} = {{$x}}_code(SLICE);
    var at_{{$x}} = select(0u, {{$x}}_code(begin + k_{{$x}}) - {{$x}}_code(SLICE - short), several);
    {{- else -}}
    let col_{{$x}} = min({{.from}} + line_{{$x}}, {{.len}} - {{.width}}u);
    let code_{{$x}} = {{$x}}_code(col_{{$x}});
    let hop_{{$x}} = select(0u, {{.apart}}u * stride_{{$x}}, several);
    let step_{{$x}} = SLICE * stride_{{$x}};
    var at_{{$x}} = (first_{{$x}} + select(0u, begin + k_{{$x}} - (SLICE - short), several)) * stride_{{$x}}{{if not .scaled}} + code_{{$x}}{{end}};
    {{- end}}
    let shift_{{$x}} = {{$x}}_shift({{if .along_k}}k_{{$x}}{{else}}col_{{$x}}{{end}});
    {{if not .along_k -}}
    let params_{{$x}} = {{$x}}_params(col_{{$x}}, {{.len}});
    let block_{{$x}} = {{$x}}_block(col_{{$x}});
    {{end -}}
    {{range $i := seq .loads -}}
    let to_{{$x}}{{$i}} = {{if $d.along_k}}{{if $d.turn}}k_{{$x}} * {{$d.pitch}}u + ((line_{{$x}} / 4u) ^ (k_{{$x}} / 4u * {{$d.turn}}u))
        {{- else}}k_{{$x}} * {{$d.pitch}}u + k_{{$x}} / 4u * {{$d.gap}}u + line_{{$x}} / 4u{{end}} + {{div (mul $i $d.apart) 4}}u
        {{- else}}{{$k := mul $i $d.apart}}(k_{{$x}} + {{$k}}u) * {{$d.pitch}}u + {{if $d.turn}}((line_{{$x}} / 4u) ^ ((k_{{$x}} + {{$k}}u) / 4u * {{$d.turn}}u))
        {{- else}}(k_{{$x}} + {{$k}}u) / 4u * {{$d.gap}}u + line_{{$x}} / 4u{{end}}{{end}};
    var {{$x}}{{$i}} = {{$x}}_none();
    var scale_{{$x}}{{$i}} = 1.0;
    {{end}}
{{- end}}

{{- define "first"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads}}
    {{- if $d.along_k}}
        {{$x}}{{$i}} = {{$x}}_fetch(start_{{$x}}{{$i}}, {{$x}}_code(min(begin + k_{{$x}}, p.k - {{$d.width}}u)), {{$x}}_params(begin, p.k));
        {{if $d.scaled}}scale_{{$x}}{{$i}} = {{$x}}_row_scale(start_{{$x}}{{$i}}, p.k);
        {{else}}{{$x}}{{$i}} = {{$x}}_only(k_{{$x}} < short, {{$x}}{{$i}});
        {{end}}
    {{- else}}
        let first_{{$x}}{{$i}} = (first_{{$x}} + min(begin + k_{{$x}} + {{mul $i $d.apart}}u, p.k - 1u)) * stride_{{$x}};
        {{$x}}{{$i}} = {{$x}}_fetch(first_{{$x}}{{$i}}, code_{{$x}}, params_{{$x}});
        {{if $d.scaled}}scale_{{$x}}{{$i}} = select(0.0, {{$x}}_row_scale(first_{{$x}}{{$i}}, {{$d.len}}), k_{{$x}} + {{mul $i $d.apart}}u < short);
        {{else}}{{$x}}{{$i}} = {{$x}}_only(k_{{$x}} + {{mul $i $d.apart}}u < short, {{$x}}{{$i}});
        {{end}}
    {{- end}}{{end}}
{{- end}}

{{- define "next"}}{{$d := .}}{{$x := .x -}}
    at_{{$x}} = at_{{$x}} + select(0u, step_{{$x}}, more);
        {{range $i := seq .loads}}
    {{- if $d.along_k -}}
        {{$x}}{{$i}} = {{$x}}_fetch(start_{{$x}}{{$i}}, at_{{$x}}, {{$x}}_params(begin + (s + select(0u, 1u, more)) * SLICE, p.k));
        {{else -}}
        {{$x}}{{$i}} = {{$x}}_fetch(at_{{$x}} + {{$i}}u * hop_{{$x}}, {{if $d.scaled}}code_{{$x}}{{else}}0u{{end}}, params_{{$x}});
        {{if $d.scaled}}scale_{{$x}}{{$i}} = {{$x}}_row_scale(at_{{$x}} + {{$i}}u * hop_{{$x}}, {{$d.len}});
        {{end}}
    {{- end}}{{end}}
{{- end}}

{{- define "widen"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads -}}
    let v_{{$x}}{{$i}} = {{$x}}_wide({{$x}}{{$i}}, shift_{{$x}}, {{if $d.along_k}}{{$x}}_block(begin + s * SLICE){{else}}block_{{$x}}{{end}}, scale_{{$x}}{{$i}});
        {{end}}
{{- end}}

{{- define "stage"}}{{$d := .}}{{$x := .x}}
    {{- range $i := seq .loads}}
    {{- if not $d.vec -}}
    tile_{{$x}}[to_{{$x}}{{$i}}][line_{{$x}} % 4u] = v_{{$x}}{{$i}};
        {{else if $d.along_k}}{{range $j := seq 4 -}}
    tile_{{$x}}[to_{{$x}}{{$i}} + {{mul $j $d.pitch}}u][line_{{$x}} % 4u] = v_{{$x}}{{$i}}[{{$j}}];
        {{end}}
    {{- else -}}
    tile_{{$x}}[to_{{$x}}{{$i}}] = v_{{$x}}{{$i}};
        {{end}}
    {{- end}}
{{- end}}
