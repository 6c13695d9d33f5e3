//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
)

// No kernel reads workgroup memory that it did not write, which is not zeroed:
// all are right with poison in it. Variants of a kernel share its text, so that
// one of them is enough.
func TestPoisonedWorkgroupMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	d := openTest(t)
	poisoned := 0
	d.pipelines.rewrite = func(text string) string {
		p := poison(t, text)
		if p != text {
			poisoned++
		}
		return p
	}
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases {
			if c.Bench {
				continue
			}
			if r := conformance.Check(d, op, c, false); r.Err != nil {
				t.Errorf("%s, %s: %v", r.Op, r.Case, r.Err)
			}
		}
	}
	if poisoned == 0 {
		t.Error("no kernel with workgroup memory was found")
	}
}

var (
	workgroupVar   = regexp.MustCompile(`var\s*<\s*workgroup\s*>\s*(\w+)\s*:\s*(.*?)\s*;`)
	arrayType      = regexp.MustCompile(`^array<\s*(.*?)\s*,\s*(\w+)\s*>$`)
	workgroupSize  = regexp.MustCompile(`@workgroup_size\(([^)]*)\)`)
	localIndex     = regexp.MustCompile(`@builtin\(local_invocation_index\)\s*(\w+)`)
	mainParameters = regexp.MustCompile(`fn\s+main\s*\(`)
)

// poison makes main fill its workgroup memory with a NaN, or a large integer,
// before anything else.
func poison(t *testing.T, text string) string {
	vars := workgroupVar.FindAllStringSubmatch(lineComment.ReplaceAllString(text, ""), -1)
	if len(vars) == 0 {
		return text
	}
	index := "poison_index"
	if m := localIndex.FindStringSubmatch(text); m != nil {
		index = m[1]
	} else {
		text = mainParameters.ReplaceAllString(text, "${0}@builtin(local_invocation_index) poison_index: u32, ")
	}
	size := "1u"
	for _, f := range strings.Split(workgroupSize.FindStringSubmatch(text)[1], ",") {
		f = strings.TrimSpace(f)
		if regexp.MustCompile(`^\d+$`).MatchString(f) {
			f += "u"
		}
		size += " * " + f
	}
	const value = "bitcast<f32>(0x7fc5e171u)"
	values := map[string]string{
		"f32": value, "vec2<f32>": "vec2<f32>(" + value + ")", "vec4<f32>": "vec4<f32>(" + value + ")",
		"u32": "0x7fc5e171u", "i32": "0x7fc5e171i",
	}
	var fill strings.Builder
	for _, v := range vars {
		name, typ, count := v[1], v[2], ""
		if m := arrayType.FindStringSubmatch(typ); m != nil {
			name, typ, count = name+"[poison_k]", m[1], m[2]
		}
		if values[typ] == "" {
			t.Fatalf("do not know how to poison %s", v[0])
		}
		if count == "" {
			fmt.Fprintf(&fill, "if (%s == 0u) { %s = %s; }\n", index, name, values[typ])
			continue
		}
		fmt.Fprintf(&fill, "for (var poison_k = %s; poison_k < u32(%s); poison_k = poison_k + %s) { %s = %s; }\n", index, count, size, name, values[typ])
	}
	at := mainParameters.FindStringIndex(text)[0]
	at += strings.Index(text[at:], "{") + 1
	return text[:at] + "\n" + fill.String() + "workgroupBarrier();\n" + text[at:]
}

// The poison arrives.
func TestPoison(t *testing.T) {
	d := openTest(t)
	c := canary{name: "poisoned", module: "var<workgroup> w: array<vec4<f32>, 70>;\nvar<workgroup> n: u32;",
		body: "y[i] = w[i + 6u].w; if (n == 0x7fc5e171u && i == 0u) { y[0] = 5.0; }"}
	p, err := d.pipelines.compile(d.hal, c.name, poison(t, c.text()))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range runCanary(t, d, p) {
		if want := i == 0; (v == 5) != want || (v != v) == want {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}
