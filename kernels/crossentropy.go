package kernels

import "math"

// IgnoreLabel is the label, by convention, of a position without a target.
const IgnoreLabel = -100

// CrossEntropy is the mean of -log softmax(logits)[label] over the labels that
// count: those in [0, V); IgnoreLabel and everything else outside is left out.
// logits (N, V), labels (N); loss (1), the rows' logarithms of sums of
// exponentials lse (N), and the number of labels that count (1). If none
// counts the loss is 0, and so is the gradient.
var CrossEntropy = Declare(Decl[None]{
	Name: "cross_entropy", Doc: "loss = mean over counted labels of lse - logits[label]; lse = log sum exp(logits)",
	In:  []Arg{{Name: "logits"}, {Name: "labels", Kind: Int}},
	Out: []Arg{{Name: "loss"}, {Name: "lse"}, {Name: "count", Kind: Int}},
	Shapes: func(_ None, in [][]int) [][]int {
		n, _ := crossEntropySize("cross_entropy", in)
		return [][]int{{1}, {n}, {1}}
	},
	Ref32: crossEntropyRef[float32], Ref64: crossEntropyRef[float64],
	Shader: crossEntropyPlan,
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} },
	Tol:    TolNorm,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Ints(0, 43, 7)}, Special: true},
		{Name: "some ignored", P: None{}, In: []Fill{Uniform(-20, 20, 6, 700), Values([]float64{3, IgnoreLabel, 699, 700, 0, -1}, 6)}},
		{Name: "more rows than a workgroup", P: None{}, In: []Fill{Normal(700, 5), Ints(-2, 5, 700)}},
		{Name: "long rows", P: None{}, In: []Fill{Uniform(-20, 20, 3, 1301), Ints(0, 1301, 3)}, Special: true},
		{Name: "rows of 250", P: None{}, In: []Fill{Normal(3, 250), Ints(0, 250, 3)}},
		{Name: "all ignored", P: None{}, In: []Fill{Normal(4, 5), Fixed(IgnoreLabel, 4)}},
		{Name: "large logits", P: None{}, In: []Fill{Uniform(9990, 10000, 3, 70), Ints(0, 70, 3)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5), Ints(0, 5, 0)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 32003), Ints(0, 32003, 3125)}, Bench: true},
	},
})

// CrossEntropyBackward gives dlogits = (softmax(logits) - onehot(label))
// dloss / count for rows that count, and 0 for others. lse and count are
// CrossEntropy's; dloss (1).
var CrossEntropyBackward = Declare(Decl[None]{
	Name: "cross_entropy_backward", Doc: "dlogits = (softmax(logits) - onehot(label)) dloss / count; 0 for rows that do not count",
	In:  []Arg{{Name: "logits"}, {Name: "labels", Kind: Int}, {Name: "lse"}, {Name: "count", Kind: Int}, {Name: "dloss"}},
	Out: []Arg{{Name: "dlogits"}},
	Shapes: func(_ None, in [][]int) [][]int {
		n, _ := crossEntropySize("cross_entropy_backward", in)
		Check(sameShape(in[2], []int{n}) && numel(in[3]) == 1 && numel(in[4]) == 1, "cross_entropy_backward", in, "want lse (N), count (1), dloss (1)")
		return [][]int{in[0]}
	},
	Ref32: crossEntropyBackwardRef[float32], Ref64: crossEntropyBackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		_, v := crossEntropySize("cross_entropy_backward", shapesOf(pl.In))
		n := pl.Out[0].Len()
		pl.Dispatch("crossentropy_backward", nil, Words(n, v), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 4 * int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43), Ints(0, 43, 7), Uniform(4, 5, 7), Fixed(7, 1), Fixed(-1.5, 1)}},
		{Name: "some ignored", P: None{}, In: []Fill{Normal(6, 700), Values([]float64{3, IgnoreLabel, 699, 700, 0, -1}, 6), Uniform(6, 8, 6), Fixed(3, 1), Fixed(1, 1)}},
		{Name: "all ignored", P: None{}, In: []Fill{Normal(2, 5), Fixed(IgnoreLabel, 2), Uniform(2, 3, 2), Fixed(0, 1), Fixed(1, 1)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5), Ints(0, 5, 0), Normal(0), Fixed(0, 1), Fixed(1, 1)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 32003), Ints(0, 32003, 3125), Uniform(10, 12, 3125), Fixed(3125, 1), Fixed(1, 1)}, Bench: true},
	},
})

func crossEntropySize(op string, in [][]int) (n, v int) {
	Check(len(in[0]) == 2 && sameShape(in[1], in[0][:1]) && in[0][1] > 0, op, in, "want logits (N, V) with V > 0 and labels (N)")
	return in[0][0], in[0][1]
}

func crossEntropyRef[T Real](_ None, in, out []View[T]) {
	_, v := in[0].Rows()
	total, count := 0.0, 0
	for n, label := range in[1].I {
		row := in[0].F[n*v:][:v]
		lse := logSumExp(row)
		out[1].F[n] = T(lse)
		if label >= 0 && int(label) < v {
			total += lse - float64(row[label])
			count++
		}
	}
	out[0].F[0] = T(total / float64(max(count, 1)))
	out[2].I[0] = int32(count)
}

func crossEntropyBackwardRef[T Real](_ None, in, out []View[T]) {
	_, v := in[0].Rows()
	lse, scale := in[2].F, in[4].F[0]/T(max(in[3].I[0], 1))
	for n, label := range in[1].I {
		row, d := in[0].F[n*v:][:v], out[0].F[n*v:][:v]
		if label < 0 || int(label) >= v {
			clear(d)
			continue
		}
		for i, x := range row {
			d[i] = T(math.Exp(float64(x-lse[n]))) * scale
		}
		d[label] -= scale
	}
}

// crossEntropyPlan computes each row's loss, then sums them in one workgroup.
func crossEntropyPlan(_ None, pl *Plan) {
	n, v := crossEntropySize("cross_entropy", shapesOf(pl.In))
	rows := pl.Temp(max(n, 1))
	pl.Dispatch("crossentropy", rowGroup(v), Words(n, v),
		[]Bind{B(pl.In[0]), B(pl.In[1]), B(pl.Out[1]), rows}, pl.Fold(n))
	pl.Dispatch("crossentropy_mean", nil, Words(n, v),
		[]Bind{B(pl.In[1]), rows, B(pl.Out[0]), B(pl.Out[2])}, [3]uint32{1, 1, 1})
}
