package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Transpose reorders axes: axis i of the result is axis perm[i] of x. All axes
// must be named, at most kernels.MaxRank.
func Transpose(x *Var, perm ...int) *Var {
	t := x.tape
	kernels.Check(len(perm) == len(x.Shape()) && len(perm) <= kernels.MaxRank, "permute", [][]int{x.Shape()}, "%d axes named", len(perm))
	var p, inverse kernels.PermuteParams
	copy(p.Perm[:], perm)
	y := t.Run1(kernels.Permute, p, x.val)
	for i, k := range perm {
		inverse.Perm[k] = i
	}
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.Permute, inverse, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

var _ = rule("transpose",
	GradCase{Name: "matrix", Shapes: [][]int{{3, 4}}, F: func(_ *Tape, in []*Var) *Var { return Transpose(in[0], 1, 0) }},
	GradCase{Name: "rotated", Shapes: [][]int{{2, 3, 4}}, F: func(_ *Tape, in []*Var) *Var { return Transpose(in[0], 2, 0, 1) }})
