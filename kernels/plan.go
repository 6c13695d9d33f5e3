package kernels

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"math"
	"strings"
	"text/template"

	"llana/tensor"
)

//go:embed *.wgsl
var shaders embed.FS

// Plan collects the dispatches that compute a call on a GPU. A GPU device
// makes one for each launch and runs its dispatches in order, with a barrier
// between any two.
type Plan struct {
	In, Out    []*tensor.Tensor
	Limits     Limits
	Dispatches []Dispatch
	Scratch    []int // sizes in bytes of the temporary buffers asked for
}

// Dispatch is one run of a WGSL kernel.
type Dispatch struct {
	Shader string   // file name without .wgsl
	Consts []Const  // put before the text as module constants
	Params []uint32 // words of the uniform block at binding 0
	Bind   []Bind   // storage buffers from binding 1 on
	Groups [3]uint32
}

// Bind is what a storage binding refers to: a tensor, a temporary buffer, or
// nothing (an absent input: any small buffer will do).
type Bind struct {
	T       *tensor.Tensor
	Scratch int // 1 + index into Plan.Scratch, or 0
}

// Const is a compile-time constant of a shader: uint32, int, float32, bool, or a
// string that only the file's template actions see.
// Kernels are specialised by text, since the library ignores WGSL's override
// constants.
type Const struct {
	Name  string
	Value any
}

// PlanCall returns the dispatches of a call under the given limits.
func PlanCall(c *Call, l Limits) *Plan {
	pl := &Plan{In: padded(c.Op, c.In), Out: c.Out, Limits: l}
	c.Op.shader(c.P, pl)
	return pl
}

// Temp asks for a temporary buffer of n 4-byte elements.
func (pl *Plan) Temp(n int) Bind {
	pl.Scratch = append(pl.Scratch, 4*n)
	return Bind{Scratch: len(pl.Scratch)}
}

// B binds a tensor, which may be nil.
func B(t *tensor.Tensor) Bind { return Bind{T: t} }

// Operands binds all inputs, then all outputs: the usual order.
func (pl *Plan) Operands() []Bind {
	var b []Bind
	for _, t := range pl.In {
		b = append(b, B(t))
	}
	for _, t := range pl.Out {
		b = append(b, B(t))
	}
	return b
}

// Dispatch adds a run of shader with the given grid of workgroups. A grid with
// a zero length is left out.
func (pl *Plan) Dispatch(shader string, consts []Const, params []uint32, bind []Bind, groups [3]uint32) {
	if groups[0] == 0 || groups[1] == 0 || groups[2] == 0 {
		return
	}
	pl.Dispatches = append(pl.Dispatches, Dispatch{shader, consts, params, bind, groups})
}

// Fold spreads n workgroups over x and y, because a dimension holds at most
// 65535. The shader finds its number as wid.x + wid.y * num_workgroups.x and
// must return when it is not below n.
func (pl *Plan) Fold(n int) [3]uint32 {
	m := pl.Limits.MaxGroups
	if n <= m {
		return [3]uint32{uint32(n), 1, 1}
	}
	y := (n + m - 1) / m
	return [3]uint32{uint32((n + y - 1) / y), uint32(y), 1}
}

// Words packs uniform parameters: int, int32, uint32 and bool become u32 (a
// negative int its two's complement), float32 its bits.
func Words(vals ...any) []uint32 {
	w := make([]uint32, len(vals))
	for i, v := range vals {
		switch v := v.(type) {
		case int:
			w[i] = uint32(v)
		case int32:
			w[i] = uint32(v)
		case uint32:
			w[i] = v
		case float32:
			w[i] = math.Float32bits(v)
		case bool:
			if v {
				w[i] = 1
			}
		default:
			panic(fmt.Sprintf("kernels: parameter of type %T", v))
		}
	}
	return w
}

// Key identifies the specialised text of a dispatch's shader.
func (d *Dispatch) Key() string {
	var b strings.Builder
	b.WriteString(d.Shader)
	for _, c := range d.Consts {
		fmt.Fprintf(&b, " %s=%v", c.Name, c.Value)
	}
	return b.String()
}

// Source returns the specialised WGSL text: the constants, then the file. A
// file may use text/template actions over the constants' names, to unroll a
// loop or leave a binding out, and {{include "file" arguments}} for what several
// shaders share: that file sees the constants, and the arguments as .Args.
func (d *Dispatch) Source() (string, error) {
	var b strings.Builder
	values := map[string]any{}
	for _, c := range d.Consts {
		values[c.Name] = c.Value
		switch v := c.Value.(type) {
		case int, uint32:
			fmt.Fprintf(&b, "const %s: u32 = %du;\n", c.Name, v)
		case float32:
			fmt.Fprintf(&b, "const %s: f32 = %s;\n", c.Name, floatLiteral(v))
		case bool:
			fmt.Fprintf(&b, "const %s: bool = %t;\n", c.Name, v)
		case string: // for the template alone
		default:
			return "", fmt.Errorf("kernels: constant %s of type %T", c.Name, v)
		}
	}
	text, err := render(d.Shader, values)
	b.WriteString(text)
	return b.String(), err
}

// render executes a shader file as a template over values.
func render(shader string, values map[string]any) (string, error) {
	text, err := shaders.ReadFile(shader + ".wgsl")
	if err != nil {
		return "", fmt.Errorf("kernels: no shader %q: %w", shader, err)
	}
	if !bytes.Contains(text, []byte("{{")) {
		return string(text), nil
	}
	include := func(name string, args ...any) (string, error) {
		inner := maps.Clone(values)
		inner["Args"] = args
		return render(name, inner)
	}
	tmpl, err := template.New(shader).Funcs(templateFuncs).Funcs(template.FuncMap{"include": include}).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("kernels: shader %q: %w", shader, err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, values); err != nil {
		return "", fmt.Errorf("kernels: shader %q: %w", shader, err)
	}
	return b.String(), nil
}

// templateFuncs are what a shader's template may call, besides include.
var templateFuncs = template.FuncMap{
	"seq":  seq,
	"xyzw": xyzw,
	"add":  func(a, b int) int { return a + b },
	"mul":  func(a, b int) int { return a * b },
	"div":  func(a, b int) int { return a / b },
	"max":  func(a, b int) int { return max(a, b) },
}

// xyzw returns the name of component i modulo 4 of a vector.
func xyzw(i int) string { return "xyzw"[i%4 : i%4+1] }

// seq returns 0..n-1, to unroll loops in templates.
func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// floatLiteral writes v so that WGSL reads the same float32; the library's
// compiler accepts neither ".5" nor "1.e0".
func floatLiteral(v float32) string {
	s := fmt.Sprintf("%v", v)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	if i := strings.IndexByte(s, 'e'); i >= 0 && !strings.Contains(s[:i], ".") {
		s = s[:i] + ".0" + s[i:]
	}
	return s
}
