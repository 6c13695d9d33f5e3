// Gradient of tri-plane sampling with respect to the tokens.
//
// There is no float atomic to scatter with, and sums in any order would not be
// repeatable. So each cell gathers: a workgroup of 64 owns one token and 64 of
// its channels. In chunks of 64 points, each invocation computes one point's
// bilinear weight for this token; then
// every invocation adds the few points of weight not zero to its channel, in
// their order.
//
// points (B, points, 3), dfeatures (B, points, channels), output
// (B, 3 r r, channels). Grid: B * 3 r r * ceil(channels / 64), folded.

struct Params { groups: u32, blocks: u32, points: u32, r: u32, channels: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(2) var<storage, read> dfeatures: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

var<workgroup> weights: array<f32, 64>;

fn hat(coordinate: f32, index: u32) -> f32 {
    let x = (coordinate + 1.0) * 0.5 * f32(p.r - 1u);
    return max(0.0, 1.0 - abs(x - f32(index)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    let busy = group < p.groups;
    let cell = group / p.blocks;
    let channel = (group % p.blocks) * 64u + lid;
    let area = p.r * p.r;
    let b = cell / (3u * area);
    let plane = (cell / area) % 3u;
    let row = (cell % area) / p.r;
    let col = cell % p.r;
    let col_axis = select(0u, 1u, plane == 2u);
    let row_axis = select(2u, 1u, plane == 0u);

    var sum = 0.0;
    for (var first = 0u; first < p.points; first = first + 64u) {
        var w = 0.0;
        if (busy && first + lid < p.points) {
            let at = (b * p.points + first + lid) * 3u;
            w = hat(points[at + col_axis], col) * hat(points[at + row_axis], row);
        }
        weights[lid] = w;
        workgroupBarrier();
        for (var i = 0u; i < 64u; i = i + 1u) {
            let wi = weights[i];
            if (wi != 0.0 && busy && channel < p.channels) {
                sum = sum + wi * dfeatures[(b * p.points + first + i) * p.channels + channel];
            }
        }
        workgroupBarrier();
    }
    if (busy && channel < p.channels) {
        out[cell * p.channels + channel] = sum;
    }
}
