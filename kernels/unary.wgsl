// Element-wise functions and their derivatives.
//
//   forward   y[i]  = f(x[i])
//   backward  dx[i] = dy[i] * f'(x[i]), from x and y = f(x)
//
// KIND: 0 relu, 1 gelu (erf), 2 silu, 3 sigmoid, 4 tanh, 5 exp with a clamped
// derivative. Bindings: x, [y, dy,] output, n units each, numbers, or with VEC
// vectors of four. One invocation a unit, workgroups of 256, folded over x and y.

{{$unit := "f32"}}{{if .VEC}}{{$unit = "vec4<f32>"}}{{end -}}
struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<{{$unit}}>;
{{if .BACKWARD}}
@group(0) @binding(2) var<storage, read> y: array<{{$unit}}>;
@group(0) @binding(3) var<storage, read> dy: array<{{$unit}}>;
@group(0) @binding(4) var<storage, read_write> out: array<{{$unit}}>;
{{else}}
@group(0) @binding(2) var<storage, read_write> out: array<{{$unit}}>;
{{end}}

// erf with an absolute error of 1.5e-7 (Abramowitz and Stegun 7.1.26).
fn erf(v: {{$unit}}) -> {{$unit}} {
    let a = abs(v);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let r = 1.0 - poly * exp(-a * a);
    return select(r, -r, v < {{$unit}}(0.0));
}

fn sigmoid(v: {{$unit}}) -> {{$unit}} {
    return 1.0 / (1.0 + exp(-v));
}

fn forward(v: {{$unit}}) -> {{$unit}} {
    switch KIND {
        case 0u: { return select(v, {{$unit}}(0.0), v < {{$unit}}(0.0)); }
        case 1u: { return 0.5 * v * (1.0 + erf(v * 0.70710678)); }
        case 2u: { return v * sigmoid(v); }
        case 3u: { return sigmoid(v); }
        case 4u: {
            // The exponential only underflows, to a tanh of exactly 1.
            let e = exp(-2.0 * abs(v));
            let t = (1.0 - e) / (1.0 + e);
            return select(t, -t, v < {{$unit}}(0.0));
        }
        default: { return exp(v); }
    }
}

fn derivative(v: {{$unit}}, f: {{$unit}}) -> {{$unit}} {
    switch KIND {
        case 0u: { return select({{$unit}}(0.0), {{$unit}}(1.0), v > {{$unit}}(0.0)); }
        case 1u: { return 0.5 * (1.0 + erf(v * 0.70710678)) + v * exp(-0.5 * v * v) * 0.39894228; }
        case 2u: { let s = sigmoid(v); return s * (1.0 + v * (1.0 - s)); }
        case 3u: { return f * (1.0 - f); }
        case 4u: { return 1.0 - f * f; }
        default: { return exp(min(v, {{$unit}}(15.0))); }
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        {{if .BACKWARD}}out[i] = dy[i] * derivative(x[i], y[i]);{{else}}out[i] = forward(x[i]);{{end}}
    }
}
