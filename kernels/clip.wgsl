// norm = sqrt(sumsq), scale = min(1, max_norm / (norm + 1e-6)); a NaN stays.
// One invocation.

struct Params { max_norm: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> sumsq: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;

@compute @workgroup_size(1)
fn main() {
    let l = sqrt(sumsq[0]);
    let c = p.max_norm / (l + 0.000001);
    norm[0] = l;
    scale[0] = select(c, 1.0, c > 1.0);
}
