package kernels

import "math"

// SmoothL1 is the mean over all elements of d^2/2 where |d| < 1, else |d| -
// 1/2, with d = pred - target: torch.nn.SmoothL1Loss with beta 1.
var SmoothL1 = Declare(Decl[None]{
	Name: "smooth_l1", Doc: "loss = mean of d^2/2 where |d| < 1, else |d| - 1/2, d = pred - target",
	In: []Arg{{Name: "pred"}, {Name: "target"}}, Out: []Arg{{Name: "loss"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(sameShape(in[0], in[1]), "smooth_l1", in, "operands differ in shape")
		return [][]int{{1}}
	},
	Ref32: smoothL1Ref[float32], Ref64: smoothL1Ref[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[0].Len()
		totalPlan(pl, totalSmoothL1, []Bind{B(pl.In[0]), B(pl.In[1])}, n, 1/float32(n), false)
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} },
	Tol:  TolProduct,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Normal(7, 43)}, Special: true},
		{Name: "one", P: None{}, In: []Fill{Fixed(3, 1), Fixed(1, 1)}},
		{Name: "many", P: None{}, In: []Fill{Normal(9001, 3), Normal(9001, 3)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1<<20, 3), Normal(1<<20, 3)}, Bench: true},
	},
})

// SmoothL1Backward is the gradient of SmoothL1 with respect to pred, given
// that of the loss; target's is its negative.
var SmoothL1Backward = Declare(Decl[None]{
	Name: "smooth_l1_backward", Doc: "dpred = dloss clamp(pred - target, -1, 1) / n",
	In: []Arg{{Name: "pred"}, {Name: "target"}, {Name: "dloss"}}, Out: []Arg{{Name: "dpred"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(sameShape(in[0], in[1]) && sameShape(in[2], []int{1}), "smooth_l1_backward", in, "operands do not fit")
		return [][]int{in[0]}
	},
	Ref32: smoothL1BackwardRef[float32], Ref64: smoothL1BackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[0].Len()
		pl.Dispatch("smoothl1_backward", nil, Words(n), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Normal(7, 43), Normal(1)}},
		{Name: "empty", P: None{}, In: []Fill{Normal(0, 3), Normal(0, 3), Normal(1)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1<<20, 3), Normal(1<<20, 3), Normal(1)}, Bench: true},
	},
})

func smoothL1Ref[T Real](_ None, in, out []View[T]) {
	var sum T
	for i, x := range in[0].F {
		d := x - in[1].F[i]
		if a := T(math.Abs(float64(d))); a >= 1 {
			sum += a - 0.5
		} else {
			sum += 0.5 * d * d
		}
	}
	out[0].F[0] = sum / T(len(in[0].F))
}

func smoothL1BackwardRef[T Real](_ None, in, out []View[T]) {
	scale := in[2].F[0] / T(len(in[0].F))
	for i, x := range in[0].F {
		d := x - in[1].F[i]
		out[0].F[i] = scale * min(max(d, -1), 1)
	}
}
