package kernels

import "math"

// EncodeParams are the parameters of FrequencyEncode.
type EncodeParams struct{ Octaves int }

// FrequencyEncode encodes unit coordinates u (..., D), normally in [0, 1], as
// (..., D * 2 * Octaves): feature 2*Octaves*d + 2*k is sin(pi 2^k u_d), the
// next one cos(pi 2^k u_d), as tiny-cuda-nn's "Frequency" encoding orders
// them. u 2^k is exact in float32 and so is its remainder modulo 2: reducing
// first keeps full accuracy at every octave, where a float32 argument
// pi 2^k u would lose all of it.
var FrequencyEncode = Declare(Decl[EncodeParams]{
	Name: "frequency_encode", Doc: "y = sin(pi 2^k u), cos(pi 2^k u) for k < Octaves, with exact range reduction",
	In: []Arg{{Name: "u"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(p EncodeParams, in [][]int) [][]int {
		_, d := rowsOf(in[0])
		return [][]int{withLast(in[0], d*2*p.Octaves)}
	},
	Ref32: encodeRef[float32], Ref64: encodeRef[float64],
	Shader: func(p EncodeParams, pl *Plan) {
		n := pl.In[0].Len() * p.Octaves
		pl.Dispatch("encode", nil, Words(n, p.Octaves), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(p EncodeParams, _, out [][]int) Cost { return Cost{FLOPs: 12 * int64(numel(out[0]))} },
	Tol:  TolTrig,
	Cases: []Case{
		{Name: "published", P: EncodeParams{24}, In: []Fill{Uniform(0, 1, 37, 3)}},
		{Name: "outside the box", P: EncodeParams{4}, In: []Fill{Uniform(-2, 3, 2, 5, 3)}},
		{Name: "no points", P: EncodeParams{4}, In: []Fill{Normal(0, 3)}},
		{Name: "bench", P: EncodeParams{24}, In: []Fill{Uniform(0, 1, 35000, 3)}, Bench: true},
	},
})

// octave returns sin and cos of pi 2^k u.
func octave(u float64, k int) (sin, cos float64) {
	r := math.Ldexp(u, k)
	r -= 2 * math.Floor(r/2)
	return math.Sincos(math.Pi * r)
}

func encodeRef[T Real](p EncodeParams, in, out []View[T]) {
	for i, u := range in[0].F {
		for k := range p.Octaves {
			s, c := octave(float64(u), k)
			o := out[0].F[(i*p.Octaves+k)*2:]
			o[0], o[1] = T(s), T(c)
		}
	}
}
