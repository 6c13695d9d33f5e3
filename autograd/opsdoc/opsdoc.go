// Package opsdoc writes docs/ops.md, the table of all operations, from their
// declarations. Its test says when the page is stale; run it with -update to
// write the page anew.
package opsdoc

import (
	"bytes"
	"fmt"
	"strings"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Markdown returns the page.
func Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Operations

Generated from the declarations in `+"`kernels/`"+`; `+"`go test ./autograd/opsdoc -update`"+` writes it anew.

Every operation has a plain Go reference (float32 and float64), a WGSL kernel and the cases it is checked on. An error
of up to `+"`abs * scale + rel * |want|`"+` passes, with scale the largest wanted magnitude (`+"`kernels/tolerance.go`"+`).
Operands: *int* is int32, *?* may be absent, *+=* is updated in place. Shaders are the kernels of the first case.

| operation | computes | inputs | outputs | tolerance (abs, rel) | cases | shaders |
| --- | --- | --- | --- | --- | --- | --- |
`)
	for _, op := range kernels.Ops() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %d | %s |\n", op.Name, escape(op.Doc), args(op.In), args(op.Out),
			tolerance(op.Tol), len(op.Cases), strings.Join(shadersOf(op), ", "))
	}
	fmt.Fprintf(&b, `
## Differentiable functions

Each is checked against central differences in float64 (`+"`autograd/gradcheck`"+`).

| function | cases |
| --- | --- |
`)
	for _, r := range autograd.Rules() {
		var names []string
		for _, c := range r.Cases {
			names = append(names, c.Name)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.Name, strings.Join(names, ", "))
	}
	return b.Bytes()
}

func escape(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func args(as []kernels.Arg) string {
	var out []string
	for _, a := range as {
		s := a.Name
		if a.Kind == kernels.Int {
			s += " *int*"
		}
		if a.Optional {
			s += " *?*"
		}
		if a.InOut {
			s += " *+=*"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func tolerance(t kernels.Tolerance) string {
	if t == kernels.Exact {
		return "exact"
	}
	return fmt.Sprintf("%.0e, %.0e", t.Abs, t.Rel)
}

// shadersOf returns the links to the shaders that the operation's first case
// runs.
func shadersOf(op *kernels.Op) []string {
	c := op.Cases[0]
	mem := tensor.NewHost()
	call := &kernels.Call{Op: op, P: c.P}
	shapes := make([][]int, len(c.In))
	for i, f := range c.In {
		if !f.Present() {
			call.In = append(call.In, nil)
			continue
		}
		shapes[i] = f.Shape
		call.In = append(call.In, alloc(mem, op.In[i].Kind, f.Shape))
	}
	inout := 0
	for i, s := range op.OutShapes(c.P, shapes) {
		if op.Out[i].InOut {
			s = c.InOut[inout].Shape
			inout++
		} else if s == nil {
			s = c.OutShapes[i]
		}
		call.Out = append(call.Out, alloc(mem, op.Out[i].Kind, s))
	}
	var names []string
	seen := map[string]bool{}
	for _, d := range kernels.PlanCall(call, kernels.BaseLimits).Dispatches {
		if !seen[d.Shader] {
			seen[d.Shader] = true
			names = append(names, fmt.Sprintf("[%s](../kernels/%s.wgsl)", d.Shader, d.Shader))
		}
	}
	return names
}

func alloc(mem tensor.Memory, k kernels.Kind, shape []int) *tensor.Tensor {
	if k == kernels.Int {
		return tensor.New(mem, tensor.I32, shape...)
	}
	return tensor.New(mem, tensor.F32, shape...)
}
