// Matrix product, batched:  out = act(op(A) op(B) + bias) + residual,  or
// out += op(A) op(B).
//
// A is (M,K), stored (K,M) with TRANS_A; B is (K,N), stored (N,K) with TRANS_B,
// as WEIGHT; bias (N); residual, out (M,N). Item g of a batch starts at
// g*stride_a, g*M*N, and at g*K*N if B is batched. Grid: (N/64, M/64, batch),
// rounded up.
//
// A workgroup of 16 x 16 computes a tile of 64 x 64, an invocation 4 x 4 of it
// in four named accumulators. Slices of 16 along K are staged in workgroup
// memory as vec4 over M and N, so that an inner step is two vec4 loads for 16
// multiply-adds. Loads are guarded and give 0 outside. The mapping of
// invocations to loads follows the storage order, so that neighbours read
// neighbouring addresses either way.

struct Params { m: u32, n: u32, k: u32, stride_a: u32, batched_b: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
{{include "packed" 2 "b" .WEIGHT}}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

var<workgroup> ta: array<vec4<f32>, 256>; // [k][m / 4]
var<workgroup> tb: array<vec4<f32>, 256>; // [k][n / 4]

fn load_a(base: u32, m: u32, k: u32) -> f32 {
    var v = 0.0;
    if (m < p.m && k < p.k) {
        v = a[base + select(m * p.k + k, k * p.m + m, TRANS_A)];
    }
    return v;
}

fn load_b(item: u32, k: u32, n: u32) -> f32 {
    var v = 0.0;
    if (n < p.n && k < p.k) {
        let height = select(p.k, p.n, TRANS_B);
        v = b_at(item * height + select(k, n, TRANS_B), select(n, k, TRANS_B), select(p.n, p.k, TRANS_B));
    }
    return v;
}

fn store(base: u32, m: u32, n: u32, v: f32) {
    if (m < p.m && n < p.n) {
        let i = base + m * p.n + n;
        var r = v;
        if (ADD) {
            r = r + out[i];
        }
        if (BIAS) {
            r = r + bias[n];
        }
        if (RELU) {
            r = select(r, 0.0, r < 0.0);
        }
        if (RESIDUAL) {
            r = r + residual[i];
        }
        out[i] = r;
    }
}

fn store4(base: u32, m: u32, n: u32, v: vec4<f32>) {
    store(base, m, n, v.x);
    store(base, m, n + 1u, v.y);
    store(base, m, n + 2u, v.z);
    store(base, m, n + 3u, v.w);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let base_a = wid.z * p.stride_a;
    let item_b = wid.z * p.batched_b;
    let m0 = wid.y * 64u;
    let n0 = wid.x * 64u;
    let tx = lid % 16u;
    let ty = lid / 16u;
    // Column of the slice and quad of the tile that this invocation loads.
    let ka = select(tx, ty, TRANS_A);
    let qa = select(ty, tx, TRANS_A);
    let kb = select(ty, tx, TRANS_B);
    let qb = select(tx, ty, TRANS_B);

    var acc0 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    var acc1 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    var acc2 = vec4<f32>(0.0, 0.0, 0.0, 0.0);
    var acc3 = vec4<f32>(0.0, 0.0, 0.0, 0.0);

    for (var k0 = 0u; k0 < p.k; k0 = k0 + 16u) {
        let ma = m0 + qa * 4u;
        let nb = n0 + qb * 4u;
        ta[ka * 16u + qa] = vec4<f32>(
            load_a(base_a, ma, k0 + ka), load_a(base_a, ma + 1u, k0 + ka),
            load_a(base_a, ma + 2u, k0 + ka), load_a(base_a, ma + 3u, k0 + ka));
        tb[kb * 16u + qb] = vec4<f32>(
            load_b(item_b, k0 + kb, nb), load_b(item_b, k0 + kb, nb + 1u),
            load_b(item_b, k0 + kb, nb + 2u), load_b(item_b, k0 + kb, nb + 3u));
        workgroupBarrier();
        {{range seq 16}}{
            let va = ta[{{.}}u * 16u + ty];
            let vb = tb[{{.}}u * 16u + tx];
            acc0 = acc0 + va.x * vb;
            acc1 = acc1 + va.y * vb;
            acc2 = acc2 + va.z * vb;
            acc3 = acc3 + va.w * vb;
        }
        {{end}}
        workgroupBarrier();
    }

    let base = wid.z * p.m * p.n;
    let m = m0 + ty * 4u;
    let n = n0 + tx * 4u;
    store4(base, m, n, acc0);
    store4(base, m + 1u, n, acc1);
    store4(base, m + 2u, n, acc2);
    store4(base, m + 3u, n, acc3);
}
