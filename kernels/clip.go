package kernels

import "math"

// SumSquares is out += sum of x^2. Launched once for each gradient, on an out
// that starts at 0, it gives the squared norm of all.
var SumSquares = Declare(Decl[None]{
	Name: "sum_squares", Doc: "out += sum of x^2", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "out", InOut: true}},
	Shapes: func(None, [][]int) [][]int { return [][]int{{1}} },
	Ref32:  sumSquaresRef[float32], Ref64: sumSquaresRef[float64],
	Shader: func(_ None, pl *Plan) {
		if n := pl.In[0].Len(); n > 0 {
			totalPlan(pl, totalSquares, []Bind{B(pl.In[0])}, n, 1, true)
		}
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 2 * int64(numel(in[0]))} },
	Tol:  TolProduct,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, InOut: []Fill{Fixed(2.5, 1)}, Special: true},
		{Name: "many", P: None{}, In: []Fill{Normal(300, 300)}, InOut: []Fill{Fixed(0, 1)}},
		{Name: "empty", P: None{}, In: []Fill{Normal(0)}, InOut: []Fill{Fixed(2.5, 1)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(2064, 516)}, InOut: []Fill{Fixed(0, 1)}, Bench: true},
	},
})

// ClipParams hold the largest gradient norm.
type ClipParams struct{ MaxNorm float32 }

// ClipScale turns the squared norm of all gradients into the norm and the
// factor that clips it, min(1, MaxNorm / (norm + 1e-6)), as
// torch.nn.utils.clip_grad_norm_.
var ClipScale = Declare(Decl[ClipParams]{
	Name: "clip_scale", Doc: "norm = sqrt(sumsq); scale = min(1, max_norm / (norm + 1e-6))",
	In: []Arg{{Name: "sumsq"}}, Out: []Arg{{Name: "norm"}, {Name: "scale"}},
	Shapes: func(_ ClipParams, in [][]int) [][]int {
		Check(sameShape(in[0], []int{1}), "clip_scale", in, "operand does not have one element")
		return [][]int{{1}, {1}}
	},
	Ref32: clipScaleRef[float32], Ref64: clipScaleRef[float64],
	Shader: func(p ClipParams, pl *Plan) {
		pl.Dispatch("clip", nil, Words(p.MaxNorm), pl.Operands(), [3]uint32{1, 1, 1})
	},
	Cost: func(ClipParams, [][]int, [][]int) Cost { return Cost{FLOPs: 4} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "clipped", P: ClipParams{1}, In: []Fill{Fixed(7, 1)}},
		{Name: "kept", P: ClipParams{1}, In: []Fill{Fixed(0.3, 1)}},
		{Name: "zero", P: ClipParams{0.5}, In: []Fill{Fixed(0, 1)}},
		{Name: "not a number", P: ClipParams{1}, In: []Fill{Fixed(math.NaN(), 1)}},
		{Name: "infinite", P: ClipParams{1}, In: []Fill{Fixed(math.Inf(1), 1)}},
	},
})

func sumSquaresRef[T Real](_ None, in, out []View[T]) {
	var sum T
	for _, x := range in[0].F {
		sum += x * x
	}
	out[0].F[0] += sum
}

func clipScaleRef[T Real](p ClipParams, in, out []View[T]) {
	norm := T(math.Sqrt(float64(in[0].F[0])))
	out[0].F[0], out[1].F[0] = norm, min(1, T(p.MaxNorm)/(norm+1e-6))
}
