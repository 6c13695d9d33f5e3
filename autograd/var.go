package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Var is a tensor on a tape, with a gradient if it needs one.
type Var struct {
	tape  *Tape
	val   *tensor.Tensor
	grad  *tensor.Tensor
	leaf  *Leaf
	needs bool
	kept  bool
}

// Leaf is a tensor that gradients are wanted for: a parameter. Its value and
// gradient outlive tapes.
type Leaf struct {
	Value  *tensor.Tensor
	Grad   *tensor.Tensor // nil until the first Backward that reaches it
	Frozen bool           // treated as a constant
	has    bool           // Grad holds a sum, not a former step's leftovers
}

// ZeroGrad starts a new sum of gradients.
func (l *Leaf) ZeroGrad() { l.has = false }

// HasGrad reports whether a gradient was added since ZeroGrad.
func (l *Leaf) HasGrad() bool { return l.has }

// MarkGrad makes Grad, written by other means than a tape, count as a gradient.
func (l *Leaf) MarkGrad() { l.has = true }

// Free frees the leaf's tensors.
func (l *Leaf) Free() {
	l.Value.Free()
	l.Grad.Free()
	l.Grad, l.has = nil, false
}

// Use brings a leaf onto the tape.
func (t *Tape) Use(l *Leaf) *Var {
	return &Var{tape: t, val: l.Value, leaf: l, needs: t.record && !l.Frozen}
}

// Tape returns the tape the variable is on.
func (v *Var) Tape() *Tape { return v.tape }

// Value returns the variable's tensor.
func (v *Var) Value() *tensor.Tensor { return v.val }

// Shape returns the shape of the variable's tensor.
func (v *Var) Shape() []int { return v.val.Shape() }

// Dim returns the length of an axis; negative i counts from the last.
func (v *Var) Dim(i int) int { return v.val.Dim(i) }

// NeedsGrad reports whether the variable depends on a leaf that is not frozen.
func (v *Var) NeedsGrad() bool { return v != nil && v.needs }

// Keep makes Backward leave the variable's value, to be read later. Release
// still frees it.
func (v *Var) Keep() *Var { v.kept = true; return v }

// Detach returns the same values as a constant.
func (v *Var) Detach() *Var { return &Var{tape: v.tape, val: v.val} }

// AddGrad adds g, which the tape owns, to the variable's gradient. g may be
// shared: it is never written to while somebody else holds it.
func (v *Var) AddGrad(g *tensor.Tensor) {
	if !v.NeedsGrad() {
		return
	}
	kernels.Check(tensor.SameShape(g.Shape(), v.Shape()), "gradient", [][]int{g.Shape(), v.Shape()}, "gradient does not have the variable's shape")
	if v.leaf == nil && v.grad == nil {
		v.grad = v.tape.Own(g.View(g.Shape()...))
		return
	}
	if v.leaf == nil && v.grad.Shared() {
		sum := v.tape.Run1(kernels.Add, kernels.None{}, v.grad, g)
		v.grad.Free()
		v.grad = sum
		return
	}
	target, add := v.GradTarget()
	if add {
		v.tape.RunInto(kernels.Accumulate, kernels.None{}, []*tensor.Tensor{g}, target)
	} else {
		v.tape.RunInto(kernels.Copy, kernels.None{}, []*tensor.Tensor{g}, target)
	}
}

// GradTarget returns a tensor to write the variable's gradient to, and whether
// to add to what it holds instead of overwriting it. It saves operations that
// can add to their output a temporary tensor and a pass over memory. Call it
// only on a variable that needs a gradient, and write at once.
func (v *Var) GradTarget() (target *tensor.Tensor, add bool) {
	if l := v.leaf; l != nil {
		if l.Grad == nil {
			l.Grad = tensor.New(v.tape.dev, v.val.DType(), v.Shape()...)
		}
		add, l.has = l.has, true
		return l.Grad, add
	}
	if v.grad == nil {
		v.grad = v.tape.Own(tensor.New(v.tape.dev, v.val.DType(), v.Shape()...))
		return v.grad, false
	}
	if v.grad.Shared() {
		own := v.tape.Run1(kernels.Copy, kernels.None{}, v.grad)
		v.grad.Free()
		v.grad = own
	}
	return v.grad, true
}

// View returns v under another shape with the same number of elements; one
// length may be -1.
func (v *Var) View(shape ...int) *Var {
	t := v.tape
	y := t.Own(v.val.View(shape...))
	old := v.Shape()
	return t.Record1(y, []*Var{v}, nil, func(dy *tensor.Tensor) {
		g := t.Own(dy.View(old...))
		v.AddGrad(g)
		g.Free()
	})
}
