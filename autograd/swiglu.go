package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// SwiGLU returns silu(gate) up, element-wise.
func SwiGLU(gate, up *Var) *Var {
	t := gate.tape
	y := t.Run1(kernels.SwiGLU, kernels.None{}, gate.val, up.val)
	return t.Record1(y, []*Var{gate, up}, nil, func(dy *tensor.Tensor) {
		d := t.Run(kernels.SwiGLUBackward, kernels.None{}, gate.val, up.val, dy)
		gate.AddGrad(d[0])
		up.AddGrad(d[1])
		d[0].Free()
		d[1].Free()
	})
}

var _ = rule("swiglu",
	GradCase{Name: "two inputs", Shapes: [][]int{{3, 5}, {3, 5}},
		F: func(_ *Tape, in []*Var) *Var { return SwiGLU(in[0], in[1]) }},
	GradCase{Name: "one input twice", Shapes: [][]int{{7}},
		F: func(_ *Tape, in []*Var) *Var { return SwiGLU(in[0], in[0]) }})
