{{- /*
Included behind attention_weighted.wgsl: makes total that of all teams, and
prepares joined.
*/ -}}
{{- range $c := seq .COLUMNS}}
of_teams[team * SPAN * {{$.COLUMNS}}u + {{$c}}u * SPAN + span] = o{{$c}};
{{- end}}
if (span == 0u) {
    totals[team] = total;
}
workgroupBarrier();
total = 0.0;
for (var t = 0u; t < TEAMS; t = t + 1u) {
    total = total + totals[t];
}
