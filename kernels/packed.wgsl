{{- /*
Included by shaders that read a weight matrix: the declaration of a storage
binding, and NAME_at(row, column, width), which widens an element.
Arguments: the binding's number, its name, and how it is stored ("float32",
"bfloat16", "float16", "int8", "int4"; tensor.Pack tells where the parts lie).
*/ -}}
{{$binding := index .Args 0}}{{$name := index .Args 1}}{{$type := index .Args 2 -}}
@group(0) @binding({{$binding}}) var<storage, read> {{$name}}: array<{{if eq $type "float32"}}f32{{else}}u32{{end}}>;

{{if eq $type "float32" -}}
fn {{$name}}_at(row: u32, column: u32, width: u32) -> f32 {
    return {{$name}}[row * width + column];
}
{{- else if eq $type "bfloat16" -}}
fn {{$name}}_at(row: u32, column: u32, width: u32) -> f32 {
    let i = row * width + column;
    return bitcast<f32>(({{$name}}[i / 2u] >> (16u * (i % 2u))) << 16u);
}
{{- else if eq $type "float16" -}}
fn {{$name}}_at(row: u32, column: u32, width: u32) -> f32 {
    let i = row * width + column;
    let pair = unpack2x16float({{$name}}[i / 2u]);
    return select(pair.x, pair.y, i % 2u == 1u);
}
{{- else if eq $type "int8" -}}
fn {{$name}}_at(row: u32, column: u32, width: u32) -> f32 {
    // In words: a row of codes, scales of blocks, the row's scale, and padding.
    let params = width / 4u;
    let at_scale = params + (width / 16u + 3u) / 4u;
    let start = row * ((at_scale + 4u) / 4u * 4u);
    let block = column / 16u;
    let code = bitcast<i32>({{$name}}[start + column / 4u] << (24u - 8u * (column % 4u))) >> 24u;
    let scale = ({{$name}}[start + params + block / 4u] >> (8u * (block % 4u))) & 255u;
    let row_scale = bitcast<f32>({{$name}}[start + at_scale]);
    return row_scale * bitcast<f32>((scale << 19u) + 0x38000000u) * f32(code);
}
{{- else if eq $type "int4" -}}
fn {{$name}}_at(row: u32, column: u32, width: u32) -> f32 {
    // In words: a row of codes, scales and zero points of blocks, the row's
    // scale, and padding.
    let params = width / 8u;
    let at_scale = params + (width / 16u + 1u) / 2u;
    let start = row * ((at_scale + 4u) / 4u * 4u);
    let block = column / 16u;
    let code = ({{$name}}[start + 2u * block + column % 2u] >> (4u * (column % 16u / 2u))) & 15u;
    let pair = ({{$name}}[start + params + block / 2u] >> (16u * (block % 2u))) & 0xffffu;
    let row_scale = bitcast<f32>({{$name}}[start + at_scale]);
    let scale = row_scale * bitcast<f32>(((pair & 255u) << 19u) + 0x38000000u);
    return scale * (f32(code) - f32(pair >> 8u) * 0.0625);
}
{{- end}}
