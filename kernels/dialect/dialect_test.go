package dialect

import (
	"strings"
	"testing"
)

const frame = `
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
var<workgroup> tile: array<vec4<f32>, 64>;
var<workgroup> counter: atomic<u32>;
MODULE
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let i = gid.x;
    BODY
}
`

func text(module, body string) string {
	return strings.NewReplacer("MODULE", module, "BODY", body).Replace(frame)
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct{ rule, module, body string }{
		{"without initialiser", "", "var a: f32; a = 1.0; y[i] = a;"},
		{"without initialiser", "", "var acc: array<vec4<f32>, 4>; acc[0].x = 1.0; y[i] = acc[i].x;"},
		{"private variable", "var<private> g: f32 = 2.0;", "y[i] = g;"},
		{"module constant array", "const t = array<f32, 2>(1.0, 2.0);", "y[i] = t[i % 2u];"},
		{"module constant array", "const v: vec2<f32> = vec2<f32>(1.0, 2.0);", "y[i] = v[i % 2u];"},
		{"countLeadingZeros", "", "y[i] = f32(countLeadingZeros(i));"},
		{"compare-exchange", "", "let r = atomicCompareExchangeWeak(&counter, 1u, 2u); y[i] = f32(r.old_value);"},
		{"override", "override n: u32 = 3u;", "y[i] = f32(n);"},
		{"any and all", "", "if (any(vec2<bool>(i > 1u, i < 3u))) { y[i] = 1.0; }"},
		{"both sides", "", "y[i] = .5;"},
		{"both sides", "", "y[i] = 1.;"},
		{"both sides", "", "y[i] = 1.e0;"},
		{"hexadecimal", "", "y[i] = 0x1.8p0;"},
		{"lone semicolon", "", "y[i] = 1.0;;"},
		{"lone semicolon", "", "if (i < 2u) { y[i] = 1.0; };"},
		{"directives", "enable f16;", "y[i] = 1.0;"},
		{"needs its type", "const c = 2.0 * 3.0;", "y[i] = c;"},
		{"builtins and comparisons", "const c: f32 = exp(1.0);", "y[i] = c;"},
		{"builtins and comparisons", "const c: bool = 3u > 2u;", "y[i] = select(0.0, 1.0, c);"},
		{"square", "", "let m = mat2x3<f32>(); y[i] = (m * vec2<f32>(1.0, 1.0)).x;"},
		{"pointers", "fn f(q: ptr<function, f32>) { *q = 1.0; }", "var a = 0.0; f(&a); y[i] = a;"},
		{"pointers", "", "let q = &y[i]; *q = 1.0;"},
		{"subgroup", "", "y[i] = subgroupAdd(x[i]);"},
		{"f16", "", "y[i] = f32(f16(x[i]));"},
		{"dot4I8Packed", "", "y[i] = f32(dot4I8Packed(i, i));"},
		{"lengths are parameters", "", "y[i] = f32(arrayLength(&x));"},
		{"NaN", "", "let a = x[i]; if (a != a) { y[i] = 1.0; }"},
		{"NaN", "", "if (x[i] == x[i]) { y[i] = 1.0; }"},
		{"floored", "", "y[i] = x[i] % 3.0;"},
		{"floored", "", "let a = vec2<f32>(x[i], 1.0) % vec2<f32>(2.0, 2.0); y[i] = a.x;"},
		{"workgroup memory", "var<workgroup> big: array<f32, 5000>;", "big[i] = 1.0; y[i] = big[0];"},
		{"does not", "", "y[i] = nonsense;"},
	} {
		faults := Check(text(c.module, c.body))
		found := false
		for _, f := range faults {
			found = found || strings.Contains(f.Rule, c.rule)
		}
		if !found {
			t.Errorf("%s %s: want a fault about %q, got %v", c.module, c.body, c.rule, faults)
		}
	}
}

func TestAllowed(t *testing.T) {
	for _, c := range []struct{ module, body string }{
		{"", "y[i] = x[i];"},
		{"const N: u32 = 3u;\nconst M: u32 = N * 4u;\nconst F: f32 = -1.0e-3;\nconst G: f32 = 2.0 / 3.0;\nconst B: bool = true;", "if (B) { y[i] = F * f32(M); }"},
		{"", "var acc = array<vec4<f32>, 4>(); acc[1].x = x[i]; y[i] = acc[i % 4u].x;"},
		{"", "let t = array<f32, 2>(1.0, 2.0); y[i] = t[1];"},
		{"", "for (var k = 0u; k < p.n; k = k + 1u) { y[i] = y[i] + x[k]; }"},
		{"", "tile[i % 64u] = vec4<f32>(x[i], 0.0, 0.0, 0.0); workgroupBarrier(); y[i] = tile[0].x;"},
		{"", "let c = atomicAdd(&counter, 1u); if (c == 1u && i < 2u) { y[i] = 1.0; }"},
		{"fn f(a: f32, b: f32) -> f32 { return a - b * trunc(a / b); }", "y[i] = f(x[i], 3.0);"},
		{"", "let a = bitcast<u32>(x[i]); if ((a & 0x7fffffffu) > 0x7f800000u) { y[i] = 1.0; }"},
		{"", "// .5 and any(x) and var a: f32; in a comment\n y[i] = 0.5;"},
		{"", "let a = i & p.n; let b = x[a]; let c = x[i]; if (b == c) { y[i] = b; }"},
		{"", "if (x[i] == x[i + 1u]) { y[i] = 1.0; }"},
	} {
		if faults := Check(text(c.module, c.body)); len(faults) > 0 {
			t.Errorf("%s %s: %v", c.module, c.body, faults)
		}
	}
}

func TestFaultLine(t *testing.T) {
	faults := Check(text("", "y[i] = .5;"))
	if len(faults) == 0 || faults[0].Line != 12 || !strings.Contains(faults[0].String(), "line 12") {
		t.Errorf("want a fault in line 12, got %v", faults)
	}
}
