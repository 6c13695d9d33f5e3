package kernels

import "math"

// BCELogits is torch.nn.BCEWithLogitsLoss with a weight for every element,
// which may be absent (1): the mean over all n elements of
//
//	weight (max(x, 0) - x target + log(1 + exp(-|x|)))
var BCELogits = Declare(Decl[None]{
	Name: "bce_logits", Doc: "loss = mean of weight (softplus(x) - x target)",
	In:  []Arg{{Name: "x"}, {Name: "target"}, {Name: "weight", Optional: true}},
	Out: []Arg{{Name: "loss"}},
	Shapes: func(_ None, in [][]int) [][]int {
		checkBCE("bce_logits", in)
		return [][]int{{1}}
	},
	Ref32: bceRef[float32], Ref64: bceRef[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[0].Len()
		kind, operands := totalBCE, []Bind{B(pl.In[0]), B(pl.In[1])}
		if pl.In[2] != nil {
			kind, operands = totalWeightedBCE, append(operands, B(pl.In[2]))
		}
		totalPlan(pl, kind, operands, n, 1/float32(n), false)
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 8 * int64(numel(in[0]))} },
	Tol:  TolProduct,
	Cases: []Case{
		{Name: "weighted", P: None{}, In: []Fill{Normal(7, 43), Uniform(0, 1, 7, 43), Uniform(0, 4, 7, 43)}, Special: true},
		{Name: "plain", P: None{}, In: []Fill{Normal(5, 3), Uniform(0, 1, 5, 3), {}}},
		{Name: "far out", P: None{}, In: []Fill{Values([]float64{-200, 200, -30, 0}, 4), Values([]float64{1, 1, 0, 0.5}, 4), {}}},
		{Name: "many", P: None{}, In: []Fill{Normal(9001), Uniform(0, 1, 9001), Uniform(0, 4, 9001)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1 << 20), Uniform(0, 1, 1<<20), Uniform(0, 4, 1<<20)}, Bench: true},
	},
})

// BCELogitsBackward is the gradient of BCELogits with respect to x.
var BCELogitsBackward = Declare(Decl[None]{
	Name: "bce_logits_backward", Doc: "dx = dloss weight (sigmoid(x) - target) / n",
	In:  []Arg{{Name: "x"}, {Name: "target"}, {Name: "weight", Optional: true}, {Name: "dloss"}},
	Out: []Arg{{Name: "dx"}},
	Shapes: func(_ None, in [][]int) [][]int {
		checkBCE("bce_logits_backward", in)
		Check(sameShape(in[3], []int{1}), "bce_logits_backward", in, "dloss does not have shape [1]")
		return [][]int{in[0]}
	},
	Ref32: bceBackwardRef[float32], Ref64: bceBackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[0].Len()
		pl.Dispatch("bcelogits_backward", []Const{{"WEIGHTED", pl.In[2] != nil}}, Words(n), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 6 * int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "weighted", P: None{}, In: []Fill{Normal(7, 43), Uniform(0, 1, 7, 43), Uniform(0, 4, 7, 43), Normal(1)}},
		{Name: "plain", P: None{}, In: []Fill{Normal(300), Uniform(0, 1, 300), {}, Normal(1)}},
		{Name: "far out", P: None{}, In: []Fill{Values([]float64{-200, 200, -30, 0}, 4), Values([]float64{1, 1, 0, 0.5}, 4), {}, Fixed(1, 1)}},
		{Name: "empty", P: None{}, In: []Fill{Normal(0, 3), Normal(0, 3), {}, Normal(1)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1 << 20), Uniform(0, 1, 1<<20), Uniform(0, 4, 1<<20), Normal(1)}, Bench: true},
	},
})

func checkBCE(op string, in [][]int) {
	Check(sameShape(in[0], in[1]), op, in, "target does not have the shape of x")
	Check(in[2] == nil || sameShape(in[0], in[2]), op, in, "weight does not have the shape of x")
}

// weightAt returns element i of an operand that may be absent.
func weightAt[T Real](w View[T], i int) T {
	if w.F == nil {
		return 1
	}
	return w.F[i]
}

func bceRef[T Real](_ None, in, out []View[T]) {
	var sum T
	for i, x := range in[0].F {
		l := max(x, 0) - x*in[1].F[i] + T(math.Log1p(math.Exp(-math.Abs(float64(x)))))
		sum += weightAt(in[2], i) * l
	}
	out[0].F[0] = sum / T(len(in[0].F))
}

func bceBackwardRef[T Real](_ None, in, out []View[T]) {
	scale := in[3].F[0] / T(len(in[0].F))
	for i, x := range in[0].F {
		out[0].F[i] = scale * weightAt(in[2], i) * (T(sigmoid(float64(x))) - in[1].F[i])
	}
}
