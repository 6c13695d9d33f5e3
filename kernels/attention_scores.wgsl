{{- /*
Included by the tiled attention shaders: declares S0 .. and sums in them the
products of rows of sides A and B, over slices of 16 columns.
Arguments: the variables' name S; the arrays of sides A and B.
*/ -}}
{{- $s := index .Args 0}}{{- $a := index .Args 1}}{{- $b := index .Args 2}}
{{- range $m := seq .SCORES}}
var {{$s}}{{$m}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
{{- end}}
for (var d0 = 0u; d0 < p.dim; d0 = d0 + 16u) {
    {{- if .VEC}}
    if (quad < TY + QUADS_B) {
        {{- range seq 4}}
        var r{{.}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
        {{- end}}
        let d = d0 / 4u + d_quad;
        if (4u * d < p.dim) {
            if (on_a) {
                {{- range $i := seq 4}}
                r{{$i}} = {{$a}}[min(rows + {{$i}}u * stride_a, last_a) + d];
                {{- end}}
            } else {
                {{- range $i := seq 4}}
                r{{$i}} = {{$b}}[min(rows + {{mul $i $.LANES}}u * stride_b, last_b) + d];
                {{- end}}
            }
        }
        {{- range $i := seq 4}}
        tile[put + {{$i}}u * put_step] = vec4<f32>(r0.{{xyzw $i}}, r1.{{xyzw $i}}, r2.{{xyzw $i}}, r3.{{xyzw $i}});
        {{- end}}
    }
    {{- else}}
    {{- range $k := seq (div 16 .LANES)}}
    var x{{$k}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    {{- end}}
    {{- range $k := seq (max 1 (div (mul .SCORES .LANES) 64))}}
    var y{{$k}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    {{- end}}
    if (d0 + lane < p.dim) {
        {{- range $k := seq (div 16 .LANES)}}
        x{{$k}} = vec4<f32>(
            {{- range $i := seq 4}}
            {{$a}}[min(a0 + {{add (mul 64 $k) $i}}u * stride_a, last_a + lane) + d0]{{if lt $i 3}},{{else}});{{end}}
            {{- end}}
        {{- end}}
        {{- range $k := seq (max 1 (div (mul .SCORES .LANES) 64))}}
        y{{$k}} = vec4<f32>(
            {{- range $i := seq 4}}
            {{$b}}[min(b0 + {{mul $.LANES (add (mul 4 $k) $i)}}u * stride_b, last_b + lane) + d0]{{if lt $i 3}},{{else}});{{end}}
            {{- end}}
        {{- end}}
    }
    {{- range $k := seq (div 16 .LANES)}}
    tile[lane * A_ROW + quad + {{mul 16 $k}}u] = x{{$k}};
    {{- end}}
    {{- range $k := seq (max 1 (div (mul .SCORES .LANES) 64))}}
    {{if lt (mul $.SCORES $.LANES) 64}}if (quad < QUADS_B) { {{end -}}
    tile[X_AT + lane * B_ROW + quad + {{mul 16 $k}}u] = y{{$k}};
    {{- if lt (mul $.SCORES $.LANES) 64}} }{{end}}
    {{- end}}
    {{- end}}
    workgroupBarrier();
    let some = {{if .VEC}}16u{{else}}min(16u, p.dim - d0){{end}};
    for (var e = 0u; e < some; e = e + 4u) {
        let at_x = e * A_ROW + ty;
        let at_y = e * B_ROW + tx;
        {{- range $i := seq 4}}
        {
            let x = tile[at_x + {{$i}}u * A_ROW];
            {{- range $c := seq (div $.SCORES 4)}}
            let y{{$c}} = tile[at_y + X_AT + {{$i}}u * B_ROW + {{$c}}u * LANES];
            {{- end}}
            {{- range $m := seq $.SCORES}}
            {{$s}}{{$m}} = {{$s}}{{$m}} + x * y{{div $m 4}}.{{xyzw $m}};
            {{- end}}
        }
        {{- end}}
    }
    workgroupBarrier();
}
