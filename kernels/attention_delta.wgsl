// What the gradient of attention needs to know of each query and item, in one
// buffer of words:
//
//   stats[2 r]             lse of row r times log2 e, as bits
//   stats[2 r + 1]         delta = sum over dim of dout * out, as bits
//   stats[2 rows + b]      keys in use of item b
//   stats[2 rows + items]  pcg(seed), the key of the dropout masks
//
// A row is a query in the order (B, heads, queries) of lse; out, dout
// (B, queries, heads, dim), with VEC dim a multiple of 4; lengths (B) if masked;
// seed (1) if dropout. A workgroup of 256 does 16 rows, 16 invocations each;
// folded over x and y.

struct Params { rows: u32, items: u32, queries: u32, heads: u32, dim: u32, keys: u32, masked: u32, dropout: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> out: array<{{template "attention_element" .}}>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<{{template "attention_element" .}}>;
@group(0) @binding(4) var<storage, read> lengths: array<i32>;
@group(0) @binding(5) var<storage, read> seed: array<u32>;
@group(0) @binding(6) var<storage, read_write> stats: array<u32>;

var<workgroup> sums: array<f32, 272>; // [row][tx], rows of 17

fn pcg(x: u32) -> u32 {
    let s = x * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    let tx = lid % 16u;
    let row = group * 16u + lid / 16u;
    var sum = 0.0;
    if (row < p.rows) {
        let i = row % p.queries;
        let h = (row / p.queries) % p.heads;
        let b = row / (p.queries * p.heads);
        let width = p.dim{{if .VEC}} / 4u{{end}};
        let base = ((b * p.queries + i) * p.heads + h) * width;
        for (var d = tx; d < width; d = d + 16u) {
            sum = sum + {{if .VEC}}dot(out[base + d], dout[base + d]){{else}}out[base + d] * dout[base + d]{{end}};
        }
    }
    sums[lid / 16u * 17u + tx] = sum;
    workgroupBarrier();
    if (tx == 0u && row < p.rows) {
        var delta = 0.0;
        for (var t = 0u; t < 16u; t = t + 1u) {
            delta = delta + sums[lid / 16u * 17u + t];
        }
        stats[2u * row] = bitcast<u32>(lse[row] * 1.4426950408889634);
        stats[2u * row + 1u] = bitcast<u32>(delta);
    }
    if (group == 0u) {
        for (var b = lid; b < p.items; b = b + 256u) {
            var used = p.keys;
            if (p.masked != 0u) {
                used = min(used, u32(max(lengths[b], 0)));
            }
            stats[2u * p.rows + b] = used;
        }
        if (lid == 0u) {
            var key = 0u;
            if (p.dropout != 0u) {
                key = pcg(seed[0]);
            }
            stats[2u * p.rows + p.items] = key;
        }
    }
}
