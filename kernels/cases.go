package kernels

import (
	"math"
	"math/rand/v2"

	"llana/tensor"
)

// Case is one set of parameters and inputs an operation is checked on.
type Case struct {
	Name string
	P    any
	In   []Fill // one for each input; the zero Fill for an absent one
	// InOut fills the outputs that are updated in place, in order.
	InOut []Fill
	// OutShapes are needed only where the operation leaves them to the caller.
	OutShapes [][]int
	// Bench marks the sizes that are timed; they are too large to check.
	Bench bool
	// Special allows inputs to be replaced by NaN and infinities, which must
	// then come out where the reference has them.
	Special bool
}

// Fill says how an operand of a case is filled.
type Fill struct {
	Shape []int
	Gen   func(r *rand.Rand, i int) float64
}

// Present reports whether the operand is there.
func (f Fill) Present() bool { return f.Gen != nil }

// Normal fills with N(0, 1).
func Normal(shape ...int) Fill {
	return Fill{shape, func(r *rand.Rand, _ int) float64 { return r.NormFloat64() }}
}

// Uniform fills with numbers in [lo, hi).
func Uniform(lo, hi float64, shape ...int) Fill {
	return Fill{shape, func(r *rand.Rand, _ int) float64 { return lo + (hi-lo)*r.Float64() }}
}

// Ints fills with integers in [lo, hi).
func Ints(lo, hi int, shape ...int) Fill {
	return Fill{shape, func(r *rand.Rand, _ int) float64 { return float64(lo + r.IntN(hi-lo)) }}
}

// Fixed fills with one value.
func Fixed(v float64, shape ...int) Fill {
	return Fill{shape, func(*rand.Rand, int) float64 { return v }}
}

// Values fills with the given elements.
func Values(v []float64, shape ...int) Fill {
	return Fill{shape, func(_ *rand.Rand, i int) float64 { return v[i] }}
}

// Make returns the elements, rounded to float32 so that devices of either
// precision see the same input.
func (f Fill) Make(r *rand.Rand) []float64 {
	v := make([]float64, tensor.Numel(f.Shape))
	for i := range v {
		v[i] = float64(float32(f.Gen(r, i)))
	}
	return v
}

// MakeSpecial is Make with NaN and both infinities strewn in.
func (f Fill) MakeSpecial(r *rand.Rand) []float64 {
	v := f.Make(r)
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if len(v) > 0 {
			v[r.IntN(len(v))] = x
		}
	}
	return v
}
