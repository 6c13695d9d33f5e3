package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// FrequencyEncode encodes unit coordinates u (..., D), a constant, as sines and
// cosines (..., D*2*octaves); see kernels.FrequencyEncode.
func FrequencyEncode(t *Tape, u *tensor.Tensor, octaves int) *Var {
	return t.Const(t.Run1(kernels.FrequencyEncode, kernels.EncodeParams{Octaves: octaves}, u))
}
