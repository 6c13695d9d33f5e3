// Mean and variance of the columns of x, in chunks of rows, and the merging of
// chunks. Statistics (count, mean, sum of squared distances from the mean) are
// merged by the formula of Chan, Golub and LeVeque (1983), which does not
// cancel.
//
//   without MERGE  parts = rows of x (parts, c), each counting 1
//   with MERGE     parts = chunks with given means and squares (parts, c);
//                  per_part rows each, fewer in the last ones (rows in all)
//
// Writes means and squares (chunks, c); with FINAL (one chunk) the second is
// the biased variance. A workgroup of 256 computes 256 / LANES columns of one
// chunk, LANES invocations a column. groups workgroups a chunk, folded.

struct Params { c: u32, rows: u32, parts: u32, per_part: u32, groups: u32, chunks: u32 }

@group(0) @binding(0) var<uniform> p: Params;
{{if .MERGE}}
@group(0) @binding(1) var<storage, read> means: array<f32>;
@group(0) @binding(2) var<storage, read> squares: array<f32>;
@group(0) @binding(3) var<storage, read_write> out_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> out_squares: array<f32>;
{{else}}
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out_mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> out_squares: array<f32>;
{{end}}

var<workgroup> part: array<vec4<f32>, 256>; // [lane][column]: count, mean, squares

fn merged(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let count = a.x + b.x;
    // 0 / 1 for two empty sets; an empty set changes nothing.
    let share = b.x / max(count, 1.0);
    let delta = b.y - a.y;
    return vec4<f32>(count, a.y + delta * share, a.z + b.z + delta * delta * a.x * share, 0.0);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = wid.x + wid.y * nwg.x;
    let columns = 256u / LANES;
    let chunk = g / p.groups;
    let lane = lid / columns;
    let column = (g % p.groups) * columns + lid % columns;
    let live = column < p.c && chunk < p.chunks;

    var s = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    if (live) {
        let per_chunk = (p.parts + p.chunks - 1u) / p.chunks;
        let end = min(p.parts, (chunk + 1u) * per_chunk);
        for (var k = chunk * per_chunk + lane; k < end; k = k + LANES) {
            {{if .MERGE}}let first = min(p.rows, k * p.per_part);
            let count = f32(min(p.rows, first + p.per_part) - first);
            if (count > 0.0) {
                s = merged(s, vec4<f32>(count, means[k * p.c + column], squares[k * p.c + column], 0.0));
            }
            {{else}}s = merged(s, vec4<f32>(1.0, x[k * p.c + column], 0.0, 0.0));
            {{end}}
        }
    }
    part[lid] = s;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            part[lid] = merged(part[lid], part[lid + half * columns]);
        }
        workgroupBarrier();
    }
    if (live && lane == 0u) {
        let i = chunk * p.c + column;
        out_mean[i] = part[lid].y;
        out_squares[i] = part[lid].z{{if .FINAL}} / f32(p.rows){{end}};
    }
}
