package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Dropout drops elements of x with probability p in [0, 1) and scales the
// others by 1 / (1 - p), on a tape that is training; on others it returns x.
func Dropout(x *Var, p float32) *Var {
	t := x.tape
	if !t.training || p == 0 {
		return x
	}
	seed := t.seedTensor()
	y := t.Run1(kernels.Dropout, kernels.DropoutParams{P: p}, x.val, seed)
	return t.Record1(y, []*Var{x}, []*tensor.Tensor{seed}, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.Dropout, kernels.DropoutParams{P: p}, dy, seed)
		x.AddGrad(dx)
		dx.Free()
	})
}

// seedTensor uploads the tape's next seed.
func (t *Tape) seedTensor() *tensor.Tensor { return t.Int32([]int32{int32(t.NextSeed())}, 1) }

var _ = rule("dropout", GradCase{Name: "half", Shapes: [][]int{{5, 7}},
	F: func(_ *Tape, in []*Var) *Var { return Dropout(in[0], 0.5) }})
