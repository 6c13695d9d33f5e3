package kernels

// Copy is y = x.
var Copy = Declare(Decl[None]{
	Name: "copy", Doc: "y = x", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: likeInput, Ref32: copyRef[float32], Ref64: copyRef[float64], Shader: copyPlan(false),
	Cost: func(None, [][]int, [][]int) Cost { return Cost{} },
	Tol:  Exact,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "vectors", P: None{}, In: []Fill{Normal(6, 50)}, Special: true},
		{Name: "empty", P: None{}, In: []Fill{Normal(0, 5)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3072, 2064)}, Bench: true},
	},
})

// Accumulate is out += x, for operands of the same shape.
var Accumulate = Declare(Decl[None]{
	Name: "accumulate", Doc: "out += x", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "out", InOut: true}},
	Shapes: likeInput, Ref32: accumulateRef[float32], Ref64: accumulateRef[float64], Shader: copyPlan(true),
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, InOut: []Fill{Normal(7, 43)}, Special: true},
		{Name: "vectors", P: None{}, In: []Fill{Normal(6, 50)}, InOut: []Fill{Normal(6, 50)}},
		{Name: "empty", P: None{}, In: []Fill{Normal(0, 5)}, InOut: []Fill{Normal(0, 5)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3072, 2064)}, InOut: []Fill{Normal(3072, 2064)}, Bench: true},
	},
})

func likeInput(_ None, in [][]int) [][]int { return [][]int{in[0]} }

func copyRef[T Real](_ None, in, out []View[T]) { copy(out[0].F, in[0].F) }

func accumulateRef[T Real](_ None, in, out []View[T]) {
	for i, x := range in[0].F {
		out[0].F[i] += x
	}
}

func copyPlan(add bool) func(None, *Plan) {
	return func(_ None, pl *Plan) {
		vec, n := units(pl.In[0].Len())
		pl.Dispatch("copy", []Const{vec, {"ADD", add}}, Words(n), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	}
}
