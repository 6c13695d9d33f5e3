// Tri-plane sampling: features[b][i][c] = sum over three planes of the bilinear
// sample of tokens[b] at points[b][i].
//
// tokens (B, 3 r r, channels), points (B, points, 3) in [-1, 1], output
// (B, points, channels). One invocation an output element, channels fastest,
// so that the twelve reads are contiguous among neighbours; 256 a workgroup,
// folded.

struct Params { n: u32, points: u32, r: u32, channels: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> tokens: array<f32>;
@group(0) @binding(2) var<storage, read> points: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

fn tap(base: u32, col: i32, row: i32, w: f32) -> f32 {
    var v = 0.0;
    let r = i32(p.r);
    if (col >= 0 && row >= 0 && col < r && row < r) {
        v = w * tokens[base + u32(row * r + col) * p.channels];
    }
    return v;
}

// base is the index of the channel in the plane's first token.
fn plane(base: u32, s: f32, t: f32) -> f32 {
    // Far outside, the clamp keeps the conversion to integers defined.
    let scale = f32(p.r - 1u);
    let x = clamp((s + 1.0) * 0.5 * scale, -2.0, scale + 2.0);
    let y = clamp((t + 1.0) * 0.5 * scale, -2.0, scale + 2.0);
    let fx = floor(x);
    let fy = floor(y);
    let wx = x - fx;
    let wy = y - fy;
    let col = i32(fx);
    let row = i32(fy);
    return tap(base, col, row, (1.0 - wx) * (1.0 - wy)) + tap(base, col + 1, row, wx * (1.0 - wy))
        + tap(base, col, row + 1, (1.0 - wx) * wy) + tap(base, col + 1, row + 1, wx * wy);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        let c = i % p.channels;
        let point = i / p.channels;
        let b = point / p.points;
        let area = p.r * p.r * p.channels;
        let base = b * 3u * area + c;
        let x = points[3u * point];
        let y = points[3u * point + 1u];
        let z = points[3u * point + 2u];
        out[i] = plane(base, x, y) + plane(base + area, x, z) + plane(base + 2u * area, y, z);
    }
}
