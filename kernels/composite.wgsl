// Alpha compositing of the samples of each ray, front to back, over a
// background. One invocation a ray, 64 a workgroup, folded.
//
// w = T (1 - exp(-sigma dt)); T = exp(-sum of sigma dt in front);
// pixel = (sum w rgb + background (1 - sum w), sum w, sum w depth). A ray ends
// where T falls below min_transmittance. spans (S, 2): start and end.

struct Params { rays: u32, min_transmittance: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rgb: array<f32>;
@group(0) @binding(2) var<storage, read> sigma: array<f32>;
@group(0) @binding(3) var<storage, read> spans: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<i32>;
@group(0) @binding(5) var<storage, read> background: array<f32>;
@group(0) @binding(6) var<storage, read_write> pixels: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let ray = (wid.x + wid.y * nwg.x) * 64u + lid;
    if (ray < p.rays) {
        var c = vec3<f32>(0.0, 0.0, 0.0);
        var opacity = 0.0;
        var depth = 0.0;
        var optical = 0.0;
        let last = u32(offsets[ray + 1u]);
        for (var i = u32(offsets[ray]); i < last; i = i + 1u) {
            let t = exp(-optical);
            if (t < p.min_transmittance) {
                break;
            }
            let start = spans[2u * i];
            let end = spans[2u * i + 1u];
            let s = sigma[i] * (end - start);
            let w = t * (1.0 - exp(-s));
            optical = optical + s;
            c = c + w * vec3<f32>(rgb[3u * i], rgb[3u * i + 1u], rgb[3u * i + 2u]);
            opacity = opacity + w;
            depth = depth + w * (start + end) * 0.5;
        }
        if (BACKGROUND) {
            c = c + (1.0 - opacity) * vec3<f32>(background[3u * ray], background[3u * ray + 1u], background[3u * ray + 2u]);
        }
        pixels[5u * ray] = c.x;
        pixels[5u * ray + 1u] = c.y;
        pixels[5u * ray + 2u] = c.z;
        pixels[5u * ray + 3u] = opacity;
        pixels[5u * ray + 4u] = depth;
    }
}
