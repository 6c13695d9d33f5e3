package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Sum returns the sum along an axis, which is dropped; negative axes count
// from the last.
func Sum(x *Var, axis int) *Var {
	t := x.tape
	y := t.Run1(kernels.Sum, kernels.ReduceParams{Axis: axis}, x.val)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) { x.addRepeatedGrad(dy, axis) })
}

// Mean returns the mean along an axis, which is dropped.
func Mean(x *Var, axis int) *Var {
	t := x.tape
	y := t.Run1(kernels.Mean, kernels.ReduceParams{Axis: axis}, x.val)
	n := x.Dim(axis)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		each := t.Run1(kernels.Scale, kernels.ScaleParams{By: 1 / float32(n)}, dy)
		x.addRepeatedGrad(each, axis)
		each.Free()
	})
}

// SumAll returns the sum of all elements, of shape [1].
func SumAll(x *Var) *Var { return Sum(x.View(1, -1), 1) }

// MeanAll returns the mean of all elements, of shape [1].
func MeanAll(x *Var) *Var { return Mean(x.View(1, -1), 1) }

// Max returns the largest elements along an axis, which is dropped. The
// gradient goes to the first of equal ones.
func Max(x *Var, axis int) *Var {
	t := x.tape
	if axis < 0 {
		axis += len(x.Shape())
	}
	out := t.Run(kernels.Max, kernels.ReduceParams{Axis: axis}, x.val)
	y, at := out[0], out[1]
	n := x.Dim(axis)
	return t.Record1(y, []*Var{x}, []*tensor.Tensor{at}, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.MaxBackward, kernels.MaxBackwardParams{Axis: axis, Len: n}, at, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

// addRepeatedGrad adds dy, repeated along an axis that it lacks.
func (v *Var) addRepeatedGrad(dy *tensor.Tensor, axis int) {
	if !v.NeedsGrad() {
		return
	}
	s := v.Shape()
	if axis < 0 {
		axis += len(s)
	}
	n, inner := s[axis], tensor.Numel(s[axis+1:])
	dx, add := v.GradTarget()
	v.tape.RunInto(kernels.CopyBlock, kernels.BlockParams{
		Dims: [4]int{1, tensor.Numel(s[:axis]), n, inner},
		From: [4]int{0, inner, 0, 1},
		To:   [4]int{0, n * inner, inner, 1},
		Add:  add,
	}, []*tensor.Tensor{dy}, dx)
}

var _ = rule("reduce",
	reduceCase("sum, last axis", func(x *Var) *Var { return Sum(x, -1) }),
	reduceCase("sum, first axis", func(x *Var) *Var { return Sum(x, 0) }),
	reduceCase("mean, middle axis", func(x *Var) *Var { return Mean(x, 1) }),
	reduceCase("max, middle axis", func(x *Var) *Var { return Max(x, 1) }),
	reduceCase("max, last axis", func(x *Var) *Var { return Max(x, -1) }),
	reduceCase("sum of all", SumAll), reduceCase("mean of all", MeanAll),
	reduceCase("used twice", func(x *Var) *Var { return Add(Sum(x, 1), Mean(x, 1)) }))

func reduceCase(name string, f func(*Var) *Var) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{3, 4, 5}}, F: func(_ *Tape, in []*Var) *Var { return f(in[0]) }}
}
