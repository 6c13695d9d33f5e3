package kernels

import (
	"fmt"
	"sort"

	"llana/tensor"
)

// Kind is what the elements of an operand are.
type Kind uint8

const (
	Float Kind = iota // float32; float64 on the float64 reference device
	Int               // int32
)

// Arg names an operand of an operation.
type Arg struct {
	Name     string
	Kind     Kind
	Optional bool // an input that may be absent: nil, or left out behind the last that is present
	Packed   bool // a float operand that may be stored in a packed type; references see it widened
	InOut    bool // an output whose former contents are read
}

// Cost is the work of a call, as an ideal implementation would do it: each
// operand crosses the memory bus once.
type Cost struct {
	FLOPs int64
	Bytes int64
}

// Op is one operation: its meaning, its kernels and how it is checked. Make
// one with Declare.
type Op struct {
	Name  string
	Doc   string // what it computes, for docs/ops.md
	In    []Arg
	Out   []Arg
	Tol   Tolerance
	Cases []Case

	shapes func(p any, in [][]int) [][]int
	ref32  func(p any, in, out []View[float32])
	ref64  func(p any, in, out []View[float64])
	shader func(p any, pl *Plan)
	cost   func(p any, in, out [][]int) Cost
}

// Decl declares an operation with parameters of type P.
type Decl[P any] struct {
	Name string
	Doc  string
	In   []Arg
	Out  []Arg

	// Shapes gives the outputs' shapes, and panics with a ShapeError (use
	// Check) if the inputs do not fit. An absent input has a nil shape.
	Shapes func(p P, in [][]int) [][]int
	// Ref32 and Ref64 are the plain reference: two instantiations of one
	// generic function. It defines what the operation means.
	Ref32 func(p P, in, out []View[float32])
	Ref64 func(p P, in, out []View[float64])
	// Shader says which dispatches of which WGSL files compute it.
	Shader func(p P, pl *Plan)
	// Cost counts floating-point operations; Bytes may be left 0: the sum of
	// the operands' sizes is taken.
	Cost func(p P, in, out [][]int) Cost
	Tol  Tolerance
	// Cases are the parameters and shapes it is checked and timed on.
	Cases []Case
}

var registry = map[string]*Op{}

// Declare registers an operation. It panics on a declaration that is not
// complete, when the program starts.
func Declare[P any](d Decl[P]) *Op {
	if d.Shapes == nil || d.Ref32 == nil || d.Ref64 == nil || d.Shader == nil || d.Cost == nil || len(d.Cases) == 0 {
		panic(fmt.Sprintf("kernels: declaration of %q is not complete", d.Name))
	}
	if registry[d.Name] != nil {
		panic(fmt.Sprintf("kernels: %q declared twice", d.Name))
	}
	op := &Op{Name: d.Name, Doc: d.Doc, In: d.In, Out: d.Out, Tol: d.Tol, Cases: d.Cases}
	op.shapes = func(p any, in [][]int) [][]int { return d.Shapes(p.(P), padded(op, in)) }
	op.ref32 = func(p any, in, out []View[float32]) { d.Ref32(p.(P), in, out) }
	op.ref64 = func(p any, in, out []View[float64]) { d.Ref64(p.(P), in, out) }
	op.shader = func(p any, pl *Plan) { d.Shader(p.(P), pl) }
	op.cost = func(p any, in, out [][]int) Cost { return d.Cost(p.(P), padded(op, in), out) }
	registry[d.Name] = op
	return op
}

// Ops returns every declared operation, sorted by name.
func Ops() []*Op {
	ops := make([]*Op, 0, len(registry))
	for _, op := range registry {
		ops = append(ops, op)
	}
	sort.Slice(ops, func(i, j int) bool { return ops[i].Name < ops[j].Name })
	return ops
}

// OutShapes returns the shapes of the outputs for inputs of the given shapes.
func (op *Op) OutShapes(p any, in [][]int) [][]int { return op.shapes(p, in) }

// padded appends what is missing of a list of inputs.
func padded[T any](op *Op, in []T) []T {
	if len(in) < len(op.In) {
		in = append(in[:len(in):len(in)], make([]T, len(op.In)-len(in))...)
	}
	return in
}

// Call is one operation on concrete tensors. In holds nil for an absent
// optional input.
type Call struct {
	Op  *Op
	P   any
	In  []*tensor.Tensor
	Out []*tensor.Tensor
	// Variant forces one of the kernel's variants (see Variants), where the
	// call has it; empty, the device chooses.
	Variant string
}

// Cost returns the call's work.
func (c *Call) Cost() Cost {
	in, out := shapesOf(c.In), shapesOf(c.Out)
	cost := c.Op.cost(c.P, in, out)
	if cost.Bytes == 0 {
		for _, t := range c.In {
			if t != nil {
				cost.Bytes += int64(t.Bytes())
			}
		}
		for i, t := range c.Out {
			cost.Bytes += int64(t.Bytes())
			if c.Op.Out[i].InOut {
				cost.Bytes += int64(t.Bytes())
			}
		}
	}
	return cost
}

func shapesOf(ts []*tensor.Tensor) [][]int {
	shapes := make([][]int, len(ts))
	for i, t := range ts {
		if t != nil {
			shapes[i] = t.Shape()
		}
	}
	return shapes
}
