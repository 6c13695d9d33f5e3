{{- /*
Included by the attention shaders for few queries, whose workgroups of 256 sum up
to 256 rows of units times weights: SPAN invocations, a team, take COLUMNS units
each of a row, and the 256 / SPAN teams every so many-th row. A unit is a number,
or with VEC four.
Argument: how many units of_teams must have at least, for other uses.
*/ -}}
{{- $unit := "f32"}}{{$zero := "0.0"}}
{{- if .VEC}}{{$unit = "vec4<f32>"}}{{$zero = "vec4<f32>(0.0, 0.0, 0.0, 0.0)"}}{{end}}
const TEAMS: u32 = 256u / SPAN;
var<workgroup> weights: array<f32, 256>;
var<workgroup> high: array<vec4<f32>, 64>;
var<workgroup> highs: array<vec4<f32>, 4>;
var<workgroup> of_teams: array<{{$unit}}, {{max (index .Args 0) (mul 256 .COLUMNS)}}>; // [team][unit]
var<workgroup> totals: array<f32, TEAMS>;

// largest returns the largest x of all invocations.
fn largest(lid: u32, x: f32) -> f32 {
    high[lid / 4u][lid % 4u] = x;
    workgroupBarrier();
    if (lid < 16u) {
        let h = max(max(high[4u * lid], high[4u * lid + 1u]), max(high[4u * lid + 2u], high[4u * lid + 3u]));
        highs[lid / 4u][lid % 4u] = max(max(h.x, h.y), max(h.z, h.w));
    }
    workgroupBarrier();
    let h = max(max(highs[0], highs[1]), max(highs[2], highs[3]));
    return max(max(h.x, h.y), max(h.z, h.w));
}

// joined returns the teams' sum of a unit.
fn joined(unit: u32) -> {{$unit}} {
    var o = {{$zero}};
    for (var t = 0u; t < TEAMS; t = t + 1u) {
        o = o + of_teams[t * SPAN * {{.COLUMNS}}u + unit];
    }
    return o;
}
