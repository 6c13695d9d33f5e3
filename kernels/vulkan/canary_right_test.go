//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"math"
	"math/bits"

	"llana/kernels"
)

// positive is |x| + 1, which keeps clear of the NaN at 63.
func positive(i int) float64 {
	if i == 63 {
		return 1
	}
	return math.Abs(xAt(i)) + 1
}

const positiveBody = "let p = select(abs(x[min(i, 62u)]) + 1.0, 1.0, i == 63u);"

func sumTo(n int) float64 { return float64(n * (n + 1) / 2) }

// rightCanaries are the constructs that kernels are made of.
var rightCanaries = []canary{
	{"copy keeps NaN", "", "y[i] = x[i];", xAt},
	{"scalar variable", "", "var s = 0.0; for (var k = 0u; k <= i; k = k + 1u) { s = s + f32(k); } y[i] = s;", sumTo},
	{"variable in a loop is new each time", "", "for (var k = 0u; k < 5u; k = k + 1u) { var s = 0.0; s = s + 1.0; y[i] = s; }", one},
	{"compound assignment", "", "var s = 2.0; s += f32(i); s *= 2.0; s -= 1.0; y[i] = s;", func(i int) float64 { return 2*(2+float64(i)) - 1 }},
	{"local array of zeros", "", "var a = array<f32, 8>(); for (var k = 0u; k <= i; k = k + 1u) { a[k % 8u] = a[k % 8u] + 1.0; } y[i] = a[i % 8u];", func(i int) float64 { return float64(i/8 + 1) }},
	{"local array of vectors", "", "var a = array<vec4<f32>, 4>(); for (var k = 0u; k < 4u; k = k + 1u) { a[k].y = f32(k + i); } y[i] = a[i % 4u].y + a[1].x;", func(i int) float64 { return float64(i%4 + i) }},
	{"constant array in a function", "", "let t = array<f32, 4>(1.0, 2.0, 3.0, 4.0); y[i] = t[0] + t[3];", func(int) float64 { return 5 }},
	{"module constants", "const N: u32 = 3u;\nconst M: u32 = N * 4u + 1u;\nconst F: f32 = 2.5 * 2.0;\nconst G: f32 = -1.0e-3;\nconst B: bool = true;", "if (B) { y[i] = f32(M) * F + G; }", func(int) float64 { return 64.999 }},
	{"workgroup array", "var<workgroup> w: array<f32, 64>;", "w[i] = f32(i); workgroupBarrier(); y[i] = w[63u - i];", func(i int) float64 { return float64(63 - i) }},
	{"workgroup array of vectors", "var<workgroup> w: array<vec4<f32>, 64>;", "w[i] = vec4<f32>(f32(i), 1.0, 2.0, 3.0); workgroupBarrier(); let v = w[(i + 1u) % 64u]; y[i] = v.x + v.w;", func(i int) float64 { return float64((i+1)%64 + 3) }},
	{"one component of a workgroup vector", "var<workgroup> w: array<vec4<f32>, 16>;", "w[i / 4u][i % 4u] = f32(i); workgroupBarrier(); y[i] = w[(63u - i) / 4u][(63u - i) % 4u];", func(i int) float64 { return float64(63 - i) }},
	{"workgroup array of arrays", "var<workgroup> w: array<array<f32, 8>, 8>;", "w[i / 8u][i % 8u] = f32(i); workgroupBarrier(); y[i] = w[i % 8u][i / 8u];", func(i int) float64 { return float64(i%8*8 + i/8) }},
	{"workgroup array of structs", "struct S { a: f32, b: vec2<f32>, c: u32 }\nvar<workgroup> w: array<S, 64>;", "w[i] = S(f32(i), vec2<f32>(1.0, 2.0), i); workgroupBarrier(); let s = w[63u - i]; y[i] = s.a + s.b.y + f32(s.c);", func(i int) float64 { return float64(2*(63-i) + 2) }},
	{"all workgroup memory", "var<workgroup> w: array<f32, 4096>;", "for (var k = 0u; k < 64u; k = k + 1u) { w[k * 64u + i] = f32(k); } workgroupBarrier(); y[i] = w[i * 64u + 5u];", func(i int) float64 { return float64(i) }},
	{"integer atomics", "var<workgroup> n: atomic<u32>;", "if (i == 0u) { atomicStore(&n, 0u); } workgroupBarrier(); atomicAdd(&n, i); workgroupBarrier(); y[i] = f32(atomicLoad(&n));", func(int) float64 { return 2016 }},
	{"tree reduction", "var<workgroup> w: array<f32, 64>;", "w[i] = f32(i); workgroupBarrier(); for (var s = 32u; s > 0u; s = s / 2u) { if (i < s) { w[i] = w[i] + w[i + s]; } workgroupBarrier(); } y[i] = w[0];", func(int) float64 { return 2016 }},
	{"reduction in a function", "var<workgroup> w: array<f32, 64>;\nfn total(i: u32, v: f32) -> f32 { workgroupBarrier(); w[i] = v; workgroupBarrier(); for (var s = 32u; s > 0u; s = s / 2u) { if (i < s) { w[i] = w[i] + w[i + s]; } workgroupBarrier(); } return w[0]; }", "let a = total(i, 1.0); let b = total(i, f32(i)); y[i] = a + b;", func(int) float64 { return 2080 }},
	{"scan", "var<workgroup> w: array<f32, 64>;", "w[i] = f32(i); workgroupBarrier(); for (var s = 1u; s < 64u; s = s * 2u) { var v = w[i]; if (i >= s) { v = v + w[i - s]; } workgroupBarrier(); w[i] = v; workgroupBarrier(); } y[i] = w[i];", sumTo},
	{"online softmax", "", "var m = -1.0e30; var s = 0.0; for (var k = 0u; k < 40u; k = k + 1u) { let v = f32((k * 7u + i) % 40u) * 0.1; let n = max(m, v); s = s * exp(m - n) + exp(v - n); m = n; } y[i] = m + log(s);", func(i int) float64 {
		s := 0.0
		for k := range 40 {
			s += math.Exp(0.1 * float64(k))
		}
		return math.Log(s)
	}},
	{"switch", "", "switch i % 4u { case 0u: { y[i] = 10.0; } case 1u, 2u: { y[i] = 20.0; } default: { y[i] = 30.0; } }", func(i int) float64 { return []float64{10, 20, 20, 30}[i%4] }},
	{"switch with return in a function", "fn f(k: u32) -> f32 { switch k { case 0u: { return 1.0; } case 1u: { return 2.0; } default: { return 3.0; } } }", "y[i] = f(i % 3u);", func(i int) float64 { return float64(i%3 + 1) }},
	{"loop, continuing, break if", "", "var n = 0u; loop { n = n + 1u; continuing { break if n > i; } } y[i] = f32(n);", func(i int) float64 { return float64(i + 1) }},
	{"while, break, continue", "", "var n = 0u; var s = 0.0; while (true) { n = n + 1u; if (n > i) { break; } if (n % 2u == 0u) { continue; } s = s + 1.0; } y[i] = s;", func(i int) float64 { return float64((i + 1) / 2) }},
	{"nested loops", "", "var s = 0.0; for (var a = 0u; a < 5u; a = a + 1u) { for (var b = 0u; b <= a; b = b + 1u) { s = s + 1.0; } } y[i] = s;", func(int) float64 { return 15 }},
	{"early return", "", "if (i > 40u) { return; } y[i] = 1.0;", func(i int) float64 {
		if i > 40 {
			return 0
		}
		return 1
	}},
	{"select", "", "y[i] = select(1.0, 2.0, i > 10u);", func(i int) float64 {
		if i > 10 {
			return 2
		}
		return 1
	}},
	{"and, or are lazy", "", "if (i < 64u && x[i] > 0.0 || i == 3u) { y[i] = 1.0; }", func(i int) float64 {
		if xAt(i) > 0 || i == 3 {
			return 1
		}
		return 0
	}},
	{"comparison with NaN is false", "", "let v = x[i]; y[i] = select(0.0, 1.0, v < 0.0) + select(0.0, 2.0, v >= 0.0);", func(i int) float64 {
		switch v := xAt(i); {
		case v < 0:
			return 1
		case v >= 0:
			return 2
		}
		return 0
	}},
	{"NaN by its bits", "", "y[i] = select(0.0, 1.0, (bitcast<u32>(x[i]) & 0x7fffffffu) > 0x7f800000u);", func(i int) float64 { return float64(i / 63) }},
	{"integer division and remainder", "", "let k = i32(i) - 32; y[i] = f32(k / 5) * 100.0 + f32(k % 5);", func(i int) float64 { return float64((i-32)/5*100 + (i-32)%5) }},
	{"float remainder by trunc", "", "let k = f32(i32(i) - 32); y[i] = k - 5.0 * trunc(k / 5.0);", func(i int) float64 { return math.Mod(float64(i-32), 5) }},
	{"firstLeadingBit", "", "y[i] = f32(31u - firstLeadingBit(i + 1u));", func(i int) float64 { return float64(bits.LeadingZeros32(uint32(i + 1))) }},
	{"bit operations", "", "y[i] = f32(countOneBits(i) + firstTrailingBit(i | 64u) + (reverseBits(i) >> 24u) + ((i << 3u) ^ (i >> 1u)) + extractBits(i, 2u, 3u));", func(i int) float64 {
		u := uint32(i)
		return float64(uint32(bits.OnesCount32(u)) + uint32(bits.TrailingZeros32(u|64)) + bits.Reverse32(u)>>24 + (u<<3 ^ u>>1) + u>>2&7)
	}},
	{"wrapping multiplication", "fn pcg(v: u32) -> u32 { let s = v * 747796405u + 2891336453u; let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u; return (w >> 22u) ^ w; }", "y[i] = f32(pcg(i + pcg(9u)) >> 8u);", func(i int) float64 { return float64(kernels.Hash(9, uint32(i)) >> 8) }},
	{"shift of a negative integer", "", "y[i] = f32((i32(i) - 32) >> 2u);", func(i int) float64 { return float64((i - 32) >> 2) }},
	{"bfloat16 by bitcast", "", "let u = bitcast<u32>(f32(i)); y[i] = bitcast<f32>((u >> 16u) << 16u);", func(i int) float64 { return float64(i) }},
	{"unpack2x16float", "", "let v = unpack2x16float((i << 16u) + 0x3c00c000u); y[i] = v.x + v.y;", func(i int) float64 { return float64(i)/1024 - 1 }},
	{"pack2x16float", "", "let v = unpack2x16float(pack2x16float(vec2<f32>(f32(i), 0.5))); y[i] = v.x + v.y;", func(i int) float64 { return float64(i) + 0.5 }},
	{"nibbles", "", "let w = 0x76543210u; y[i] = f32(i32((w >> ((i % 8u) * 4u)) & 15u) - 8);", func(i int) float64 { return float64(i%8 - 8) }},
	{"unpack4xI8", "", "let v = unpack4xI8(0x80ff7f01u); y[i] = f32(v.x + 1000 * v.y + v.z * 7 + v.w * 3);", func(int) float64 { return 1 + 127000 - 7 - 384 }},
	{"vector arithmetic and swizzles", "", "let v = vec4<f32>(1.0, 2.0, 3.0, f32(i)); let w = v.wzyx * 2.0 + v; y[i] = dot(w, vec4<f32>(1.0, 1.0, 1.0, 1.0)) + v.xy.y;", func(i int) float64 { return 3*(6+float64(i)) + 2 }},
	{"square matrix", "", "let m = mat2x2<f32>(1.0, 2.0, 3.0, f32(i)); let v = m * vec2<f32>(1.0, 2.0); y[i] = v.x + v.y;", func(i int) float64 { return 7 + 2 + 2*float64(i) }},
	{"struct as value", "struct R { a: f32, b: u32 }\nfn f(i: u32) -> R { var r = R(1.0, i); r.a = r.a + f32(i); return r; }", "let r = f(i); y[i] = r.a + f32(r.b);", func(i int) float64 { return 1 + 2*float64(i) }},
	{"conversions", "", "y[i] = f32(u32(2.9)) + f32(i32(-2.9)) * 10.0 + f32(u32(i == 3u)) + f32(bool(i & 1u));", func(i int) float64 {
		v := 2 - 20 + float64(i&1)
		if i == 3 {
			v++
		}
		return v
	}},
	{"rounding", "", "let v = f32(i32(i) - 32) * 0.25; y[i] = floor(v) + 10.0 * ceil(v) + 100.0 * trunc(v) + 1000.0 * fract(v) + 10000.0 * round(v);", func(i int) float64 {
		v := float64(i-32) * 0.25
		return math.Floor(v) + 10*math.Ceil(v) + 100*math.Trunc(v) + 1000*(v-math.Floor(v)) + 10000*math.RoundToEven(v)
	}},
	{"min, max, clamp, abs, sign", "", "let v = f32(i32(i) - 32); y[i] = min(v, 3.0) + 10.0 * max(v, -3.0) + 100.0 * clamp(v, -2.0, 2.0) + abs(v) + sign(v);", func(i int) float64 {
		v := float64(i - 32)
		s := 0.0
		if v != 0 {
			s = math.Copysign(1, v)
		}
		return min(v, 3) + 10*max(v, -3) + 100*min(max(v, -2), 2) + math.Abs(v) + s
	}},
	{"exp and log", "", positiveBody + "y[i] = exp(-p * 0.1) + exp2(p * 0.1) + log(p) + log2(p);", func(i int) float64 {
		p := positive(i)
		return math.Exp(-p*0.1) + math.Exp2(p*0.1) + math.Log(p) + math.Log2(p)
	}},
	{"powers and roots", "", positiveBody + "y[i] = pow(p, 1.5) + sqrt(p) + inverseSqrt(p);", func(i int) float64 {
		p := positive(i)
		return math.Pow(p, 1.5) + math.Sqrt(p) + 1/math.Sqrt(p)
	}},
	{"sine and cosine", "", "let v = f32(i) * 0.1 - 3.1; y[i] = sin(v) + 2.0 * cos(v);", func(i int) float64 { v := float64(i)*0.1 - 3.1; return math.Sin(v) + 2*math.Cos(v) }},
	{"fma, mix, step, smoothstep", "", "let v = f32(i) / 63.0; y[i] = fma(v, 2.0, 1.0) + mix(1.0, 3.0, v) + step(0.5, v) + smoothstep(0.0, 1.0, v);", func(i int) float64 {
		v := float64(i) / 63
		s := 0.0
		if v >= 0.5 {
			s = 1
		}
		return 2*v + 1 + 1 + 2*v + s + v*v*(3-2*v)
	}},
	{"infinities", "", "let inf = bitcast<f32>(0x7f800000u); y[i] = select(0.0, 1.0, f32(i) < inf) + select(0.0, 2.0, exp(-inf) == 0.0);", func(int) float64 { return 3 }},
	{"workgroup numbers", "", "y[i] = f32(wid.x + nwg.x + wid.y * nwg.x + nwg.y);", func(int) float64 { return 2 }},
	{"guarded load", "fn load(k: u32) -> f32 { var v = 0.0; if (k < 10u) { v = x[k]; } return v; }", "y[i] = load(i);", func(i int) float64 {
		if i < 10 {
			return xAt(i)
		}
		return 0
	}},
	{"many live accumulators", "", "var a = vec4<f32>(f32(i)); var b = a + 1.0; var c = a + 2.0; var e = a + 3.0; for (var k = 0u; k < 10u; k = k + 1u) { a = a + b * 0.5; b = b + c * 0.5; c = c + e * 0.5; e = e * 0.5; } y[i] = e.x * 1024.0;", func(i int) float64 { return float64(i) + 3 }},
}
