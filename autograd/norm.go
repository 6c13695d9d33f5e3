package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// LayerNorm normalises the last axis of x (..., n) and scales it with w (n)
// and b (n), as torch.nn.LayerNorm.
func LayerNorm(x, w, b *Var, eps float32) *Var {
	t := x.tape
	out := t.Run(kernels.LayerNorm, kernels.NormParams{Eps: eps}, x.val, w.val, b.val)
	y, mean, rstd := out[0], out[1], out[2]
	return t.Record1(y, []*Var{x, w, b}, []*tensor.Tensor{mean, rstd}, func(dy *tensor.Tensor) {
		g := t.Run(kernels.LayerNormBackward, kernels.None{}, x.val, w.val, mean, rstd, dy)
		x.AddGrad(g[0])
		w.AddGrad(g[1])
		b.AddGrad(g[2])
		freeAll(g)
	})
}

// RMSNorm divides the last axis of x (..., n) by its root mean square and
// scales it with w (n).
func RMSNorm(x, w *Var, eps float32) *Var {
	t := x.tape
	out := t.Run(kernels.RMSNorm, kernels.NormParams{Eps: eps}, x.val, w.val)
	y, rstd := out[0], out[1]
	return t.Record1(y, []*Var{x, w}, []*tensor.Tensor{rstd}, func(dy *tensor.Tensor) {
		g := t.Run(kernels.RMSNormBackward, kernels.None{}, x.val, w.val, rstd, dy)
		x.AddGrad(g[0])
		w.AddGrad(g[1])
		freeAll(g)
	})
}

func freeAll(ts []*tensor.Tensor) {
	for _, x := range ts {
		x.Free()
	}
}

var _ = rule("layer_norm",
	GradCase{Name: "odd", Shapes: [][]int{{3, 7}, {7}, {7}},
		F: func(_ *Tape, in []*Var) *Var { return LayerNorm(in[0], in[1], in[2], 1e-5) }},
	GradCase{Name: "three axes", Shapes: [][]int{{2, 2, 5}, {5}, {5}},
		F: func(_ *Tape, in []*Var) *Var { return LayerNorm(in[0], in[1], in[2], 1e-2) }})

var _ = rule("rms_norm",
	GradCase{Name: "odd", Shapes: [][]int{{3, 7}, {7}},
		F: func(_ *Tape, in []*Var) *Var { return RMSNorm(in[0], in[1], 1e-5) }})
