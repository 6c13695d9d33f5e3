package kernels

// ScaleParams hold the factor of Scale.
type ScaleParams struct{ By float32 }

// Scale is y = By x.
var Scale = Declare(Decl[ScaleParams]{
	Name: "scale", Doc: "y = c x, for a number c", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(_ ScaleParams, in [][]int) [][]int { return [][]int{in[0]} },
	Ref32:  scaleRef[float32], Ref64: scaleRef[float64],
	Shader: func(p ScaleParams, pl *Plan) { scalePlan(pl, p.By, false) },
	Cost:   func(_ ScaleParams, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:    TolElementwise,
	Cases: []Case{
		{Name: "odd", P: ScaleParams{-0.37}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "vectors", P: ScaleParams{2.5}, In: []Fill{Normal(6, 50)}},
		{Name: "empty", P: ScaleParams{2}, In: []Fill{Normal(0, 5)}},
		{Name: "bench", P: ScaleParams{0.5}, In: []Fill{Normal(3072, 2064)}, Bench: true},
	},
})

// FillParams hold the value of FillWith.
type FillParams struct{ Value float32 }

// FillWith sets every element of a tensor of any shape; launch it with
// RunInto.
var FillWith = Declare(Decl[FillParams]{
	Name: "fill", Doc: "y = c everywhere, for a number c", Out: []Arg{{Name: "y"}},
	Shapes: func(FillParams, [][]int) [][]int { return [][]int{nil} },
	Ref32:  fillRef[float32], Ref64: fillRef[float64],
	Shader: func(p FillParams, pl *Plan) { scalePlan(pl, p.Value, true) },
	Cost:   func(FillParams, [][]int, [][]int) Cost { return Cost{} },
	Tol:    Exact,
	Cases: []Case{
		{Name: "odd", P: FillParams{1.5}, OutShapes: [][]int{{7, 43}}},
		{Name: "zero", P: FillParams{}, OutShapes: [][]int{{300}}},
		{Name: "empty", P: FillParams{1}, OutShapes: [][]int{{0, 5}}},
		{Name: "bench", P: FillParams{}, OutShapes: [][]int{{3072, 2064}}, Bench: true},
	},
})

func scaleRef[T Real](p ScaleParams, in, out []View[T]) {
	for i, x := range in[0].F {
		out[0].F[i] = T(p.By) * x
	}
}

func fillRef[T Real](p FillParams, _, out []View[T]) {
	for i := range out[0].F {
		out[0].F[i] = T(p.Value)
	}
}

func scalePlan(pl *Plan, c float32, fill bool) {
	vec, n := units(pl.Out[0].Len())
	pl.Dispatch("scale", []Const{vec, {"FILL", fill}}, Words(n, c), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
}
