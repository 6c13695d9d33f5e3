// The gradient of NeRF networks' matrices, dW = sum over points of dz x^T.
//
// x is the encoding of u for the first matrix and hidden for the others, dz is
// dhidden, and doutputs for the last matrix: see nerffield_chain.wgsl. out is
// (parts, networks, len), the pass' first network being number p.to there:
// workgroup y adds up the points of part p.part0 + y, p.part of them. Grid: x a
// tile of 64 x 64 elements of one of the matrices, y the part, z the network of
// the pass.
//
// An invocation computes 4 x 4 elements; the loads of 16 points are under way
// while those before are used. VEC, VEC_IN: as in nerffield.wgsl.

{{template "field_params" set . "MORE" "outputs: u32, to: u32, networks: u32, part: u32, part0: u32,"}}
{{- template "field_rows" dict "BINDING" 2 "NAME" "hidden" "VEC" .VEC "WRITE" false}}
{{- template "field_rows" dict "BINDING" 3 "NAME" "dhidden" "VEC" .VEC "WRITE" false}}
@group(0) @binding(4) var<storage, read> doutputs: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> out: array<{{if .VEC}}vec4<f32>{{else}}f32{{end}}>;
{{template "sincos" dict "T" "f32"}}

var<workgroup> tile_z: array<vec4<f32>, 256>; // [point][quad of rows of dW]
var<workgroup> tile_x: array<vec4<f32>, 256>; // [point][quad of columns]

// frequencies returns features 2 pair to 2 pair + 3 of a position.
fn frequencies(start: u32, pair: u32) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    {{range $i := seq 2}}if (pair + {{$i}}u < 3u * p.octaves) {
        let sc = sincos_pi(u[start + (pair + {{$i}}u) / p.octaves] * pow2((pair + {{$i}}u) % p.octaves));
        v[{{mul 2 $i}}] = sc.sine;
        v[{{add 1 (mul 2 $i)}}] = sc.cosine;
    }
    {{end -}}
    return v;
}

fn store(i: u32, v: f32) {
    {{if .VEC}}out[i / 4u][i % 4u] = v;{{else}}out[i] = v;{{end}}
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let features = 6u * p.octaves;
    let tiles = (features + 63u) / 64u; // of the first matrix
    let layer = select(wid.x - tiles + 1u, 0u, wid.x < tiles);
    let column = select(0u, wid.x * 64u, layer == 0u);
    let width = select(p.width, features, layer == 0u);
    let height = select(p.width, 4u, layer == p.hidden);
    let begin = wid.y * p.part;
    let end = min(begin + p.part, p.n);

    // What this invocation brings: quad q of point i of a slice; and what it
    // computes: columns from tx, rows from ty on.
    let q = lid % 16u;
    let i = lid / 16u;
    let tx = (lid % 8u) + (lid / 32u % 2u) * 8u;
    let ty = (lid / 8u % 4u) + (lid / 64u) * 4u;
    var z = vec4<f32>(0.0);
    var x = vec4<f32>(0.0);
    {{range $r := seq 4}}var c{{$r}} = vec4<f32>(0.0);
    {{end}}
    if (begin < end) {
        {{template "fetch" "begin"}}
    }
    for (var at = begin; at < end; at = at + 16u) {
        if (layer == 0u) {
            x = frequencies(position(p.network + wid.z, min(at + i, p.n - 1u)), column / 2u + 2u * q);
        }
        z = select(vec4<f32>(0.0), z, vec4<bool>(at + i < end));
        workgroupBarrier();
        tile_z[lid] = z;
        tile_x[lid] = x;
        workgroupBarrier();
        {{template "fetch" "at + 16u"}}
        if (4u * ty < height) {
            {{range $k := seq 16}}{
                let a = tile_z[{{mul 16 $k}}u + ty];
                let b = tile_x[{{mul 16 $k}}u + tx];
                {{range $r := seq 4}}c{{$r}} = fma(vec4<f32>(a[{{$r}}]), b, c{{$r}});
                {{end -}}
            }
            {{end -}}
        }
    }

    let base = ((p.part0 + wid.y) * p.networks + p.to + wid.z) * p.len;
    var start = base;
    if (layer > 0u) {
        start = base + p.width * (features + (layer - 1u) * p.width);
    }
    {{range $r := seq 4}}if (4u * ty + {{$r}}u < height) {
        let row = start + (4u * ty + {{$r}}u) * width;
        let k = column + 4u * tx;
        {{if $.VEC -}}
        if (k < width{{if not $.VEC_IN}} && layer > 0u{{end}}) {
            out[(row + k) / 4u] = c{{$r}};
        }
        {{end -}}
        {{if not $.VEC_IN -}}
        {{if $.VEC}}if (layer == 0u) { {{- end}}
        {{range $j := seq 4}}if (k + {{$j}}u < width) {
            store(row + k + {{$j}}u, c{{$r}}[{{$j}}]);
        }
        {{end}}{{if $.VEC}} } {{- end}}
        {{- end}}
    }
    {{end}}
    if (layer == p.hidden) { // padding
        for (var k = lid; k < (p.outputs - 4u) * p.width; k = k + 256u) {
            store(start + 4u * p.width + k, 0.0);
        }
    }
}

{{- define "fetch"}}{
            let row = wid.z * p.n + min({{.}} + i, p.n - 1u);
            if (layer > 0u) {
                x = hidden_quad(((layer - 1u) * p.rows + row) * p.width, q);
            }
            if (layer < p.hidden) {
                z = dhidden_quad((layer * p.rows + row) * p.width, q);
            } else {
                z = doutputs[row];
            }
        }
{{- end}}
