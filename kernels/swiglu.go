package kernels

import "math"

// SwiGLU is y = silu(gate) up, the gated activation of LLaMA's feed-forward
// layers (Shazeer 2020). gate, up and y have the same shape.
var SwiGLU = Declare(Decl[None]{
	Name: "swiglu", Doc: "y = silu(gate) up",
	In: []Arg{{Name: "gate"}, {Name: "up"}}, Out: []Arg{{Name: "y"}},
	Shapes: swigluShapes("swiglu", 1),
	Ref32:  swigluRef[float32], Ref64: swigluRef[float64],
	Shader: swigluPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 5 * int64(numel(in[0]))} },
	Tol:    TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Normal(7, 43)}, Special: true},
		{Name: "wide range", P: None{}, In: []Fill{Uniform(-100, 100, 1000), Normal(1000)}},
		{Name: "empty", P: None{}, In: []Fill{Normal(0, 5), Normal(0, 5)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 11008), Normal(3125, 11008)}, Bench: true},
	},
})

// SwiGLUBackward gives dgate and dup from gate, up and dy.
var SwiGLUBackward = Declare(Decl[None]{
	Name: "swiglu_backward", Doc: "dup = dy silu(gate), dgate = dy up silu'(gate)",
	In:     []Arg{{Name: "gate"}, {Name: "up"}, {Name: "dy"}},
	Out:    []Arg{{Name: "dgate"}, {Name: "dup"}},
	Shapes: swigluShapes("swiglu_backward", 2),
	Ref32:  swigluBackwardRef[float32], Ref64: swigluBackwardRef[float64],
	Shader: swigluPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 10 * int64(numel(in[0]))} },
	Tol:    TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Normal(7, 43), Normal(7, 43)}},
		{Name: "wide range", P: None{}, In: []Fill{Uniform(-100, 100, 1000), Normal(1000), Normal(1000)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 11008), Normal(3125, 11008), Normal(3125, 11008)}, Bench: true},
	},
})

func swigluShapes(op string, outs int) func(None, [][]int) [][]int {
	return func(_ None, in [][]int) [][]int {
		for _, s := range in[1:] {
			Check(sameShape(s, in[0]), op, in, "operands differ in shape")
		}
		return [][]int{in[0], in[0]}[:outs]
	}
}

func swigluPlan(_ None, pl *Plan) {
	swigluDispatch(pl, pl.In[0].Len(), len(pl.In) == 3, pl.Operands())
}

// swigluDispatch runs the kernel over n elements.
func swigluDispatch(pl *Plan, n int, backward bool, bind []Bind) {
	vec, n := units(n)
	pl.Dispatch("swiglu", []Const{vec, {"BACKWARD", backward}}, Words(n), bind, pl.Fold(ceilDiv(n, 256)))
}

func swigluRef[T Real](_ None, in, out []View[T]) {
	for i, g := range in[0].F {
		out[0].F[i] = g / (1 + T(math.Exp(-float64(g)))) * in[1].F[i]
	}
}

func swigluBackwardRef[T Real](_ None, in, out []View[T]) {
	gate, up, dy := in[0].F, in[1].F, in[2].F
	for i, g := range gate {
		s := T(sigmoid(float64(g)))
		out[0].F[i] = dy[i] * up[i] * s * (1 + g*(1-s))
		out[1].F[i] = dy[i] * g * s
	}
}
