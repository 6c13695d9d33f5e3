package dialect

import (
	"fmt"

	"github.com/gogpu/naga"
	"github.com/gogpu/naga/ir"
)

// What every WebGPU device allows; kernels' base versions stay inside.
const (
	maxInvocations    = 256
	maxWorkgroupBytes = 16 << 10
	maxStorage        = 8
)

// checkTypes compiles text and checks what its wording does not show.
func checkTypes(text string) []Fault {
	ast, err := naga.Parse(text)
	if err != nil {
		return []Fault{{Rule: "does not parse: " + err.Error()}}
	}
	m, err := naga.LowerWithSource(ast, text)
	if err != nil {
		return []Fault{{Rule: "does not compile: " + err.Error()}}
	}
	var faults []Fault
	add := func(format string, args ...any) {
		faults = append(faults, Fault{Rule: fmt.Sprintf(format, args...)})
	}
	if _, err := naga.Compile(text); err != nil {
		add("does not compile: %v", err)
	}
	for i := range m.Functions {
		checkFunction(m, &m.Functions[i], add)
	}
	if len(m.EntryPoints) != 1 || m.EntryPoints[0].Name != "main" || m.EntryPoints[0].Stage != ir.StageCompute {
		add("want one compute entry point, main")
	}
	for i := range m.EntryPoints {
		e := &m.EntryPoints[i]
		checkFunction(m, &e.Function, add)
		if n := e.Workgroup[0] * e.Workgroup[1] * e.Workgroup[2]; n > maxInvocations {
			add("workgroup of %d invocations, at most %d", n, maxInvocations)
		}
	}
	checkGlobals(m, add)
	return faults
}

func checkFunction(m *ir.Module, f *ir.Function, add func(string, ...any)) {
	for _, e := range f.Expressions {
		b, ok := e.Kind.(ir.ExprBinary)
		if !ok || b.Op != ir.BinaryModulo {
			continue
		}
		if t, err := ir.ResolveExpressionType(m, f, b.Left); err == nil && isFloat(m, t) {
			add("function %s: float %% is floored, not truncated: x - y * trunc(x / y)", f.Name)
		}
	}
}

func isFloat(m *ir.Module, t ir.TypeResolution) bool {
	inner := t.Value
	if t.Handle != nil {
		inner = m.Types[*t.Handle].Inner
	}
	switch x := inner.(type) {
	case ir.ScalarType:
		return x.Kind == ir.ScalarFloat
	case ir.VectorType:
		return x.Scalar.Kind == ir.ScalarFloat
	}
	return false
}

func checkGlobals(m *ir.Module, add func(string, ...any)) {
	storage, workgroup := 0, 0
	for _, g := range m.GlobalVariables {
		switch g.Space {
		case ir.SpaceStorage:
			storage++
		case ir.SpaceWorkGroup:
			workgroup += int(ir.TypeSize(m, g.Type))
		}
	}
	if storage > maxStorage {
		add("%d storage bindings, at most %d", storage, maxStorage)
	}
	if workgroup > maxWorkgroupBytes {
		add("%d bytes of workgroup memory, at most %d", workgroup, maxWorkgroupBytes)
	}
}
