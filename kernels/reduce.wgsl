// Sums along the middle axis of x (outer, n, inner), in chunks of it:
//
//   out[c, o, i] = scale * sum of x[o, k, i] over the k of chunk c
//
// or with ADD, += instead. There are count = outer * inner results a chunk. A
// workgroup of 256 computes 256 / LANES results of one chunk; LANES invocations
// share a result, each sums every LANES-th element, and the partial sums are
// added as a tree in workgroup memory. With ROWS (inner is 1) the invocations of a result are
// neighbours, else neighbours have neighbouring results, so that loads are
// contiguous. groups workgroups a chunk; groups * chunks in all, folded.

struct Params { count: u32, n: u32, inner: u32, groups: u32, chunks: u32, scale: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

var<workgroup> part: array<f32, 256>; // [lane][result], [result][lane] with ROWS

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = wid.x + wid.y * nwg.x;
    let chunk = g / p.groups;
    let results = 256u / LANES;
    {{if .ROWS}}let lane = lid % LANES;
    let result = (g % p.groups) * results + lid / LANES;
    {{else}}let lane = lid / results;
    let result = (g % p.groups) * results + lid % results;
    {{end}}let live = result < p.count && chunk < p.chunks;

    var sum = 0.0;
    if (live) {
        let base = result / p.inner * p.n * p.inner + result % p.inner;
        let per_chunk = (p.n + p.chunks - 1u) / p.chunks;
        let end = min(p.n, (chunk + 1u) * per_chunk);
        var k = chunk * per_chunk + lane;
        let step = LANES * p.inner;
        for (; k + 3u * LANES < end; k = k + 4u * LANES) {
            let at = base + k * p.inner;
            sum = sum + ((x[at] + x[at + step]) + (x[at + 2u * step] + x[at + 3u * step]));
        }
        for (; k < end; k = k + LANES) {
            sum = sum + x[base + k * p.inner];
        }
    }
    part[lid] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            part[lid] = part[lid] + part[lid + half{{if not .ROWS}} * results{{end}}];
        }
        workgroupBarrier();
    }
    if (live && lane == 0u) {
        let i = chunk * p.count + result;
        out[i] = {{if .ADD}}out[i] + {{end}}p.scale * part[lid];
    }
}
