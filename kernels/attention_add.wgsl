{{- /*
Included behind attention_weighted.wgsl: adds rows 0 .. N - 1 times weights to
o0 .., and the weights to total, each times FACTOR(FIRST + row) if there is one.
Arguments: the rows' array, N, where they start and how far they are apart, in
units; FACTOR and FIRST, or two empty texts.
*/ -}}
{{- $x := index .Args 0}}{{- $n := index .Args 1}}{{- $base := index .Args 2}}{{- $stride := index .Args 3}}{{- $factor := index .Args 4}}{{- $first := index .Args 5}}
var j = team;
for (; j + 3u * TEAMS < {{$n}}; j = j + 4u * TEAMS) {
    {{- range $m := seq 4}}
    let w{{$m}} = weights[j + {{$m}}u * TEAMS];
    let at{{$m}} = {{$base}} + (j + {{$m}}u * TEAMS) * {{$stride}} + span;
    total = total + w{{$m}}{{with $factor}} * {{.}}({{$first}} + j + {{$m}}u * TEAMS){{end}};
    {{- end}}
    {{- range $c := seq .COLUMNS}}
    if (span + {{$c}}u * SPAN < width) {
        {{- range $m := seq 4}}
        o{{$c}} = o{{$c}} + w{{$m}} * {{$x}}[at{{$m}} + {{$c}}u * SPAN];
        {{- end}}
    }
    {{- end}}
}
for (; j < {{$n}}; j = j + TEAMS) {
    let w = weights[j];
    let at = {{$base}} + j * {{$stride}} + span;
    total = total + w{{with $factor}} * {{.}}({{$first}} + j){{end}};
    {{- range $c := seq .COLUMNS}}
    if (span + {{$c}}u * SPAN < width) {
        o{{$c}} = o{{$c}} + w * {{$x}}[at + {{$c}}u * SPAN];
    }
    {{- end}}
}
