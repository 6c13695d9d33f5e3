// Joins the parts of attention_split.wgsl: out is the sum of the parts' outputs
// scaled to a common maximum, over the sum of their weights.
//
// parts (rows, splits, dim + 2); out (rows, dim), a row being a query of a head
// in the order (B, queries, heads); lse (B, heads, queries). A workgroup of 64
// for each row, folded over x and y.

struct Params { rows: u32, splits: u32, dim: u32, heads: u32, queries: u32, minus_inf: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let row = wid.x + wid.y * nwg.x;
    if (row < p.rows) {
        let width = p.dim + 2u;
        let base = row * p.splits * width;
        var top = -1.0e30;
        for (var s = 0u; s < p.splits; s = s + 1u) {
            top = max(top, parts[base + s * width + p.dim]);
        }
        var total = 0.0;
        var seen = false;
        for (var s = 0u; s < p.splits; s = s + 1u) {
            let at = base + s * width + p.dim;
            total = total + parts[at + 1u] * exp(parts[at] - top);
            // A part without keys has the sum 0; one with NaN has not.
            seen = seen || bitcast<u32>(parts[at + 1u]) != 0u;
        }
        let divisor = select(1.0, total, seen);
        for (var d = lid; d < p.dim; d = d + 64u) {
            var o = 0.0;
            for (var s = 0u; s < p.splits; s = s + 1u) {
                let at = base + s * width;
                o = o + parts[at + d] * exp(parts[at + p.dim] - top);
            }
            out[row * p.dim + d] = o / divisor;
        }
        if (lid == 0u) {
            let h = row % p.heads;
            let i = (row / p.heads) % p.queries;
            let b = row / (p.heads * p.queries);
            lse[(b * p.heads + h) * p.queries + i] = select(p.minus_inf, top + log(divisor), seen);
        }
    }
}
