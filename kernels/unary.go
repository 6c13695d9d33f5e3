package kernels

import "math"

// unaryFn is an element-wise function and its derivative. bwd gets x and
// y = fwd(x). kind is the constant KIND of unary.wgsl.
type unaryFn struct {
	name, doc, gradDoc string
	kind               int
	fwd                func(x float64) float64
	bwd                func(x, y float64) float64
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

var unaryFns = []unaryFn{
	{"relu", "y = max(x, 0)", "dx = dy where x > 0, else 0", 0,
		func(x float64) float64 {
			if x < 0 {
				return 0
			}
			return x
		},
		func(x, _ float64) float64 {
			if x > 0 {
				return 1
			}
			return 0
		}},
	{"gelu", "y = x Phi(x), the exact erf form", "dx = dy (Phi(x) + x phi(x))", 1,
		func(x float64) float64 {
			if math.IsInf(x, -1) {
				return math.NaN() // -Inf * 0, as the formula has it
			}
			return 0.5 * x * (1 + math.Erf(x/math.Sqrt2))
		},
		func(x, _ float64) float64 {
			return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		}},
	{"silu", "y = x sigmoid(x)", "dx = dy s (1 + x (1 - s)), s = sigmoid(x)", 2,
		func(x float64) float64 { return x * sigmoid(x) },
		func(x, _ float64) float64 { s := sigmoid(x); return s * (1 + x*(1-s)) }},
	{"sigmoid", "y = 1 / (1 + exp(-x))", "dx = dy y (1 - y)", 3,
		sigmoid,
		func(_, y float64) float64 { return y * (1 - y) }},
	{"tanh", "y = tanh(x)", "dx = dy (1 - y^2)", 4,
		math.Tanh,
		func(_, y float64) float64 { return 1 - y*y }},
	// The density activation of instant-ngp's "trunc_exp": the forward pass is
	// not clamped, the gradient is.
	{"trunc_exp", "y = exp(x)", "dx = dy exp(min(x, 15))", 5,
		math.Exp,
		func(x, _ float64) float64 { return math.Exp(math.Min(x, 15)) }},
}

// Element-wise functions, one input of any shape. The *Backward operations
// take x, y and dy and give dx.
var (
	ReLU, ReLUBackward         = unary("relu")
	GELU, GELUBackward         = unary("gelu")
	SiLU, SiLUBackward         = unary("silu")
	Sigmoid, SigmoidBackward   = unary("sigmoid")
	Tanh, TanhBackward         = unary("tanh")
	TruncExp, TruncExpBackward = unary("trunc_exp")
)

// None is the parameter type of operations without parameters.
type None struct{}

const unaryGroup = 256

func unary(name string) (fwd, bwd *Op) {
	var f unaryFn
	for _, u := range unaryFns {
		if u.name == name {
			f = u
		}
	}
	same := func(_ None, in [][]int) [][]int {
		for _, s := range in[1:] {
			Check(sameShape(s, in[0]), name, in, "operands differ in shape")
		}
		return [][]int{in[0]}
	}
	plan := func(_ None, pl *Plan) {
		vec, n := units(pl.Out[0].Len())
		pl.Dispatch("unary", []Const{vec, {"KIND", f.kind}, {"BACKWARD", len(pl.In) == 3}}, Words(n),
			pl.Operands(), pl.Fold((n+unaryGroup-1)/unaryGroup))
	}
	cost := func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} }
	fwd = Declare(Decl[None]{
		Name: name, Doc: f.doc, In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
		Shapes: same, Shader: plan, Cost: cost, Tol: TolElementwise,
		Ref32: unaryRef[float32](f), Ref64: unaryRef[float64](f),
		Cases: []Case{
			{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, Special: true},
			{Name: "wide range", P: None{}, In: []Fill{Uniform(-20, 20, 1000)}},
			{Name: "empty", P: None{}, In: []Fill{Normal(0, 5)}},
			{Name: "bench", P: None{}, In: []Fill{Normal(3072, 2064)}, Bench: true},
		},
	})
	bwd = Declare(Decl[None]{
		Name: name + "_backward", Doc: f.gradDoc,
		In: []Arg{{Name: "x"}, {Name: "y"}, {Name: "dy"}}, Out: []Arg{{Name: "dx"}},
		Shapes: same, Shader: plan, Cost: cost, Tol: TolElementwise,
		Ref32: unaryBackwardRef[float32](f), Ref64: unaryBackwardRef[float64](f),
		Cases: []Case{
			{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Uniform(0, 1, 7, 43), Normal(7, 43)}},
			{Name: "vectors", P: None{}, In: []Fill{Normal(6, 50), Uniform(0, 1, 6, 50), Normal(6, 50)}},
			{Name: "bench", P: None{}, In: []Fill{Normal(3072, 2064), Normal(3072, 2064), Normal(3072, 2064)}, Bench: true},
		},
	})
	return fwd, bwd
}

func unaryRef[T Real](f unaryFn) func(None, []View[T], []View[T]) {
	return func(_ None, in, out []View[T]) {
		for i, x := range in[0].F {
			out[0].F[i] = T(f.fwd(float64(x)))
		}
	}
}

func unaryBackwardRef[T Real](f unaryFn) func(None, []View[T], []View[T]) {
	return func(_ None, in, out []View[T]) {
		x, y, dy := in[0].F, in[1].F, in[2].F
		for i := range x {
			out[0].F[i] = dy[i] * T(f.bwd(float64(x[i]), float64(y[i])))
		}
	}
}
