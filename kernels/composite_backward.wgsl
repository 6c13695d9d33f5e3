// Gradient of alpha compositing, one invocation a ray, 64 a workgroup, folded.
//
// With g_i = dL/dw_i: drgb_i = w_i dcolour and
// dsigma_i = dt_i (g_i T_{i+1} - sum_{j > i} g_j w_j). The sum behind a sample
// is the sum over the ray, taken first, less what lies in front.

struct Params { rays: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rgb: array<f32>;
@group(0) @binding(2) var<storage, read> sigma: array<f32>;
@group(0) @binding(3) var<storage, read> spans: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<i32>;
@group(0) @binding(5) var<storage, read> background: array<f32>;
@group(0) @binding(6) var<storage, read> dpixels: array<f32>;
@group(0) @binding(7) var<storage, read_write> drgb: array<f32>;
@group(0) @binding(8) var<storage, read_write> dsigma: array<f32>;

fn colour(i: u32) -> vec3<f32> {
    return vec3<f32>(rgb[3u * i], rgb[3u * i + 1u], rgb[3u * i + 2u]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let ray = (wid.x + wid.y * nwg.x) * 64u + lid;
    if (ray < p.rays) {
        let d = 5u * ray;
        let dc = vec3<f32>(dpixels[d], dpixels[d + 1u], dpixels[d + 2u]);
        let dopacity = dpixels[d + 3u];
        let ddepth = dpixels[d + 4u];
        var bg = vec3<f32>(0.0, 0.0, 0.0);
        if (BACKGROUND) {
            bg = vec3<f32>(background[3u * ray], background[3u * ray + 1u], background[3u * ray + 2u]);
        }
        let first = u32(offsets[ray]);
        let last = u32(offsets[ray + 1u]);
        var behind = 0.0;
        var optical = 0.0;
        for (var i = first; i < last; i = i + 1u) {
            let s = sigma[i] * (spans[2u * i + 1u] - spans[2u * i]);
            let w = exp(-optical) * (1.0 - exp(-s));
            optical = optical + s;
            behind = behind + w * (dopacity + ddepth * 0.5 * (spans[2u * i] + spans[2u * i + 1u]) + dot(dc, colour(i) - bg));
        }
        optical = 0.0;
        for (var i = first; i < last; i = i + 1u) {
            let dt = spans[2u * i + 1u] - spans[2u * i];
            let t = exp(-optical);
            let w = t * (1.0 - exp(-sigma[i] * dt));
            optical = optical + sigma[i] * dt;
            let g = dopacity + ddepth * 0.5 * (spans[2u * i] + spans[2u * i + 1u]) + dot(dc, colour(i) - bg);
            behind = behind - w * g;
            dsigma[i] = dt * (g * exp(-optical) - behind);
            drgb[3u * i] = w * dc.x;
            drgb[3u * i + 1u] = w * dc.y;
            drgb[3u * i + 2u] = w * dc.z;
        }
    }
}
