package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Triplane samples the planes that tokens (B, 3 R R, C) form at points
// (B, N, 3) in [-1, 1], giving (B, N, C); see kernels.Triplane. The points are
// constants.
func Triplane(tokens *Var, points *tensor.Tensor) *Var {
	t := tokens.tape
	y := t.Run1(kernels.Triplane, kernels.None{}, tokens.val, points)
	return t.Record1(y, []*Var{tokens}, nil, func(dy *tensor.Tensor) {
		d := t.Run1(kernels.TriplaneBackward, kernels.None{}, tokens.val, points, dy)
		tokens.AddGrad(d)
		d.Free()
	})
}

var _ = rule("triplane", GradCase{Name: "batch", Shapes: [][]int{{2, 12, 5}}, F: func(t *Tape, in []*Var) *Var {
	points := t.Float32([]float32{0, 0, 0, .3, -.7, 1, -1, 1, .2, 1.4, 0, 0, -.2, .5, .9, .1, .1, -.6}, 2, 3, 3)
	return Triplane(in[0], points.val)
}})
