{{- /*
Included by shaders that read a weight matrix by quads, four neighbouring
elements of a row whose width is a multiple of 4: the declaration of a storage
binding; NAME_fetch(i, n), what quad i of a matrix of n elements is made of; and
NAME_quad(fetched, i, row_scale), the quad. What is fetched early can be widened
late. NAME_row_scale(row, n) is 1.0 for types without scales of rows.
Arguments: the binding's number, its name, and how it is stored ("float32",
"bfloat16", "float16", "int8", "int4"; tensor.Pack tells where the parts lie).
*/ -}}
{{$name := index .Args 1}}{{$type := index .Args 2 -}}
@group(0) @binding({{index .Args 0}}) var<storage, read> {{$name}}: array<
    {{- if eq $type "float32"}}vec4<f32>{{else if or (eq $type "int8") (eq $type "int4")}}u32{{else}}vec2<u32>{{end}}>;
{{if eq $type "float32"}}
fn {{$name}}_fetch(i: u32, n: u32) -> vec4<f32> {
    return {{$name}}[i];
}

fn {{$name}}_quad(v: vec4<f32>, i: u32, row_scale: f32) -> vec4<f32> {
    return v;
}
{{else if eq $type "bfloat16"}}
fn {{$name}}_fetch(i: u32, n: u32) -> vec2<u32> {
    return {{$name}}[i];
}

fn {{$name}}_quad(w: vec2<u32>, i: u32, row_scale: f32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
}
{{else if eq $type "float16"}}
fn {{$name}}_fetch(i: u32, n: u32) -> vec2<u32> {
    return {{$name}}[i];
}

fn {{$name}}_quad(w: vec2<u32>, i: u32, row_scale: f32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
{{else if eq $type "int8"}}
// The codes, and the word that holds the block's scale.
fn {{$name}}_fetch(i: u32, n: u32) -> vec2<u32> {
    return vec2<u32>({{$name}}[i], {{$name}}[n / 4u + i / 16u]);
}

fn {{$name}}_quad(w: vec2<u32>, i: u32, row_scale: f32) -> vec4<f32> {
    let scale = row_scale * bitcast<f32>((((w.y >> (i / 4u % 4u * 8u)) & 255u) << 19u) + 0x38000000u);
    // Bytes without sign, 128 too large, convert faster.
    let u = w.x ^ 0x80808080u;
    let c = vec4<f32>(f32(u & 255u), f32((u >> 8u) & 255u), f32((u >> 16u) & 255u), f32(u >> 24u));
    return fma(c, vec4<f32>(scale), vec4<f32>(-128.0 * scale));
}
{{else}}
// The block's two words of codes, and the word that holds its parameters.
fn {{$name}}_fetch(i: u32, n: u32) -> vec3<u32> {
    let block = i / 4u;
    return vec3<u32>({{$name}}[2u * block], {{$name}}[2u * block + 1u], {{$name}}[n / 8u + block / 2u]);
}

fn {{$name}}_quad(w: vec3<u32>, i: u32, row_scale: f32) -> vec4<f32> {
    let block = w.z >> (i / 4u % 2u * 16u);
    let scale = row_scale * bitcast<f32>(((block & 255u) << 19u) + 0x38000000u);
    let zero = f32((block >> 8u) & 255u) * 0.0625;
    let even = w.x >> (i % 4u * 8u);
    let odd = w.y >> (i % 4u * 8u);
    let c = vec4<f32>(f32(even & 15u), f32(odd & 15u), f32((even >> 4u) & 15u), f32((odd >> 4u) & 15u));
    return (c - vec4<f32>(zero)) * scale;
}
{{end}}
fn {{$name}}_row_scale(row: u32, n: u32) -> f32 {
    return {{if eq $type "int8"}}bitcast<f32>({{$name}}[n / 4u + (n + 63u) / 64u + row])
        {{- else if eq $type "int4"}}bitcast<f32>({{$name}}[n / 8u + (n + 31u) / 32u + row])
        {{- else}}1.0{{end}};
}
