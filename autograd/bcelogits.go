package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// BCELogits returns the mean binary cross entropy of logits x and target, of
// shape [1]; see kernels.BCELogits. target and weight, which may be nil, are
// constants of x's shape.
func BCELogits(x *Var, target, weight *tensor.Tensor) *Var {
	t := x.tape
	y := t.Run1(kernels.BCELogits, kernels.None{}, x.val, target, weight)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.BCELogitsBackward, kernels.None{}, x.val, target, weight, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

var _ = rule("bce_logits", bceGradCase("plain", false), bceGradCase("weighted", true))

func bceGradCase(name string, weighted bool) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{2, 3}}, F: func(t *Tape, in []*Var) *Var {
		var weight *tensor.Tensor
		if weighted {
			weight = t.Float32([]float32{1, 4, 0, 0.5, 2, 1}, 2, 3).val
		}
		return BCELogits(in[0], t.Float32([]float32{0, 1, 0.5, 1, 0.2, 0}, 2, 3).val, weight)
	}}
}
