// Partial sums over all n elements of a function of them:
//
//   KIND 0  a^2
//   KIND 1  smooth L1 of d = a - b: d^2 / 2 where |d| < 1, else |d| - 1/2
//   KIND 2  binary cross entropy of the logit a and the target b
//   KIND 3  the same times the weight c
//
// Bindings: a, b (not for KIND 0), c (KIND 3 only), part (groups). Workgroup g sums elements 256 g
// + 0..255 and every 256 * groups further on; its invocations' sums are added
// as a tree. The reduce kernel adds the parts. groups is at most 1024.

struct Params { n: u32, groups: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
{{if eq .KIND 0}}
@group(0) @binding(2) var<storage, read_write> part: array<f32>;
{{else if eq .KIND 3}}
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read_write> part: array<f32>;
{{else}}
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> part: array<f32>;
{{end}}

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    var sum = 0.0;
    for (var i = wid.x * 256u + lid; i < p.n; i = i + 256u * p.groups) {
        {{if eq .KIND 0}}
        sum = sum + a[i] * a[i];
        {{else if eq .KIND 1}}
        let d = a[i] - b[i];
        sum = sum + select(0.5 * d * d, abs(d) - 0.5, abs(d) >= 1.0);
        {{else}}
        let x = a[i];
        let loss = select(0.0, x, x > 0.0) - x * b[i] + log(1.0 + exp(-abs(x)));
        {{if eq .KIND 3}}sum = sum + c[i] * loss;{{else}}sum = sum + loss;{{end}}
        {{end}}
    }
    sums[lid] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if (lid < half) {
            sums[lid] = sums[lid] + sums[lid + half];
        }
        workgroupBarrier();
    }
    if (lid == 0u) {
        part[wid.x] = sums[0];
    }
}
