package kernels

import "llana/tensor"

// linearCheck checks weights (N_i, K) of products with x (rows, K) and returns
// the outputs' shapes.
func linearCheck(op string, in [][]int) [][]int {
	x := in[0]
	Check(len(x) == 2, op, in, "x of rank %d, want 2", len(x))
	var out [][]int
	for _, w := range in[1:] {
		Check(len(w) == 2 && w[1] == x[1], op, in, "weights are not (outputs, %d)", x[1])
		out = append(out, []int{x[0], w[0]})
	}
	return out
}

func linearCost(in [][]int) Cost {
	var c Cost
	for _, w := range in[1:] {
		c.FLOPs += 2 * int64(in[0][0]) * int64(w[0]) * int64(w[1])
	}
	return c
}

// QKV is three products with one x: q = x Wq^T, k = x Wk^T, v = x Wv^T, the
// projections before attention. x (rows, K); the weights (N_i, K) may be packed.
// On a GPU a few rows take one dispatch.
var QKV = Declare(Decl[None]{
	Name: "qkv", Doc: "q = x wq^T, k = x wk^T, v = x wv^T",
	In:     []Arg{{Name: "x"}, {Name: "wq", Packed: true}, {Name: "wk", Packed: true}, {Name: "wv", Packed: true}},
	Out:    []Arg{{Name: "q"}, {Name: "k"}, {Name: "v"}},
	Shapes: func(_ None, in [][]int) [][]int { return linearCheck("qkv", in) },
	Ref32:  qkvRef[float32], Ref64: qkvRef[float64],
	Shader: qkvPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return linearCost(in) },
	Tol:    TolProduct,
	Cases:  qkvCases(),
})

// SwiGLULinear is the first half of LLaMA's feed-forward layers,
// y = silu(x Wg^T) (x Wu^T). x (rows, K); the weights (N, K) may be packed. It
// has no gradient of its own: training keeps the two products.
var SwiGLULinear = Declare(Decl[None]{
	Name: "swiglu_linear", Doc: "y = silu(x wg^T) (x wu^T)",
	In: []Arg{{Name: "x"}, {Name: "wg", Packed: true}, {Name: "wu", Packed: true}}, Out: []Arg{{Name: "y"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(sameShape(in[1], in[2]), "swiglu_linear", in, "weights differ in shape")
		return linearCheck("swiglu_linear", in)[:1]
	},
	Ref32: swigluLinearRef[float32], Ref64: swigluLinearRef[float64],
	Shader: swigluLinearPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return linearCost(in) },
	Tol:    TolProduct,
	Cases:  swigluLinearCases(),
})

func qkvRef[T Real](_ None, in, out []View[T]) {
	for i := range out {
		linearRef(in[0], in[1+i], out[i].F)
	}
}

func swigluLinearRef[T Real](_ None, in, out []View[T]) {
	up := make([]T, len(out[0].F))
	linearRef(in[0], in[2], up)
	linearRef(in[0], in[1], out[0].F)
	swigluRef(None{}, []View[T]{{F: out[0].F}, {F: up}}, out)
}

// linearRef sets y = x w^T.
func linearRef[T Real](x, w View[T], y []T) {
	k := x.Shape[1]
	for m := range x.Shape[0] {
		for n := range w.Shape[0] {
			y[m*w.Shape[0]+n] = dot(x.F[m*k:(m+1)*k], w.F[n*k:(n+1)*k])
		}
	}
}

// weightTypes are the types that weights can be stored in.
var weightTypes = []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.Q8, tensor.Q4}

func qkvCases() []Case {
	var cases []Case
	for _, d := range weightTypes {
		cases = append(cases,
			Case{Name: d.String() + ", one row", P: None{}, In: []Fill{Normal(1, 80), Normal(70, 80).As(d), Normal(33, 80).As(d), Normal(34, 80).As(d)}, Special: true},
			Case{Name: d.String() + ", streamed", P: None{}, In: []Fill{Normal(6, 96), Normal(70, 96).As(d), Normal(33, 96).As(d), Normal(34, 96).As(d)}},
			Case{Name: d.String() + ", many rows", P: None{}, In: []Fill{Normal(70, 80), Normal(70, 80).As(d), Normal(33, 80).As(d), Normal(34, 80).As(d)}})
	}
	return append(cases,
		Case{Name: "odd", P: None{}, In: []Fill{Normal(3, 43), Normal(5, 43), Normal(7, 43), Normal(9, 43)}},
		Case{Name: "mixed types", P: None{}, In: []Fill{Normal(2, 48), Normal(50, 48).As(tensor.Q4), Normal(20, 48), Normal(20, 48).As(tensor.Q8)}},
		Case{Name: "mixed types, streamed", P: None{}, In: []Fill{Normal(2, 128), Normal(50, 128).As(tensor.Q4), Normal(20, 128).As(tensor.F16), Normal(20, 128).As(tensor.Q8)}},
		Case{Name: "no rows", P: None{}, In: []Fill{Normal(0, 8), Normal(5, 8), Normal(7, 8), Normal(9, 8)}},
		Case{Name: "bench", P: None{}, In: []Fill{Normal(1, 4096), Normal(4096, 4096).As(tensor.BF16), Normal(4096, 4096).As(tensor.BF16), Normal(4096, 4096).As(tensor.BF16)}, Bench: true})
}

func swigluLinearCases() []Case {
	var cases []Case
	for _, d := range weightTypes {
		cases = append(cases,
			Case{Name: d.String() + ", one row", P: None{}, In: []Fill{Normal(1, 80), Normal(70, 80).As(d), Normal(70, 80).As(d)}},
			Case{Name: d.String() + ", streamed", P: None{}, In: []Fill{Normal(6, 96), Normal(70, 96).As(d), Normal(70, 96).As(d)}},
			Case{Name: d.String() + ", many rows", P: None{}, In: []Fill{Normal(70, 80), Normal(66, 80).As(d), Normal(66, 80).As(d)}})
	}
	return append(cases,
		Case{Name: "odd", P: None{}, In: []Fill{Normal(3, 43), Normal(5, 43), Normal(5, 43)}, Special: true},
		Case{Name: "mixed types", P: None{}, In: []Fill{Normal(2, 48), Normal(50, 48).As(tensor.Q4), Normal(50, 48)}},
		Case{Name: "no rows", P: None{}, In: []Fill{Normal(0, 8), Normal(5, 8), Normal(5, 8)}},
		Case{Name: "bench", P: None{}, In: []Fill{Normal(1, 4096), Normal(11008, 4096).As(tensor.BF16), Normal(11008, 4096).As(tensor.BF16)}, Bench: true})
}
