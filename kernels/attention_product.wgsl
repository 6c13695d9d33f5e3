{{- /*
Included by the tiled attention shaders: adds weights S times the tile's rows of
side B to O, in pieces of 16 rows.
Arguments: the weights' name S; the output's name O; the array of side B.
*/ -}}
{{- $s := index .Args 0}}{{- $o := index .Args 1}}{{- $b := index .Args 2}}
for (var piece = 0u; first_b + 16u * piece < min(end_b, first_b + BN); piece = piece + 1u) {
    switch piece {
        {{- range $piece := seq (div (mul .SCORES .LANES) 16)}}
        {{if eq (add $piece 1) (div (mul $.SCORES $.LANES) 16)}}default{{else}}case {{$piece}}u{{end}}: {
            {{- range $k := seq (div 16 $.LANES)}}
            tile[(tx + {{mul $k $.LANES}}u) * W_ROW + ty] = {{$s}}{{add (mul $piece (div 16 $.LANES)) $k}};
            {{- end}}
        }
        {{- end}}
    }
    let r = first_b + 16u * piece + lid / 16u;
    let at = base_b + r * stride_b;
    {{- if $.VEC}}
    {{- range $c := seq (max 1 (div (mul $.LANES $.QUADS) 16))}}
    {
        let c = lid % 16u + {{mul 16 $c}}u;
        var x = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        if (r < end_b) {
            x = {{$b}}[at + min(column / 4u + c, p.dim / 4u - 1u)];
        }
        {{if lt (mul $.LANES $.QUADS) 16}}if (c < X_ROW) { {{end -}}
        tile[X_AT + lid / 16u * X_ROW + c] = x;
        {{- if lt (mul $.LANES $.QUADS) 16}} }{{end}}
    }
    {{- end}}
    {{- else}}
    {{- range $c := seq (div (mul $.LANES (add (mul 4 $.QUADS) (mul 2 $.PAIRS))) 16)}}
    {
        let c = lid % 16u + {{mul 16 $c}}u;
        var x = 0.0;
        if (r < end_b) {
            x = {{$b}}[at + min(column + c, p.dim - 1u)];
        }
        {{- if lt (mul 4 $c) (mul $.LANES $.QUADS)}}
        tile[X_AT + lid / 16u * X_ROW + c / 4u][c % 4u] = x;
        {{- else}}
        pairs[lid / 16u * LANES + (c - 4u * X_ROW) / 2u][c % 2u] = x;
        {{- end}}
    }
    {{- end}}
    {{- end}}
    workgroupBarrier();
    let some = min(16u, end_b - first_b - 16u * piece);
    for (var e = 0u; e < some; e = e + 4u) {
        let at_w = e * W_ROW + ty;
        let at_x = e * X_ROW + tx;
        {{- if $.PAIRS}}
        let at_pair = e * LANES + tx;
        {{- end}}
        {{- range $i := seq 4}}
        {
            let w = tile[at_w + {{$i}}u * W_ROW];
            {{- range $c := seq $.QUADS}}
            let x{{$c}} = tile[at_x + X_AT + {{$i}}u * X_ROW + {{$c}}u * LANES];
            {{- range $r := seq 4}}
            {{$o}}{{$c}}{{$r}} = {{$o}}{{$c}}{{$r}} + w.{{xyzw $r}} * x{{$c}};
            {{- end}}
            {{- end}}
            {{- if $.PAIRS}}
            let xp = pairs[at_pair + {{$i}}u * LANES];
            {{- range $r := seq 4}}
            {{$o}}p{{$r}} = {{$o}}p{{$r}} + w.{{xyzw $r}} * xp;
            {{- end}}
            {{- end}}
        }
        {{- end}}
    }
    workgroupBarrier();
}
