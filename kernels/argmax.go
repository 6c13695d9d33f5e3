package kernels

import "math"

// Argmax gives, for x (N, V), the position (N) of each row's largest element:
// the first one on ties. NaN is never the largest; a row of nothing but NaN
// gives 0.
var Argmax = Declare(Decl[None]{
	Name: "argmax", Doc: "position of the largest element of each row, the first on ties",
	In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "index", Kind: Int}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(len(in[0]) == 2 && in[0][1] > 0, "argmax", in, "want (N, V) with V > 0")
		return [][]int{in[0][:1]}
	},
	Ref32: argmaxRef[float32], Ref64: argmaxRef[float64],
	Shader: func(_ None, pl *Plan) {
		rows, w := rowsOf(pl.In[0].Shape())
		pl.Dispatch("argmax", rowGroup(w), Words(rows, w), pl.Operands(), pl.Fold(rows))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:  Exact,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "ties", P: None{}, In: []Fill{Ints(-2, 3, 9, 1000)}},
		{Name: "negative", P: None{}, In: []Fill{Uniform(-9, -1, 3, 300)}},
		{Name: "zeros of both signs", P: None{}, In: []Fill{Values([]float64{negativeZero, 0, 0, negativeZero}, 2, 2)}},
		{Name: "one column", P: None{}, In: []Fill{Normal(5, 1)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1, 32003)}, Bench: true},
	},
})

var negativeZero = math.Copysign(0, -1)

func argmaxRef[T Real](_ None, in, out []View[T]) {
	_, w := in[0].Rows()
	for n := range out[0].I {
		best := -1
		for i, v := range in[0].F[n*w:][:w] {
			if v == v && (best < 0 || v > in[0].F[n*w+best]) {
				best = i
			}
		}
		out[0].I[n] = int32(max(best, 0))
	}
}
