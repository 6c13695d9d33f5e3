// Sums over the rows of chunks, for the gradient of batch norm: with h = (x -
// mean) / sqrt(var + eps) for x and dy (rows, c)
//
//   part_w[chunk, j] = sum of dy h,  part_b[chunk, j] = sum of dy
//
// A workgroup of 256 computes 256 / LANES columns of one chunk, LANES
// invocations a column. groups workgroups a chunk, folded.

struct Params { c: u32, rows: u32, groups: u32, chunks: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_w: array<f32>;
@group(0) @binding(6) var<storage, read_write> part_b: array<f32>;

var<workgroup> part: array<vec2<f32>, 256>; // [lane][column]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = wid.x + wid.y * nwg.x;
    let columns = 256u / LANES;
    let chunk = g / p.groups;
    let lane = lid / columns;
    let column = (g % p.groups) * columns + lid % columns;
    let live = column < p.c && chunk < p.chunks;

    var sum = vec2<f32>(0.0, 0.0);
    if (live) {
        let m = mean[column];
        let r = inverseSqrt(variance[column] + p.eps);
        let per_chunk = (p.rows + p.chunks - 1u) / p.chunks;
        let end = min(p.rows, (chunk + 1u) * per_chunk);
        for (var k = chunk * per_chunk + lane; k < end; k = k + LANES) {
            let d = dy[k * p.c + column];
            sum = sum + vec2<f32>(d * (x[k * p.c + column] - m) * r, d);
        }
    }
    part[lid] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            part[lid] = part[lid] + part[lid + half * columns];
        }
        workgroupBarrier();
    }
    if (live && lane == 0u) {
        part_w[chunk * p.c + column] = part[lid].x;
        part_b[chunk * p.c + column] = part[lid].y;
    }
}
