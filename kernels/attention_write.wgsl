{{- /*
Included by the tiled attention shaders: writes the invocation's rows that are
below END: O times factor, a vec4 over the rows.
Arguments: the array of the output; its variables' name O; END.
*/ -}}
{{- $out := index .Args 0}}{{- $o := index .Args 1}}{{- $end := index .Args 2}}
{{- range $r := seq 4}}
if (first_a + 4u * ty + {{$r}}u < {{$end}}) {
    let at = base_a + (first_a + 4u * ty + {{$r}}u) * stride_a;
    {{- range $c := seq $.QUADS}}
    {
        let d = column + 4u * (LANES * {{$c}}u + tx);
        let x = {{$o}}{{$c}}{{$r}} * factor.{{xyzw $r}};
        {{- if $.VEC}}
        if (d < p.dim) { {{$out}}[at + d / 4u] = x; }
        {{- else}}
        {{- range $i := seq 4}}
        if (d + {{$i}}u < p.dim) { {{$out}}[at + d + {{$i}}u] = x.{{xyzw $i}}; }
        {{- end}}
        {{- end}}
    }
    {{- end}}
    {{- if $.PAIRS}}
    {
        let d = column + 4u * LANES * QUADS + 2u * tx;
        let x = {{$o}}p{{$r}} * factor.{{xyzw $r}};
        if (d < p.dim) { {{$out}}[at + d] = x.x; }
        if (d + 1u < p.dim) { {{$out}}[at + d + 1u] = x.y; }
    }
    {{- end}}
}
{{- end}}
