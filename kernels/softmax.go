package kernels

import "math"

// Softmax normalises the last axis: y = exp(x - max) / sum exp(x - max).
var Softmax = Declare(Decl[None]{
	Name: "softmax", Doc: "y = exp(x) / sum exp(x) over the last axis",
	In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(len(in[0]) > 0, "softmax", in, "operand without axes")
		return [][]int{in[0]}
	},
	Ref32: softmaxRef[float32], Ref64: softmaxRef[float64],
	Shader: softmaxPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 5 * int64(numel(in[0]))} },
	Tol:    TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "one row", P: None{}, In: []Fill{Uniform(-30, 30, 1, 1000)}},
		{Name: "one column", P: None{}, In: []Fill{Normal(300, 1)}},
		{Name: "long rows", P: None{}, In: []Fill{Normal(2, 1301)}, Special: true},
		{Name: "rows of 250", P: None{}, In: []Fill{Normal(3, 250)}},
		{Name: "large values", P: None{}, In: []Fill{Uniform(1e4, 1e4+10, 2, 3, 70)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5)}},
		{Name: "no columns", P: None{}, In: []Fill{Normal(5, 0)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 4096)}, Bench: true},
	},
})

// SoftmaxBackward gives dx = y (dy - sum(y dy)) from y and dy.
var SoftmaxBackward = Declare(Decl[None]{
	Name: "softmax_backward", Doc: "dx = y (dy - sum(y dy)) over the last axis",
	In: []Arg{{Name: "y"}, {Name: "dy"}}, Out: []Arg{{Name: "dx"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(len(in[0]) > 0 && sameShape(in[0], in[1]), "softmax_backward", in, "operands differ in shape")
		return [][]int{in[0]}
	},
	Ref32: softmaxBackwardRef[float32], Ref64: softmaxBackwardRef[float64],
	Shader: softmaxPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} },
	Tol:    TolNorm,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Uniform(0, 1, 7, 43), Normal(7, 43)}, Special: true},
		{Name: "wide", P: None{}, In: []Fill{Uniform(0, 1, 2, 3, 600), Normal(2, 3, 600)}},
		{Name: "long rows", P: None{}, In: []Fill{Uniform(0, 1, 2, 1301), Normal(2, 1301)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5), Normal(0, 5)}},
		{Name: "bench", P: None{}, In: []Fill{Uniform(0, 1, 3125, 4096), Normal(3125, 4096)}, Bench: true},
	},
})

func softmaxRef[T Real](_ None, in, out []View[T]) {
	_, w := in[0].Rows()
	for at := 0; at < len(in[0].F); at += w {
		x, y := in[0].F[at:at+w], out[0].F[at:at+w]
		lse := logSumExp(x)
		for i, v := range x {
			y[i] = T(math.Exp(float64(v) - lse))
		}
	}
}

// logSumExp returns log(sum exp(x)); NaN and +Inf in x make it NaN.
func logSumExp[T Real](x []T) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		if float64(v) > top {
			top = float64(v)
		}
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

func softmaxBackwardRef[T Real](_ None, in, out []View[T]) {
	_, w := in[0].Rows()
	for at := 0; at < len(in[0].F); at += w {
		y, dy, dx := in[0].F[at:at+w], in[1].F[at:at+w], out[0].F[at:at+w]
		var dot T
		for i := range y {
			dot += y[i] * dy[i]
		}
		for i := range y {
			dx[i] = y[i] * (dy[i] - dot)
		}
	}
}

func softmaxPlan(_ None, pl *Plan) {
	rows, w := rowsOf(pl.In[0].Shape())
	if w == 0 {
		return
	}
	pl.Dispatch("softmax", append(rowGroup(w), Const{"BACKWARD", len(pl.In) == 2}), Words(rows, w), pl.Operands(), pl.Fold(rows))
}

// rowGroup says how many invocations work on a row of n elements: SIDE * SIDE,
// so that a reduction takes two steps of SIDE.
func rowGroup(n int) []Const {
	side := 16
	if n <= 256 {
		side = 8
	}
	return []Const{{"GROUP", side * side}, {"SIDE", side}}
}
