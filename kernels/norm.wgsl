// Layer norm, and with RMS root-mean-square norm, of the rows of x (rows, n):
//
//   y = (x - mean) * rstd * w + b      rstd = 1 / sqrt(var + eps)
//   y = x * rstd * w                   rstd = 1 / sqrt(mean(x^2) + eps)
//
// Bindings: x, w, b, y, mean, rstd; with RMS x, w, y, rstd.
//
// LANES neighbouring invocations share a row, 256 / LANES rows a workgroup. A
// row is width units long: floats, or with VEC (n a multiple of 4) vectors of
// four. An invocation keeps PER = width / LANES units, rounded up, every
// LANES-th of the row, in registers: x is read once, and the variance is summed
// around the mean. Sums over a row go through workgroup memory (norm.tmpl).
// Workgroups are folded.
{{$unit := "f32"}}{{$zero := "0.0"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{$zero = "vec4<f32>(0.0, 0.0, 0.0, 0.0)"}}{{end}}
struct Params { rows: u32, n: u32, width: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<{{$unit}}>;
@group(0) @binding(2) var<storage, read> w: array<{{$unit}}>;
{{if .RMS}}
@group(0) @binding(3) var<storage, read_write> y: array<{{$unit}}>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
{{else}}
@group(0) @binding(3) var<storage, read> b: array<{{$unit}}>;
@group(0) @binding(4) var<storage, read_write> y: array<{{$unit}}>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> rstd: array<f32>;
{{end}}

{{template "row_sum" (set . "VALUES" (list "v"))}}

fn total(v: {{$unit}}) -> f32 {
    return {{if .VEC}}(v.x + v.y) + (v.z + v.w){{else}}v{{end}};
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let lane = lid % LANES;
    let row = (wid.x + wid.y * nwg.x) * (256u / LANES) + lid / LANES;
    let base = min(row, p.rows - 1u) * p.width;
    let count = f32(p.n);

    // Only the last unit of an invocation may lie outside the row.
    {{$last := add .PER -1}}{{range seq $last}}let i{{.}} = lane + {{.}}u * LANES;
    let x{{.}} = x[base + i{{.}}];
    {{end}}let inside = lane + {{$last}}u * LANES < p.width;
    let i{{$last}} = min(lane + {{$last}}u * LANES, p.width - 1u);
    let x{{$last}} = select({{$zero}}, x[base + i{{$last}}], inside);
    {{if .RMS}}
    let r = inverseSqrt(row_sum(lid, total({{$zero}}{{range seq .PER}} + x{{.}} * x{{.}}{{end}})) / count + p.eps);
    {{else}}
    let m = row_sum(lid, total({{$zero}}{{range seq .PER}} + x{{.}}{{end}})) / count;
    {{range seq $last}}let d{{.}} = x{{.}} - m;
    {{end}}let d{{$last}} = select({{$zero}}, x{{$last}} - m, inside);
    let r = inverseSqrt(row_sum(lid, total({{$zero}}{{range seq .PER}} + d{{.}} * d{{.}}{{end}})) / count + p.eps);
    {{end}}
    if (row < p.rows) {
        {{range seq .PER}}{{if eq . $last}}if (inside) {
            {{end}}y[base + i{{.}}] = {{if $.RMS}}x{{.}} * r * w[i{{.}}]{{else}}d{{.}} * r * w[i{{.}}] + b[i{{.}}]{{end}};
        {{if eq . $last}}}
        {{end}}{{end}}if (lane == 0u) {
            {{if not .RMS}}mean[row] = m;
            {{end}}rstd[row] = r;
        }
    }
}
