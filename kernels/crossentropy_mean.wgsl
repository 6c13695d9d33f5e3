// Mean of the rows' losses over the labels that count, those in [0, width):
// loss = sum(losses) / max(count, 1).
//
// labels, losses (rows); loss, count (1). One workgroup of 256.

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> count: array<u32>;

var<workgroup> sums: array<f32, 256>;
var<workgroup> counts: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lid: u32) {
    var sum = 0.0;
    var n = 0u;
    for (var i = lid; i < p.rows; i = i + 256u) {
        sum = sum + losses[i];
        n = n + select(0u, 1u, bitcast<u32>(labels[i]) < p.width);
    }
    sums[lid] = sum;
    counts[lid] = n;
    workgroupBarrier();
    if (lid < 16u) {
        for (var i = lid + 16u; i < 256u; i = i + 16u) {
            sum = sum + sums[i];
            n = n + counts[i];
        }
        sums[lid] = sum;
        counts[lid] = n;
    }
    workgroupBarrier();
    if (lid == 0u) {
        for (var i = 1u; i < 16u; i = i + 1u) {
            sum = sum + sums[i];
            n = n + counts[i];
        }
        loss[0] = sum / f32(max(n, 1u));
        count[0] = n;
    }
}
