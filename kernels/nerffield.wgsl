// NeRF networks, from positions to colours and densities.
//
//   x = encoding of u; x = relu(W x) for each hidden layer; y = W x, four rows;
//   rgb = sigmoid(y[0..2]), sigma = exp(y[3] - 1) strictly inside the unit box
//
// u (networks or 1, total, 3), weights (networks, len), rgb (networks total, 3),
// sigma (networks total). With p.raw, rgb and sigma are y. With SAVE instead, the
// pass writes what its gradient needs, for its own rows: hidden (layers, rows,
// Width) and outputs y (rows, 4). Grid: a workgroup for each 32 points of each
// network, folded; nerffield.tmpl tells how they are computed.
//
// The encoding is computed 64 features at a time into the block that holds the
// activations later. Slices of the matrices, 16 columns each, follow each other
// through all layers; the loads of one are under way while the one before is used.
// VEC_IN: rows of the first matrix are multiples of 4 too.
{{template "field_params" set . "MORE" ""}}
{{- template "field_rows" dict "BINDING" 2 "NAME" "weights" "VEC" .VEC "WRITE" false}}
{{- if .SAVE}}
{{- template "field_rows" dict "BINDING" 3 "NAME" "hidden" "VEC" .VEC "WRITE" true}}
@group(0) @binding(4) var<storage, read_write> outputs: array<f32>;
{{else}}
@group(0) @binding(3) var<storage, read_write> rgb: array<f32>;
@group(0) @binding(4) var<storage, read_write> sigma: array<f32>;
{{end}}
{{template "sincos" dict "T" "vec4<f32>"}}

var<workgroup> points: array<vec4<f32>, 24>; // [axis][quad of points]
var<workgroup> block: array<vec4<f32>, 512>;
var<workgroup> slice: array<vec4<f32>, 256>;

// fetch returns four columns from k on of row o of a matrix of that width.
fn fetch(start: u32, width: u32, o: u32, k: u32, first: bool) -> vec4<f32> {
    let row = start + min(o, p.width - 1u) * width;
    {{if not .VEC_IN}}if (first) {
        return vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}weights_at(row + min(k + {{$j}}u, width - 1u)){{end}});
    }
    return weights_quad(row, k / 4u);
    {{else}}return weights[row / 4u + min(k / 4u, width / 4u - 1u)];{{end}}
}

// inside zeroes what lies outside of a matrix.
fn inside(v: vec4<f32>, width: u32, o: u32, k: u32) -> vec4<f32> {
    let end = select(0u, width, o < p.width);
    return select(vec4<f32>(0.0), v, vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let blocks = (p.n + 31u) / 32u;
    let id = wid.x + wid.y * nwg.x;
    if (id >= p.rows / p.n * blocks) {
        return;
    }
    let local = id / blocks; // network of the pass
    let first = id % blocks * 32u;
    let network = p.network + local;
    let tx = lid % 16u;
    let ty = lid / 16u;
    if (lid < 96u) {
        points[lid % 3u * 8u + lid / 12u][lid / 3u % 4u] = u[position(network, min(first + lid / 3u, p.n - 1u)) + lid % 3u];
    }

    // What this invocation brings of a slice: rows o and o + 32, columns from kq on.
    let o = lid / 4u;
    let kq = lid % 4u * 4u;
    let to0 = kq * 16u + ((o / 4u) ^ (kq / 2u));
    let to1 = kq * 16u + ((o / 4u + 8u) ^ (kq / 2u));
    let features = 6u * p.octaves;
    let count = (features + 15u) / 16u + (p.hidden - 1u) * ((p.width + 15u) / 16u);
    var layer = 0u;
    var k0 = 0u;
    var start = network * p.len;
    var width = features;
    var w0 = fetch(start, width, o, kq, true);
    var w1 = fetch(start, width, o + 32u, kq, true);
    {{range $r := seq 4}}var c{{$r}} = vec4<f32>(0.0);
    {{end}}
    for (var s = 0u; s < count; s = s + 1u) {
        if (layer == 0u && k0 % 64u == 0u) {
            workgroupBarrier();
            for (var i = 0u; i < 2u; i = i + 1u) {
                let pair = lid / 8u + 16u * i;
                let f = 2u * pair;
                if (k0 + f < (features + 15u) / 16u * 16u) {
                    let at = k0 / 2u + pair;
                    var sc = SinCos(vec4<f32>(0.0), vec4<f32>(0.0));
                    if (at < 3u * p.octaves) {
                        sc = sincos_pi(points[at / p.octaves * 8u + lid % 8u] * pow2(at % p.octaves));
                    }
                    let q = (lid % 8u) ^ (f / 4u % 8u);
                    block[f * 8u + q] = sc.sine;
                    block[f * 8u + 8u + q] = sc.cosine;
                }
            }
        }
        if (p.width < 64u || k0 + 16u > width) {
            w0 = inside(w0, width, o, k0 + kq);
            w1 = inside(w1, width, o + 32u, k0 + kq);
        }
        workgroupBarrier();
        {{range $i := seq 2}}{{range $j := seq 4 -}}
        slice[to{{$i}} + {{mul 16 $j}}u][o % 4u] = w{{$i}}[{{$j}}];
        {{end}}{{end -}}
        workgroupBarrier();
        // The next slice.
        let last = k0 + 16u >= width;
        let next = select(k0 + 16u, 0u, last);
        let next_start = select(start, start + p.width * width, last);
        let next_width = select(width, p.width, last);
        let next_layer = select(layer, layer + 1u, last);
        if (s + 1u < count) {
            w0 = fetch(next_start, next_width, o, next + kq, next_layer == 0u);
            w1 = fetch(next_start, next_width, o + 32u, next + kq, next_layer == 0u);
        }
        {{template "field_multiply"}}
        if (last) {
            workgroupBarrier();
            {{range $r := seq 4}}c{{$r}} = select(c{{$r}}, vec4<f32>(0.0), c{{$r}} < vec4<f32>(0.0));
            {{end}}
            {{- if .SAVE}}{{range $r := seq 4}}if (first + 4u * ty + {{$r}}u < p.n) {
                hidden_store((layer * p.rows + local * p.n + first + 4u * ty + {{$r}}u) * p.width, tx, c{{$r}});
            }
            {{end}}{{end -}}
            {{template "field_keep"}}
        }
        k0 = next;
        start = next_start;
        width = next_width;
        layer = next_layer;
    }

    // An output of a point each.
    workgroupBarrier();
    let point = lid % 32u;
    let c = lid / 32u;
    var y = 0.0;
    for (var q = 0u; q < (p.width + 3u) / 4u; q = q + 1u) {
        let w = weights_quad(network * p.len + p.out + c * p.width, q);
        let at = 32u * q + ((point / 4u) ^ (q % 8u));
        // Columns beyond the width are 0 in the block.
        {{range $j := seq 4}}y = fma(w[{{$j}}], block[at + {{mul 8 $j}}u][point % 4u], y);
        {{end}}
    }
    if (first + point < p.n) {
        {{if .SAVE -}}
        outputs[4u * (local * p.n + first + point) + c] = y;
        {{- else -}}
        let row = network * p.total + p.first + first + point;
        if (c < 3u) {
            rgb[3u * row + c] = select(1.0 / (1.0 + exp(-y)), y, p.raw != 0u);
        } else {
            let at = vec3<f32>({{range $j := seq 3}}{{if $j}}, {{end}}points[{{mul 8 $j}}u + point / 4u][point % 4u]{{end}});
            let within = at.x > 0.0 && at.x < 1.0 && at.y > 0.0 && at.y < 1.0 && at.z > 0.0 && at.z < 1.0;
            sigma[row] = select(select(0.0, exp(y - 1.0), within), y, p.raw != 0u);
        }
        {{- end}}
    }
}
