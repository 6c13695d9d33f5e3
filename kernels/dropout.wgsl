// Dropout:  y[i] = x[i] * scale if hash2(seed, i) >= below, else 0.
//
// x, y (n), seed (1). One invocation an element, workgroups of 256, folded
// over x and y.

struct Params { n: u32, below: u32, scale: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn pcg(v: u32) -> u32 {
    let s = v * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

fn hash2(key: u32, counter: u32) -> u32 {
    return pcg(counter + pcg(key));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        var v = 0.0;
        if (hash2(seed[0], i) >= p.below) {
            v = x[i] * p.scale;
        }
        y[i] = v;
    }
}
