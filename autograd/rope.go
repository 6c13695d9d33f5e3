package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// RoPE turns each head of x (B, T, H, D) by its token's position, which is
// offset + t for token t; see kernels.RoPE.
func RoPE(x *Var, theta float32, offset int) *Var {
	t := x.tape
	p := kernels.RoPEParams{Theta: theta, Offset: offset}
	y := t.Run1(kernels.RoPE, p, x.val, nil)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		p.Inverse = true // the transpose of a rotation
		dx := t.Run1(kernels.RoPE, p, dy, nil)
		x.AddGrad(dx)
		dx.Free()
	})
}

var _ = rule("rope", GradCase{Name: "offset", Shapes: [][]int{{2, 3, 2, 6}},
	F: func(_ *Tape, in []*Var) *Var { return RoPE(in[0], 10000, 5) }})
