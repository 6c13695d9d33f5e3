package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// BatchNorm normalises every channel (last axis) of x (..., c) and scales it
// with w (c) and b (c), as torch.nn.BatchNorm1d with channels last. On a
// training tape it uses the batch's statistics and moves the running ones, mean
// and variance (c), towards them by momentum; on any other it uses the running
// ones. It must not stand in a Block that is run again.
func BatchNorm(x, w, b *Var, mean, variance *tensor.Tensor, eps, momentum float32) *Var {
	t := x.tape
	p := kernels.NormParams{Eps: eps}
	if !t.training {
		y := t.Run1(kernels.BatchNormInference, p, x.val, w.val, b.val, mean, variance)
		return t.Record1(y, []*Var{x, w, b}, nil, func(dy *tensor.Tensor) {
			batchNormGrad(x, w, b, mean, variance, dy, kernels.BatchNormBackwardParams{Eps: eps, Given: true})
		})
	}
	out := t.Run(kernels.BatchNorm, p, x.val, w.val, b.val)
	y, m, v := out[0], out[1], out[2]
	t.RunInto(kernels.BatchNormUpdate, kernels.BatchNormUpdateParams{Momentum: momentum, Rows: x.val.Len() / max(1, x.Dim(-1))},
		[]*tensor.Tensor{m, v}, mean, variance)
	return t.Record1(y, []*Var{x, w, b}, []*tensor.Tensor{m, v}, func(dy *tensor.Tensor) {
		batchNormGrad(x, w, b, m, v, dy, kernels.BatchNormBackwardParams{Eps: eps})
	})
}

func batchNormGrad(x, w, b *Var, mean, variance, dy *tensor.Tensor, p kernels.BatchNormBackwardParams) {
	g := x.tape.Run(kernels.BatchNormBackward, p, x.val, w.val, mean, variance, dy)
	x.AddGrad(g[0])
	w.AddGrad(g[1])
	b.AddGrad(g[2])
	freeAll(g)
}

var _ = rule("batch_norm",
	GradCase{Name: "training", Shapes: [][]int{{2, 5, 3}, {3}, {3}}, F: batchNormCase},
	GradCase{Name: "running statistics", Shapes: [][]int{{5, 3}, {3}, {3}}, F: func(t *Tape, in []*Var) *Var {
		defer func(was bool) { t.training = was }(t.training)
		t.training = false
		return batchNormCase(t, in)
	}})

func batchNormCase(t *Tape, in []*Var) *Var {
	mean, variance := t.Float32([]float32{0.5, -1, 0}, 3), t.Float32([]float32{2, 0.3, 1}, 3)
	return BatchNorm(in[0], in[1], in[2], mean.val, variance.val, 1e-5, 0.1)
}
