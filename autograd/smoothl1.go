package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// SmoothL1 returns the mean smooth L1 distance (beta 1) of pred and target, of
// shape [1].
func SmoothL1(pred, target *Var) *Var {
	t := pred.tape
	y := t.Run1(kernels.SmoothL1, kernels.None{}, pred.val, target.val)
	return t.Record1(y, []*Var{pred, target}, nil, func(dy *tensor.Tensor) {
		d := t.Run1(kernels.SmoothL1Backward, kernels.None{}, pred.val, target.val, dy)
		pred.AddGrad(d)
		if target.needs {
			minus := t.Run1(kernels.Scale, kernels.ScaleParams{By: -1}, d)
			target.AddGrad(minus)
			minus.Free()
		}
		d.Free()
	})
}

var _ = rule("smooth_l1",
	GradCase{Name: "both sides", Shapes: [][]int{{4, 5}, {4, 5}},
		F: func(_ *Tape, in []*Var) *Var { return SmoothL1(in[0], in[1]) }})
