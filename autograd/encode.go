package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// FrequencyEncode encodes unit coordinates u (..., D) as sines and cosines
// (..., D*2*octaves); see kernels.FrequencyEncode.
func FrequencyEncode(u *Var, octaves int) *Var {
	t := u.tape
	p := kernels.EncodeParams{Octaves: octaves}
	y := t.Run1(kernels.FrequencyEncode, p, u.val)
	return t.Record1(y, []*Var{u}, nil, func(dy *tensor.Tensor) {
		du := t.Run1(kernels.FrequencyEncodeBackward, p, u.val, dy)
		u.AddGrad(du)
		du.Free()
	})
}

var _ = rule("frequency_encode", GradCase{
	Name: "three octaves", Shapes: [][]int{{4, 3}},
	F: func(_ *Tape, in []*Var) *Var { return FrequencyEncode(in[0], 3) },
})
