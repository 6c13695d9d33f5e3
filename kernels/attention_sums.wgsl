{{- /*
Included by the tiled attention shaders: declares the variables of an output,
0 at first: Ocr for vec4 c of row r, and Opr for its pair.
Argument: their name O.
*/ -}}
{{- $o := index .Args 0}}
{{- range $r := seq 4}}
{{- range $c := seq $.QUADS}}
var {{$o}}{{$c}}{{$r}} = vec4<f32>(0.0, 0.0, 0.0, 0.0);
{{- end}}
{{- if $.PAIRS}}
var {{$o}}p{{$r}} = vec2<f32>(0.0, 0.0);
{{- end}}
{{- end}}
