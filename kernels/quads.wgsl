{{- /*
Included by shaders that read a weight matrix by quads, four neighbouring
elements of a row whose width is a multiple of 4: the declaration of a storage
binding; NAME_stride(width), a row's length in the binding's elements;
NAME_fetch(start, q, width), what quad q of the row that begins at start is made
of; and NAME_quad(fetched, q, row_scale), the quad. What is fetched early can be
widened late. NAME_row_scale(start, width) is 1.0 for types without scales of
rows.
Arguments: the binding's number, its name, and how it is stored ("float32",
"bfloat16", "float16", "int8", "int4"; tensor.Blocks tells where the parts lie).
*/ -}}
{{$name := index .Args 1}}{{$type := index .Args 2 -}}
@group(0) @binding({{index .Args 0}}) var<storage, read> {{$name}}: array<
    {{- if eq $type "float32"}}vec4<f32>{{else if or (eq $type "int8") (eq $type "int4")}}u32{{else}}vec2<u32>{{end}}>;
{{if eq $type "float32"}}
fn {{$name}}_stride(width: u32) -> u32 {
    return width / 4u;
}

fn {{$name}}_fetch(start: u32, q: u32, width: u32) -> vec4<f32> {
    return {{$name}}[start + q];
}

fn {{$name}}_quad(v: vec4<f32>, q: u32, row_scale: f32) -> vec4<f32> {
    return v;
}
{{else if or (eq $type "bfloat16") (eq $type "float16")}}
fn {{$name}}_stride(width: u32) -> u32 {
    return width / 4u;
}

fn {{$name}}_fetch(start: u32, q: u32, width: u32) -> vec2<u32> {
    return {{$name}}[start + q];
}

fn {{$name}}_quad(w: vec2<u32>, q: u32, row_scale: f32) -> vec4<f32> {
    {{if eq $type "float16" -}}
    return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
    {{- else -}}
    return bitcast<vec4<f32>>(vec4<u32>(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
    {{- end}}
}
{{else if eq $type "int8"}}
fn {{$name}}_stride(width: u32) -> u32 {
    return (width / 4u + (width / 16u + 3u) / 4u + 4u) / 4u * 4u;
}

// The codes, and the word that holds the block's scale.
fn {{$name}}_fetch(start: u32, q: u32, width: u32) -> vec2<u32> {
    return vec2<u32>({{$name}}[start + q], {{$name}}[start + width / 4u + q / 16u]);
}

fn {{$name}}_quad(w: vec2<u32>, q: u32, row_scale: f32) -> vec4<f32> {
    let scale = row_scale * bitcast<f32>((((w.y >> (q / 4u % 4u * 8u)) & 255u) << 19u) + 0x38000000u);
    // Bytes without sign, 128 too large, convert faster.
    let u = w.x ^ 0x80808080u;
    let c = vec4<f32>(f32(u & 255u), f32((u >> 8u) & 255u), f32((u >> 16u) & 255u), f32(u >> 24u));
    return fma(c, vec4<f32>(scale), vec4<f32>(-128.0 * scale));
}
{{else}}
fn {{$name}}_stride(width: u32) -> u32 {
    return (width / 8u + (width / 16u + 1u) / 2u + 4u) / 4u * 4u;
}

// The block's two words of codes, and the word that holds its parameters.
fn {{$name}}_fetch(start: u32, q: u32, width: u32) -> vec3<u32> {
    let at = start + q / 4u * 2u;
    return vec3<u32>({{$name}}[at], {{$name}}[at + 1u], {{$name}}[start + width / 8u + q / 8u]);
}

fn {{$name}}_quad(w: vec3<u32>, q: u32, row_scale: f32) -> vec4<f32> {
    let block = w.z >> (q / 4u % 2u * 16u);
    let scale = row_scale * bitcast<f32>(((block & 255u) << 19u) + 0x38000000u);
    let zero = f32((block >> 8u) & 255u) * 0.0625;
    let even = w.x >> (q % 4u * 8u);
    let odd = w.y >> (q % 4u * 8u);
    let c = vec4<f32>(f32(even & 15u), f32(odd & 15u), f32((even >> 4u) & 15u), f32((odd >> 4u) & 15u));
    return (c - vec4<f32>(zero)) * scale;
}
{{end}}
fn {{$name}}_row_scale(start: u32, width: u32) -> f32 {
    return {{if eq $type "int8"}}bitcast<f32>({{$name}}[start + width / 4u + (width / 16u + 3u) / 4u])
        {{- else if eq $type "int4"}}bitcast<f32>({{$name}}[start + width / 8u + (width / 16u + 1u) / 2u])
        {{- else}}1.0{{end}};
}
