package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Softmax returns exp(x) / sum exp(x) over the last axis.
func Softmax(x *Var) *Var {
	t := x.tape
	y := t.Run1(kernels.Softmax, kernels.None{}, x.val)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.SoftmaxBackward, kernels.None{}, y, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

var _ = rule("softmax", GradCase{Name: "three axes", Shapes: [][]int{{2, 3, 5}},
	F: func(_ *Tape, in []*Var) *Var { return Softmax(in[0]) }})
