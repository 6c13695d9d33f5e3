// Gradient of layer norm, and with RMS of root-mean-square norm, for x and dy
// (rows, n). With h = (x - mean) * rstd (RMS: x * rstd) and g = dy * w:
//
//   dx = rstd * (g - mean(g) - h * mean(g * h))      RMS: without mean(g)
//   dw = sum over rows of dy * h,  db = sum over rows of dy
//
// Bindings: x, w, mean, rstd, dy, dx, part_w, part_b; with RMS x, w, rstd, dy,
// dx, part_w. part_w and part_b (slots, n) are sums over some rows each; the
// reduce kernel adds them.
//
// LANES neighbouring invocations form a slot, 256 / LANES slots a workgroup. A
// slot takes turns rows, slots apart. A row is width units long: floats, or
// with VEC (n a multiple of 4) vectors of four. An invocation keeps PER = width
// / LANES units, rounded up, every LANES-th of the row, and its sums for dw and
// db in registers, so that x and dy are read once. w stays in registers too, but
// where the rest takes most of them. Workgroups are folded.
{{$units := mul .PER 5}}{{if .RMS}}{{$units = mul .PER 4}}{{end}}{{$keep := or (not .VEC) (le $units 20)}}{{$unit := "f32"}}{{$zero := "0.0"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{$zero = "vec4<f32>(0.0, 0.0, 0.0, 0.0)"}}{{end}}
struct Params { rows: u32, n: u32, width: u32, slots: u32, turns: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read> w: array<{{$unit}}>;
{{if .RMS}}
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<{{$unit}}>;
@group(0) @binding(5) var<storage, read_write> dx: array<{{$unit}}>;
@group(0) @binding(6) var<storage, read_write> part_w: array<{{$unit}}>;
{{else}}
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> rstd: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<{{$unit}}>;
@group(0) @binding(6) var<storage, read_write> dx: array<{{$unit}}>;
@group(0) @binding(7) var<storage, read_write> part_w: array<{{$unit}}>;
@group(0) @binding(8) var<storage, read_write> part_b: array<{{$unit}}>;
{{end}}

{{if .RMS}}{{template "row_sum" (set . "VALUES" (list "gh"))}}{{else}}{{template "row_sum" (set . "VALUES" (list "g" "gh"))}}{{end}}

fn total(v: {{$unit}}) -> f32 {
    return {{if .VEC}}(v.x + v.y) + (v.z + v.w){{else}}v{{end}};
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let lane = lid % LANES;
    let slot = (wid.x + wid.y * nwg.x) * (256u / LANES) + lid / LANES;
    let count = f32(p.n);

    // Only the last unit of an invocation may lie outside the row.
    {{$last := add .PER -1}}let inside = lane + {{$last}}u * LANES < p.width;
    {{range seq .PER}}let i{{.}} = {{if eq . $last}}min(lane + {{.}}u * LANES, p.width - 1u){{else}}lane + {{.}}u * LANES{{end}};
    {{if $keep}}let w{{.}} = w[i{{.}}];
    {{end}}var sum_w{{.}} = {{$zero}};
    {{if not $.RMS}}var sum_b{{.}} = {{$zero}};
    {{end}}{{end}}
    for (var turn = 0u; turn < p.turns; turn = turn + 1u) {
        let row = turn * p.slots + slot;
        let live = slot < p.slots && row < p.rows;
        let source = min(row, p.rows - 1u);
        let base = source * p.width;
        let r = rstd[source];
        {{if not .RMS}}let m = mean[source];
        {{end}}{{range seq .PER}}let ok{{.}} = {{if eq . $last}}live && inside{{else}}live{{end}};
        let h{{.}} = select({{$zero}}, {{if $.RMS}}x[base + i{{.}}] * r{{else}}(x[base + i{{.}}] - m) * r{{end}}, ok{{.}});
        let dy{{.}} = select({{$zero}}, dy[base + i{{.}}], ok{{.}});
        let g{{.}} = dy{{.}} * {{if $keep}}w{{.}}{{else}}w[i{{.}}]{{end}};
        sum_w{{.}} = sum_w{{.}} + dy{{.}} * h{{.}};
        {{if not $.RMS}}sum_b{{.}} = sum_b{{.}} + dy{{.}};
        {{end}}{{end}}
        let sum_gh = total({{$zero}}{{range seq .PER}} + g{{.}} * h{{.}}{{end}});
        {{if .RMS -}}
        let mean_gh = row_sum(lid, sum_gh) / count;
        {{- else -}}
        let means = row_sum(lid, total({{$zero}}{{range seq .PER}} + g{{.}}{{end}}), sum_gh) / count;
        let mean_gh = means.y;
        {{- end}}
        {{range seq .PER}}if (ok{{.}}) {
            dx[base + i{{.}}] = r * (g{{.}}{{if not $.RMS}} - means.x{{end}} - h{{.}} * mean_gh);
        }
        {{end}}
    }

    if (slot < p.slots) {
        {{range seq .PER}}{{if eq . $last}}if (inside) {
            {{end}}part_w[slot * p.width + i{{.}}] = sum_w{{.}};
        {{if not $.RMS}}part_b[slot * p.width + i{{.}}] = sum_b{{.}};
        {{end}}{{if eq . $last}}}
        {{end}}{{end}}
    }
}
