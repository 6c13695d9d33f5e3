// Products of a few rows with transposed weights, at the speed of reading these:
//
//     out = act(x W^T + bias) + residual,  or  out += x W^T            (WEIGHTS 1)
//     q = x Wq^T, k = x Wk^T, v = x Wv^T                               (WEIGHTS 3)
//     out = silu(x Wg^T) (x Wu^T)                                      (SWIGLU)
//
// x (m,K); W (N,K), stored as WEIGHT0, ...; bias (N); residual, out (m,N). K is a
// multiple of a chunk: what 16 bytes of every W hold.
//
// Some lanes, 16 to 64 invocations, share COLS columns: each takes every so
// manieth chunk of their rows of W, so that neighbours read neighbouring 16
// bytes, and keeps a sum for each column and each of ROWS rows of x. The sums of
// the lanes are then added in a tree. Grid: a workgroup of 64 for each
// 64/lanes*COLS columns of each W and each ROWS rows, those of the same columns
// side by side, so that only the first of them reads W from memory; folded over
// x and y. The bits of p.finish: 1 bias, 2 ReLU, 4 residual, 8 +=.
{{- $sets := .WEIGHTS}}{{if not .SWIGLU}}{{$sets = 1}}{{end}}
{{- $types := list .WEIGHT0 .WEIGHT1 .WEIGHT2}}
{{- $vec := printf "vec%d<f32>" .COLS}}
{{- $chunk := dict "float32" 4 "bfloat16" 8 "float16" 8 "int8" 16 "int4" 32}}

struct Params { m: u32, k: u32, n0: u32, n1: u32, n2: u32, lanes: u32, finish: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
{{range $i := seq .WEIGHTS -}}
@group(0) @binding({{add 2 $i}}) var<storage, read> w{{$i}}: array<vec4<{{if eq (index $types $i) "float32"}}f32{{else}}u32{{end}}>>;
{{end}}{{$next := add 2 .WEIGHTS}}
{{- if eq .WEIGHTS 1 -}}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
{{$next = 5}}{{end}}
{{- range $i := seq (div .WEIGHTS $sets) -}}
@group(0) @binding({{add $next $i}}) var<storage, read_write> out{{$i}}: array<f32>;
{{end}}
var<workgroup> sums: array<{{$vec}}, {{mul 64 (mul .ROWS $sets)}}>;

fn fma4(a: vec4<f32>, b: vec4<f32>, c: f32) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, c))));
}

fn bytes(w: u32) -> vec4<f32> {
    let u = w ^ 0x80808080u; // bytes without sign, 128 too large, convert faster
    return vec4<f32>(f32(u & 255u), f32((u >> 8u) & 255u), f32((u >> 16u) & 255u), f32(u >> 24u)) - vec4<f32>(128.0);
}

fn halves(a: u32, b: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}

// nibbles widens the lowest nibbles of even, odd, and their second ones; shifted
// by four bits, as the fraction of a number from 2^19 on, they count in whole
// ones. zero is 2^19 plus the zero point.
fn nibbles(even: u32, odd: u32, zero: f32) -> vec4<f32> {
    let c = vec4<u32>(even << 4u, odd << 4u, even, odd) & vec4<u32>(0xf0u);
    return bitcast<vec4<f32>>(c | vec4<u32>(0x49000000u)) - vec4<f32>(zero);
}

fn block_scale(b: u32) -> f32 {
    return bitcast<f32>(((b & 255u) << 19u) + 0x38000000u);
}
{{range $i := seq .WEIGHTS}}{{$type := index $types $i}}
// A row's length in sixteens of bytes, and its scale.
fn stride{{$i}}() -> u32 {
    return {{if eq $type "int8"}}(p.k / 4u + (p.k / 16u + 3u) / 4u + 4u) / 4u
        {{- else if eq $type "int4"}}(p.k / 8u + (p.k / 16u + 1u) / 2u + 4u) / 4u
        {{- else}}p.k / {{index $chunk $type}}u{{end}};
}

fn row_scale{{$i}}(n: u32) -> f32 {
    {{if or (eq $type "int8") (eq $type "int4") -}}
    let i = min(n, p.n{{$i}} - 1u) * stride{{$i}}() * 4u + {{if eq $type "int8"}}p.k / 4u + (p.k / 16u + 3u) / 4u{{else}}p.k / 8u + (p.k / 16u + 1u) / 2u{{end}};
    return bitcast<f32>(w{{$i}}[i / 4u][i % 4u]);
    {{- else}}return 1.0;{{end}}
}
{{end}}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let lane = lid % p.lanes;
    let group = lid / p.lanes;
    let width = 64u / p.lanes * COLS; // columns of a workgroup
    let groups_m = (p.m + ROWS - 1u) / ROWS;
    let id = wid.x + wid.y * nwg.x;
    let m = id % groups_m * ROWS;
    // The first column, counted from the first of its W.
    var n = id / groups_m * width + group * COLS;
    {{- range $s := seq $sets}}{{range $r := seq $.ROWS}}{{range $c := seq $.COLS}}
    var a{{$s}}_{{$r}}_{{$c}} = 0.0;{{end}}{{end}}{{end}}
    {{range $r := seq .ROWS}}let x{{$r}} = min(m + {{$r}}u, p.m - 1u) * (p.k / 4u);
    {{end}}
    {{- if or .SWIGLU (eq .WEIGHTS 1)}}{{template "sum" dict "weights" (seq .WEIGHTS) "sets" (seq .WEIGHTS) "type" .WEIGHT0 "rows" .ROWS "cols" .COLS "chunk" (index $chunk .WEIGHT0)}}
    {{- else}}
    // Columns of each W fill whole workgroups.
    let end0 = (p.n0 + width - 1u) / width * width;
    let end1 = end0 + (p.n1 + width - 1u) / width * width;
    var which = 0u;
    if (n >= end1) {
        which = 2u;
        n = n - end1;
        {{template "sum" dict "weights" (list 2) "sets" (list 0) "type" .WEIGHT2 "rows" .ROWS "cols" .COLS "chunk" (index $chunk .WEIGHT2)}}
    } else if (n >= end0) {
        which = 1u;
        n = n - end0;
        {{template "sum" dict "weights" (list 1) "sets" (list 0) "type" .WEIGHT1 "rows" .ROWS "cols" .COLS "chunk" (index $chunk .WEIGHT1)}}
    } else {
        {{template "sum" dict "weights" (list 0) "sets" (list 0) "type" .WEIGHT0 "rows" .ROWS "cols" .COLS "chunk" (index $chunk .WEIGHT0)}}
    }
    {{- end}}

    {{range $s := seq $sets}}{{range $r := seq $.ROWS -}}
    sums[{{mul 64 (add (mul $s $.ROWS) $r)}}u + lid] = {{$vec}}({{range $c := seq $.COLS}}{{if $c}}, {{end}}a{{$s}}_{{$r}}_{{$c}}{{end}});
    {{end}}{{end -}}
    workgroupBarrier();
    for (var s = p.lanes / 2u; s > 0u; s = s / 2u) {
        if (lane < s) {
            {{range $i := seq (mul $sets .ROWS)}}sums[{{mul 64 $i}}u + lid] = sums[{{mul 64 $i}}u + lid] + sums[{{mul 64 $i}}u + lid + s];
            {{end}}
        }
        workgroupBarrier();
    }

    // An invocation finishes the columns of a row.
    let r = m + lane;
    if (lane < ROWS && r < p.m) {
        var v = sums[lane * 64u + group * p.lanes];
        {{if .SWIGLU -}}
        v = v * {{$vec}}({{range $c := seq $.COLS}}{{if $c}}, {{end}}row_scale0(n + {{$c}}u){{end}});
        let u = sums[{{mul 64 .ROWS}}u + lane * 64u + group * p.lanes] * {{$vec}}({{range $c := seq $.COLS}}{{if $c}}, {{end}}row_scale1(n + {{$c}}u){{end}});
        v = v / ({{$vec}}(1.0) + exp(-v)) * u;
        {{range $c := seq $.COLS}}if (n + {{$c}}u < p.n0) {
            out0[r * p.n0 + n + {{$c}}u] = v[{{$c}}];
        }
        {{end}}
        {{- else if eq .WEIGHTS 1 -}}
        v = v * {{$vec}}({{range $c := seq $.COLS}}{{if $c}}, {{end}}row_scale0(n + {{$c}}u){{end}});
        {{range $c := seq $.COLS}}if (n + {{$c}}u < p.n0) {
            out0[r * p.n0 + n + {{$c}}u] = finish(r * p.n0 + n + {{$c}}u, n + {{$c}}u, v[{{$c}}]);
        }
        {{end}}
        {{- else}}switch which {
            {{range $i := seq .WEIGHTS}}{{if lt $i (sub $.WEIGHTS 1)}}case {{$i}}u{{else}}default{{end}}: {
                {{range $c := seq $.COLS}}if (n + {{$c}}u < p.n{{$i}}) {
                    out{{$i}}[r * p.n{{$i}} + n + {{$c}}u] = v[{{$c}}] * row_scale{{$i}}(n + {{$c}}u);
                }
                {{end}}
            }
            {{end}}
        }
        {{- end}}
    }
}
{{if eq .WEIGHTS 1}}
fn finish(i: u32, n: u32, sum: f32) -> f32 {
    var r = sum;
    if ((p.finish & 1u) != 0u) {
        r = r + bias[n];
    }
    if ((p.finish & 2u) != 0u) {
        r = select(r, 0.0, r < 0.0);
    }
    if ((p.finish & 4u) != 0u) {
        r = r + residual[i];
    }
    if ((p.finish & 8u) != 0u) {
        r = r + out0[i];
    }
    return r;
}
{{end}}

{{- /* sum adds this invocation's chunks of some columns of some weights, all of the same type, to the accumulators of
as many sets. */}}
{{- define "sum"}}{{$d := .}}{{$type := .type}}{{$quads := div .chunk 4}}
    {{- $blocks := 0}}{{if eq $type "int8"}}{{$blocks = 1}}{{else if eq $type "int4"}}{{$blocks = 2}}{{end}}
    let chunks = p.k / {{.chunk}}u;
    {{range $w := .weights}}{{range $c := seq $d.cols}}let row{{$w}}_{{$c}} = min(n + {{$c}}u, p.n{{$w}} - 1u) * stride{{$w}}();
    {{end}}{{end -}}
    for (var c = lane; c < chunks; c = c + p.lanes) {
        {{range $w := .weights}}{{range $c := seq $d.cols}}let v{{$w}}_{{$c}} = w{{$w}}[row{{$w}}_{{$c}} + c];
        {{if eq $type "int8" -}}
        let b{{$w}}_{{$c}} = w{{$w}}[row{{$w}}_{{$c}} + chunks + c / 16u][c / 4u % 4u] >> (c % 4u * 8u);
        {{else if eq $type "int4" -}}
        let b{{$w}}_{{$c}} = w{{$w}}[row{{$w}}_{{$c}} + chunks + c / 4u][c % 4u];
        {{end}}{{end}}{{end}}
        {{- if $blocks}}{{range $b := seq $blocks}}{
            {{- template "block" dict "d" $d "b" $b}}
        }
        {{end}}
        {{- else}}{{range $j := seq $quads}}{
            {{- range $r := seq $d.rows}}
            let y{{$r}} = x[x{{$r}} + c * {{$quads}}u + {{$j}}u];
            {{- end}}
            {{- range $s, $w := $d.weights}}{{range $c := seq $d.cols}}{{$v := printf "v%d_%d" $w $c}}
            let q{{$w}}_{{$c}} = {{if eq $type "float32"}}{{$v}}
                {{- else if eq $type "bfloat16"}}halves({{$v}}[{{mul 2 $j}}], {{$v}}[{{add 1 (mul 2 $j)}}])
                {{- else}}vec4<f32>(unpack2x16float({{$v}}[{{mul 2 $j}}]), unpack2x16float({{$v}}[{{add 1 (mul 2 $j)}}])){{end}};
            {{- range $r := seq $d.rows}}{{$acc := printf "a%d_%d_%d" (index $d.sets $s) $r $c}}
            {{$acc}} = fma4(q{{$w}}_{{$c}}, y{{$r}}, {{$acc}});
            {{- end}}{{end}}{{end}}
        }
        {{end}}{{end}}
    }
{{- end}}

{{- /* block adds block b of the chunks. The quads are a loop, where the compiler may choose: with many rows it keeps
fewer registers. */}}
{{- define "block"}}{{$d := .d}}{{$b := .b}}{{$four := eq $d.type "int4"}}
            {{- range $w := $d.weights}}{{range $c := seq $d.cols}}{{$n := printf "%d_%d" $w $c}}
            {{if $four -}}
            var e{{$n}} = v{{$n}}[{{mul 2 $b}}];
            var o{{$n}} = v{{$n}}[{{add 1 (mul 2 $b)}}];
            let zero{{$n}} = bitcast<f32>(((b{{$n}} >> {{add 8 (mul 16 $b)}}u) & 255u) | 0x49000000u);
            {{- else -}}
            var e{{$n}} = v{{$n}};
            {{- end}}
            {{- range $r := seq $d.rows}}
            var d{{$n}}_{{$r}} = 0.0;
            {{- end}}{{end}}{{end}}
            for (var j = 0u; j < 4u; j = j + 1u) {
                {{- range $r := seq $d.rows}}
                let y{{$r}} = x[x{{$r}} + c * {{div $d.chunk 4}}u + {{mul 4 $b}}u + j];
                {{- end}}
                {{- range $w := $d.weights}}{{range $c := seq $d.cols}}{{$n := printf "%d_%d" $w $c}}
                {{if $four -}}
                let q{{$n}} = nibbles(e{{$n}}, o{{$n}}, zero{{$n}});
                e{{$n}} = e{{$n}} >> 8u;
                o{{$n}} = o{{$n}} >> 8u;
                {{- else -}}
                let q{{$n}} = bytes(e{{$n}}.x);
                e{{$n}} = e{{$n}}.yzwx;
                {{- end}}
                {{- range $r := seq $d.rows}}
                d{{$n}}_{{$r}} = fma4(q{{$n}}, y{{$r}}, d{{$n}}_{{$r}});
                {{- end}}{{end}}{{end}}
            }
            {{- range $s, $w := $d.weights}}{{range $c := seq $d.cols}}{{$n := printf "%d_%d" $w $c}}
            let s{{$n}} = block_scale(b{{$n}} >> {{mul 16 $b}}u);
            {{- range $r := seq $d.rows}}{{$acc := printf "a%d_%d_%d" (index $d.sets $s) $r $c}}
            {{$acc}} = fma(s{{$n}}, d{{$n}}_{{$r}}, {{$acc}});
            {{- end}}{{end}}{{end}}
{{- end}}
