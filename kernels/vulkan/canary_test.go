//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gogpu/naga"

	"llana/tensor"
)

// The canaries state what the library's WGSL compiler does with single
// constructs, so that an upgrade that changes it is noticed. Those that
// kernels rely on must be right. Those that package dialect forbids are shown
// to be wrong or rejected; when one of them is mended, its test says so and
// its rule may be lifted.

// canary is a shader whose invocation i, of 64 in one workgroup, gets x[i] and
// computes y[i].
type canary struct {
	name, module, body string
	want               func(i int) float64
}

const canaryFrame = `
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
MODULE
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>) {
    BODY
}
`

func (c canary) text() string {
	return strings.NewReplacer("MODULE", c.module, "BODY", c.body).Replace(canaryFrame)
}

// input is x: NaN at 63, else i - 8.
func canaryInput() []float32 {
	x := make([]float32, 64)
	for i := range x {
		x[i] = float32(i) - 8
	}
	x[63] = float32(math.NaN())
	return x
}

// wrong counts the elements of y that are not what WGSL says.
func (c canary) wrong(t *testing.T, d *device) int {
	t.Helper()
	p, err := d.pipelines.compile(d.hal, c.name, c.text())
	if err != nil {
		t.Log(err)
		return 64
	}
	n := 0
	for i, got := range runCanary(t, d, p) {
		want := c.want(i)
		if i == 63 && math.IsNaN(want) == math.IsNaN(float64(got)) && math.IsNaN(want) {
			continue
		}
		if !(math.Abs(float64(got)-want) <= 1e-4*max(1, math.Abs(want))) {
			if n++; n == 1 {
				t.Logf("element %d is %v, want %v", i, got, want)
			}
		}
	}
	return n
}

// runCanary returns y.
func runCanary(t *testing.T, d *device, p *pipeline) []float32 {
	t.Helper()
	d.pipelines.byKey[fmt.Sprintf("canary %p", p)] = p // Close destroys it
	in := tensor.Float32(d, canaryInput(), 64)
	out := tensor.Float32(d, make([]float32, 64), 64)
	defer in.Free()
	defer out.Free()
	ranges := make([]binding, 3)
	for i, x := range []*tensor.Tensor{in, out} {
		b := x.Buffer().(*buffer).block
		ranges[1+i] = binding{b.slab.buf, b.off, b.size}
	}
	group, err := d.groups.get(d.hal, p.layout, ranges, d.batch.number, d.done)
	if err != nil {
		t.Fatal(err)
	}
	d.append(step{pipeline: p, group: group, groups: [3]uint32{1, 1, 1}})
	return read(t, out)
}

func xAt(i int) float64 { return float64(canaryInput()[i]) }

func TestCanaryRight(t *testing.T) {
	d := openTest(t)
	for _, c := range rightCanaries {
		t.Run(c.name, func(t *testing.T) {
			if n := c.wrong(t, d); n > 0 {
				t.Errorf("%d of 64 elements are wrong: kernels rely on this", n)
			}
		})
	}
}

func TestCanaryWrong(t *testing.T) {
	d := openTest(t)
	for _, c := range wrongCanaries {
		t.Run(c.name, func(t *testing.T) {
			if c.wrong(t, d) == 0 {
				t.Error("is right now: the rule in package dialect may be lifted")
			}
		})
	}
	// What these give depends on the driver too.
	for _, c := range undefinedCanaries {
		t.Run(c.name, func(t *testing.T) {
			if c.wrong(t, d) == 0 {
				t.Log("is right here")
			}
		})
	}
}

func TestCanaryRejected(t *testing.T) {
	for _, c := range rejectedCanaries {
		t.Run(c.name, func(t *testing.T) {
			if _, err := naga.Compile(c.text()); err == nil {
				t.Error("compiles now: the rule in package dialect may be lifted")
			}
		})
	}
}

func one(int) float64 { return 1 }

var wrongCanaries = []canary{
	{"initialiser of a private variable", "var<private> g: f32 = 2.0;", "y[i] = g;", func(int) float64 { return 2 }},
	{"module constant array, indexed", "const t = array<f32, 4>(1.0, 2.0, 3.0, 4.0);", "y[i] = t[i % 4u];", func(i int) float64 { return float64(1 + i%4) }},
	{"float modulo", "", "y[i] = f32(i32(i) - 32) % 5.0;", func(i int) float64 { return math.Mod(float64(i-32), 5) }},
	{"countLeadingZeros", "", "y[i] = f32(countLeadingZeros(i + 1u));", func(i int) float64 { return 31 - math.Floor(math.Log2(float64(i+1))) }},
	{"NaN differs from itself", "", "let v = x[i]; y[i] = select(0.0, 1.0, v != v);", func(i int) float64 { return float64(i / 63) }},
}

var undefinedCanaries = []canary{
	{"variable without initialiser", "", "for (var k = 0u; k < 3u; k = k + 1u) { var s: f32; s = s + 1.0; y[i] = s; }", one},
	{"array without initialiser", "", "var a: array<f32, 8>; for (var k = 0u; k < 8u; k = k + 1u) { a[k] = a[k] + 1.0; } y[i] = a[i % 8u];", one},
	{"float to integer out of range", "", "y[i] = f32(u32(x[i] * 1.0e10));", func(i int) float64 {
		if v := xAt(i); !(v > 0) {
			return 0
		}
		return min(xAt(i)*1e10, math.MaxUint32)
	}},
	{"unpack2x16float of a constant", "", "y[i] = unpack2x16float(0x3c00c000u).y;", one},
	{"compare-exchange loop", "var<workgroup> sum: atomic<u32>;", `
    if (i == 0u) { atomicStore(&sum, 0u); }
    workgroupBarrier();
    for (var done = false; !done;) {
        let old = atomicLoad(&sum);
        let r = atomicCompareExchangeWeak(&sum, old, bitcast<u32>(bitcast<f32>(old) + 1.0));
        done = r.exchanged;
    }
    workgroupBarrier();
    y[i] = bitcast<f32>(atomicLoad(&sum));`, func(int) float64 { return 64 }},
}

var rejectedCanaries = []canary{
	{name: "any", body: "y[i] = select(0.0, 1.0, any(vec2<bool>(i > 1u, i > 2u)));"},
	{name: "all", body: "y[i] = select(0.0, 1.0, all(vec2<bool>(i > 1u, i > 2u)));"},
	{name: "compound assignment through a pointer", module: "fn f(p: ptr<function, f32>) { *p += 1.0; }", body: "var a = 0.0; f(&a); y[i] = a;"},
	{name: "float arithmetic in a module constant without type", module: "const c = 2.0 * 3.0;", body: "y[i] = c;"},
	{name: "builtin in a module constant", module: "const c: f32 = sqrt(2.0);", body: "y[i] = c;"},
	{name: "comparison in a module constant", module: "const c: bool = 3u > 2u;", body: "y[i] = select(0.0, 1.0, c);"},
	{name: "literal without leading digit", body: "y[i] = .5;"},
	{name: "literal without digit after the point", body: "y[i] = 1.e0;"},
	{name: "hexadecimal float", body: "y[i] = 0x1.8p0;"},
	{name: "lone semicolon", body: "y[i] = 1.0;;"},
	{name: "requires", module: "requires readonly_and_readwrite_storage_textures;", body: "y[i] = 1.0;"},
}
