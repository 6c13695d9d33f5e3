// The gradient of NeRF networks' activations, from the outputs to the first
// hidden layer: dx = (W^T dz) where x > 0.
//
// u, weights, drgb and dsigma are those of nerf_field_backward; hidden and
// outputs are what nerffield.wgsl saved of the pass. dhidden (layers, rows,
// Width) is the gradient of what goes into each ReLU, doutputs (rows, 4) that of
// y; the exponential's is clamped at exp(15). Grid: a workgroup for each 32 points
// of each network, folded; nerffield.tmpl tells how they are computed.
{{template "field_params" set . "MORE" ""}}
{{- template "field_rows" dict "BINDING" 2 "NAME" "weights" "VEC" .VEC "WRITE" false}}
@group(0) @binding(3) var<storage, read> drgb: array<f32>;
@group(0) @binding(4) var<storage, read> dsigma: array<f32>;
{{- template "field_rows" dict "BINDING" 5 "NAME" "hidden" "VEC" .VEC "WRITE" false}}
@group(0) @binding(6) var<storage, read> outputs: array<f32>;
{{- template "field_rows" dict "BINDING" 7 "NAME" "dhidden" "VEC" .VEC "WRITE" true}}
@group(0) @binding(8) var<storage, read_write> doutputs: array<f32>;

var<workgroup> block: array<vec4<f32>, 512>;
var<workgroup> slice: array<vec4<f32>, 256>;

// output_gradient returns that of output c of a point.
fn output_gradient(network: u32, point: u32, saved: u32, c: u32) -> f32 {
    let row = network * p.total + p.first + point;
    let y = outputs[4u * saved + c];
    if (c < 3u) {
        let s = 1.0 / (1.0 + exp(-y));
        return drgb[3u * row + c] * select(s * (1.0 - s), 1.0, p.raw != 0u);
    }
    let i = position(network, point);
    let within = u[i] > 0.0 && u[i] < 1.0 && u[i + 1u] > 0.0 && u[i + 1u] < 1.0 && u[i + 2u] > 0.0 && u[i + 2u] < 1.0;
    let d = dsigma[row];
    return select(select(0.0, d * exp(min(y - 1.0, 15.0)), within), d, p.raw != 0u);
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let blocks = (p.n + 31u) / 32u;
    let id = wid.x + wid.y * nwg.x;
    if (id >= p.rows / p.n * blocks) {
        return;
    }
    let local = id / blocks;
    let first = id % blocks * 32u;
    let network = p.network + local;
    let tx = lid % 16u;
    let ty = lid / 16u;
    {
        let point = lid % 32u;
        let c = lid / 32u;
        let at = min(first + point, p.n - 1u);
        let saved = local * p.n + at;
        let d = output_gradient(network, at, saved, c);
        block[c * 8u + point / 4u][point % 4u] = d;
        if (lid < 96u) { // to a whole slice
            block[32u + lid] = vec4<f32>(0.0);
        }
        if (first + point < p.n) {
            doutputs[4u * saved + c] = d;
        }
    }

    // What this invocation brings of a slice: quad tx of rows ty and ty + 8.
    let slices = (p.width + 15u) / 16u;
    let count = 1u + (p.hidden - 1u) * slices;
    var layer = p.hidden; // whose matrix is used
    var k0 = 0u;
    var start = network * p.len + p.out;
    var height = 4u;
    var w0 = weights_quad(start + min(ty, 3u) * p.width, tx);
    var w1 = weights_quad(start + min(ty + 8u, 3u) * p.width, tx);
    {{range $r := seq 4}}var c{{$r}} = vec4<f32>(0.0);
    {{end}}
    for (var s = 0u; s < count; s = s + 1u) {
        w0 = select(vec4<f32>(0.0), w0, vec4<bool>(k0 + ty < height));
        w1 = select(vec4<f32>(0.0), w1, vec4<bool>(k0 + ty + 8u < height));
        workgroupBarrier();
        slice[ty * 16u + (tx ^ (ty / 4u * 2u))] = w0;
        slice[ty * 16u + 128u + (tx ^ (ty / 4u * 2u + 4u))] = w1;
        workgroupBarrier();
        // The next slice.
        let last = k0 + 16u >= height;
        let next = select(k0 + 16u, 0u, last);
        let next_start = select(start, start - p.width * p.width, last);
        let next_height = select(height, p.width, last);
        if (s + 1u < count) {
            w0 = weights_quad(next_start + min(next + ty, next_height - 1u) * p.width, tx);
            w1 = weights_quad(next_start + min(next + ty + 8u, next_height - 1u) * p.width, tx);
        }
        {{template "field_multiply"}}
        if (last) {
            workgroupBarrier();
            let columns = vec4<u32>(4u * tx) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.width);
            {{range $r := seq 4}}{
                let point = first + 4u * ty + {{$r}}u;
                let row = ((layer - 1u) * p.rows + local * p.n + min(point, p.n - 1u)) * p.width;
                c{{$r}} = select(vec4<f32>(0.0), c{{$r}}, hidden_quad(row, tx) > vec4<f32>(0.0));
                c{{$r}} = select(vec4<f32>(0.0), c{{$r}}, columns);
                if (point < p.n) {
                    dhidden_store(row, tx, c{{$r}});
                }
            }
            {{end -}}
            {{template "field_keep"}}
            layer = layer - 1u;
        }
        k0 = next;
        start = next_start;
        height = next_height;
    }
}
