// Ray marching through an occupancy grid with constant steps, after nerfacc
// 0.3.5: counts samples (WRITE false) or writes them from offsets[ray] on.
//
// origins, directions (rays, 3); grid of res^3 cells; jitter (rays) in steps.
// Additions go in the order of the reference, because the number of samples
// depends on their rounding. One invocation a ray, 64 a workgroup, folded.

struct Params { rays: u32, res: u32, half_edge: f32, dt: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> origins: array<f32>;
@group(0) @binding(2) var<storage, read> directions: array<f32>;
@group(0) @binding(3) var<storage, read> grid: array<i32>;
@group(0) @binding(4) var<storage, read> jitter: array<f32>;
{{if .WRITE}}
@group(0) @binding(5) var<storage, read> offsets: array<i32>;
@group(0) @binding(6) var<storage, read_write> rays: array<i32>;
@group(0) @binding(7) var<storage, read_write> spans: array<f32>;
{{else}}
@group(0) @binding(5) var<storage, read_write> counts: array<i32>;
{{end}}

// Where the ray enters and leaves the box; (1e10, 1e10) if it misses. A
// component of 0 is inside its slab always or never.
fn enter(o: vec3<f32>, d: vec3<f32>) -> vec2<f32> {
    var lo = 0.0;
    var hi = 1e10;
    for (var a = 0u; a < 3u; a = a + 1u) {
        if (d[a] == 0.0) {
            if (abs(o[a]) > p.half_edge) {
                hi = -1.0;
            }
        } else {
            let t0 = (-p.half_edge - o[a]) * (1.0 / d[a]);
            let t1 = (p.half_edge - o[a]) * (1.0 / d[a]);
            lo = max(lo, min(t0, t1));
            hi = min(hi, max(t0, t1));
        }
    }
    return select(vec2<f32>(1e10, 1e10), vec2<f32>(lo, hi), lo < hi);
}

fn unit(o: vec3<f32>, d: vec3<f32>, t: f32) -> vec3<f32> {
    return (o + t * d + vec3<f32>(p.half_edge, p.half_edge, p.half_edge)) / (2.0 * p.half_edge);
}

fn occupied(u: vec3<f32>) -> bool {
    if (u.x < 0.0 || u.x > 1.0 || u.y < 0.0 || u.y > 1.0 || u.z < 0.0 || u.z > 1.0) {
        return false;
    }
    let top = p.res - 1u;
    let r = f32(p.res);
    let x = min(u32(u.x * r), top);
    let y = min(u32(u.y * r), top);
    let z = min(u32(u.z * r), top);
    return grid[(x * p.res + y) * p.res + z] != 0;
}

// Distance along the ray to the next cell boundary, not below 0.
fn to_next_cell(u: vec3<f32>, d: vec3<f32>) -> f32 {
    var nearest = 1e30;
    for (var a = 0u; a < 3u; a = a + 1u) {
        if (d[a] != 0.0) {
            let v = u[a] * f32(p.res);
            let edge = floor(v + 0.5 + select(0.5, -0.5, d[a] < 0.0));
            nearest = min(nearest, (edge - v) * (1.0 / d[a]) / f32(p.res) * (2.0 * p.half_edge));
        }
    }
    return max(nearest, 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let ray = (wid.x + wid.y * nwg.x) * 64u + lid;
    if (ray < p.rays) {
        let o = vec3<f32>(origins[3u * ray], origins[3u * ray + 1u], origins[3u * ray + 2u]);
        let d = vec3<f32>(directions[3u * ray], directions[3u * ray + 1u], directions[3u * ray + 2u]);
        let span = enter(o, d);
        var n = 0;
        {{if .WRITE}}
        let first = offsets[ray];
        let room = offsets[ray + 1u] - first;
        {{end}}
        var t0 = span.x;
        if (JITTER) {
            t0 = t0 + jitter[ray] * p.dt;
        }
        var t1 = t0 + p.dt;
        var mid = (t0 + t1) * 0.5;
        while (mid < span.y) {
            var hit = true;
            if (GRID) {
                hit = occupied(unit(o, d, mid));
            }
            if (hit) {
                {{if .WRITE}}
                if (n < room) {
                    rays[first + n] = i32(ray);
                    spans[2 * (first + n)] = t0;
                    spans[2 * (first + n) + 1] = t1;
                }
                {{end}}
                n = n + 1;
                t0 = t1;
                t1 = t0 + p.dt;
                mid = (t0 + t1) * 0.5;
            } else {
                let goal = min(mid + to_next_cell(unit(o, d, mid), d), span.y);
                mid = mid + p.dt;
                while (mid < goal) {
                    mid = mid + p.dt;
                }
                t0 = mid - p.dt * 0.5;
                t1 = mid + p.dt * 0.5;
            }
        }
        {{if .WRITE}}{{else}}counts[ray] = n;{{end}}
    }
}
