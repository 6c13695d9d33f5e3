// Attention of few queries, as in decoding: the keys are divided into parts of
// 256, one for each workgroup, which attention_combine.wgsl joins.
//
// q, out (B, queries, heads, dim); k, v (B, capacity, kv_heads, dim), of which
// keys rows are used; lengths (B) if masked; lse (B, heads, queries). A row
// is a query of a head, counted as in out. parts holds for each row and part
// the sum of exp(score - top) v (dim), top, and the sum of exp(score - top).
// With DIRECT there is one part, and out and lse are written at once. Grid:
// B * queries * heads * splits, folded.
//
// A workgroup of 256. Scores: 16 invocations share a key, so that they read
// neighbouring addresses, and 64 keys are done at a time; the 16 sums go
// through workgroup memory. Output: 32 invocations hold COLUMNS columns each of
// every eighth key.

struct Params {
    groups: u32, splits: u32,
    queries: u32, keys: u32, capacity: u32, heads: u32, kv_heads: u32, dim: u32,
    offset: i32, scale: f32, scale2: f32, minus_inf: f32, below: u32, keep: f32, items: u32, masked: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> lengths: array<i32>;
{{if .DIRECT}}
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;
{{else}}
@group(0) @binding(5) var<storage, read_write> parts: array<f32>;
{{end}}

var<workgroup> query: array<f32, {{mul 32 .COLUMNS}}>;
var<workgroup> scores: array<f32, 256>;
var<workgroup> reduce: array<f32, 256>;
// Sums of scores [key][tx], rows of 17; then sums of the output [part][column].
var<workgroup> sums: array<f32, {{.SUMS}}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    if (group >= p.groups) {
        return;
    }
    let row = group / p.splits;
    let h = row % p.heads;
    let i = (row / p.heads) % p.queries;
    let b = row / (p.heads * p.queries);
    var end = p.keys;
    if (p.masked != 0u) {
        end = min(end, u32(max(lengths[b], 0)));
    }
    // Without a causal mask the offset is beyond all keys.
    end = min(end, u32(max(i32(i) + p.offset + 1, 0)));
    // This part has n keys from j0 on.
    let j0 = (group % p.splits) * 256u;
    let n = min(max(end, j0) - j0, 256u);
    let stride = p.kv_heads * p.dim;
    let base = ((b * p.capacity + j0) * p.kv_heads + h / (p.heads / p.kv_heads)) * p.dim;

    for (var d = lid; d < p.dim; d = d + 256u) {
        query[d] = q[row * p.dim + d];
    }
    scores[lid] = -1.0e30;
    workgroupBarrier();

    let tx = lid % 16u;
    let ty = lid / 16u;
    for (var first = 0u; first < n; first = first + 64u) {
        {{range seq 4}}
        var s{{.}} = 0.0;
        let in{{.}} = first + {{mul 16 .}}u + ty < n;
        let at{{.}} = base + (first + {{mul 16 .}}u + ty) * stride;{{end}}
        for (var d = tx; d < p.dim; d = d + 16u) {
            let x = query[d];
            {{range seq 4}}
            if (in{{.}}) { s{{.}} = s{{.}} + x * k[at{{.}} + d]; }{{end}}
        }
        {{range seq 4}}
        sums[({{mul 16 .}}u + ty) * 17u + tx] = s{{.}};{{end}}
        workgroupBarrier();
        if (lid < 64u && first + lid < n) {
            var s = 0.0;
            for (var t = 0u; t < 16u; t = t + 1u) {
                s = s + sums[lid * 17u + t];
            }
            scores[first + lid] = s * p.scale;
        }
        workgroupBarrier();
    }

    // The maximum and the sum of the weights: sixteen columns of sixteen, then
    // the columns' results.
    reduce[lid] = scores[lid];
    workgroupBarrier();
    if (lid < 16u) {
        var m = reduce[lid];
        for (var t = 1u; t < 16u; t = t + 1u) {
            m = max(m, reduce[16u * t + lid]);
        }
        reduce[lid] = m;
    }
    workgroupBarrier();
    var top = reduce[0];
    for (var t = 1u; t < 16u; t = t + 1u) {
        top = max(top, reduce[t]);
    }
    workgroupBarrier();
    var w = 0.0;
    if (lid < n) {
        w = exp(scores[lid] - top);
    }
    scores[lid] = w;
    reduce[lid] = w;
    workgroupBarrier();
    if (lid < 16u) {
        var sum = reduce[lid];
        for (var t = 1u; t < 16u; t = t + 1u) {
            sum = sum + reduce[16u * t + lid];
        }
        reduce[lid] = sum;
    }
    workgroupBarrier();
    var total = reduce[0];
    for (var t = 1u; t < 16u; t = t + 1u) {
        total = total + reduce[t];
    }

    let lane = lid % 32u;
    let eighth = lid / 32u;
    {{range seq .COLUMNS}}
    var o{{.}} = 0.0;{{end}}
    for (var j = eighth; j < n; j = j + 8u) {
        let wj = scores[j];
        let at = base + j * stride + lane;
        {{range seq .COLUMNS}}
        if (lane + {{mul 32 .}}u < p.dim) { o{{.}} = o{{.}} + wj * v[at + {{mul 32 .}}u]; }{{end}}
    }
    {{range seq .COLUMNS}}
    if (lane + {{mul 32 .}}u < p.dim) { sums[eighth * p.dim + lane + {{mul 32 .}}u] = o{{.}}; }{{end}}
    workgroupBarrier();
    {{if .DIRECT}}
    let factor = 1.0 / select(1.0, total, n > 0u);
    let start = row * p.dim;
    {{else}}
    let factor = 1.0;
    let start = group * (p.dim + 2u);
    {{end}}
    for (var d = lid; d < p.dim; d = d + 256u) {
        var o = 0.0;
        for (var t = 0u; t < 8u; t = t + 1u) {
            o = o + sums[t * p.dim + d];
        }
        {{if .DIRECT}}out{{else}}parts{{end}}[start + d] = o * factor;
    }
    if (lid == 0u) {
        {{if .DIRECT}}
        var l = p.minus_inf;
        if (n > 0u) {
            l = top + log(total);
        }
        lse[(b * p.heads + h) * p.queries + i] = l;
        {{else}}
        parts[start + p.dim] = top;
        parts[start + p.dim + 1u] = select(0.0, total, n > 0u);
        {{end}}
    }
}
