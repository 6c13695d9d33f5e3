// Layer norm, and with RMS root-mean-square norm, of the rows of x (rows, n):
//
//   y = (x - mean) * rstd * w + b      rstd = 1 / sqrt(var + eps)
//   y = x * rstd * w                   rstd = 1 / sqrt(mean(x^2) + eps)
//
// Bindings: x, w, b, y, mean, rstd; with RMS x, w, y, rstd.
//
// LANES neighbouring invocations share a row, 256 / LANES rows a workgroup.
// An invocation keeps its PER elements, every LANES-th of the row, in
// registers: x is read once, and the variance is summed around the mean. Sums
// over a row are trees in workgroup memory. Workgroups are folded.

struct Params { rows: u32, n: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
{{if .RMS}}
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
{{else}}
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> rstd: array<f32>;
{{end}}

var<workgroup> part: array<f32, 256>;

// Sum of v over the invocations that share a row. All must call it.
fn row_sum(lid: u32, v: f32) -> f32 {
    let lane = lid % LANES;
    part[lid] = v;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            part[lid] = part[lid] + part[lid + half];
        }
        workgroupBarrier();
    }
    let sum = part[lid - lane];
    workgroupBarrier();
    return sum;
}

fn load(base: u32, i: u32, live: bool) -> f32 {
    var v = 0.0;
    if (live && i < p.n) {
        v = x[base + i];
    }
    return v;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let lane = lid % LANES;
    let row = (wid.x + wid.y * nwg.x) * (256u / LANES) + lid / LANES;
    let live = row < p.rows;
    let base = row * p.n;
    let count = f32(p.n);

    {{range seq .PER}}let i{{.}} = lane + {{.}}u * LANES;
    {{end}}{{if .RMS}}{{range seq .PER}}let d{{.}} = load(base, i{{.}}, live);
    {{end}}{{else}}{{range seq .PER}}let x{{.}} = load(base, i{{.}}, live);
    {{end}}let m = row_sum(lid, 0.0{{range seq .PER}} + x{{.}}{{end}}) / count;
    {{range seq .PER}}let d{{.}} = select(0.0, x{{.}} - m, i{{.}} < p.n);
    {{end}}{{end}}let r = inverseSqrt(row_sum(lid, 0.0{{range seq .PER}} + d{{.}} * d{{.}}{{end}}) / count + p.eps);

    if (live) {
        {{range seq .PER}}if (i{{.}} < p.n) {
            {{if $.RMS}}y[base + i{{.}}] = d{{.}} * r * w[i{{.}}];{{else}}y[base + i{{.}}] = d{{.}} * r * w[i{{.}}] + b[i{{.}}];{{end}}
        }
        {{end}}if (lane == 0u) {
            {{if not .RMS}}mean[row] = m;
            {{end}}rstd[row] = r;
        }
    }
}
