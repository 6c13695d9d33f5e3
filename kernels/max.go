package kernels

import "math"

// Max takes the largest element along an axis, which is dropped, and gives its
// position: the first of equal ones. A NaN counts as largest. The axis must
// not be empty.
var Max = Declare(Decl[ReduceParams]{
	Name: "max", Doc: "y = max of x along an axis, which is dropped; at = its first position",
	In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}, {Name: "at", Kind: Int}},
	Shapes: func(p ReduceParams, in [][]int) [][]int {
		s, rest := spanOf("max", in[0], p.Axis)
		Check(s.n > 0 || s.outer*s.inner == 0, "max", in, "maximum of nothing")
		return [][]int{rest, rest}
	},
	Ref32: maxRef[float32], Ref64: maxRef[float64],
	Shader: maxPlan,
	Cost:   func(_ ReduceParams, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:    Exact,
	Cases:  maxCases(),
})

// MaxBackwardParams name the axis that Max dropped and its length.
type MaxBackwardParams struct{ Axis, Len int }

// MaxBackward gives the gradient to the positions that Max chose.
var MaxBackward = Declare(Decl[MaxBackwardParams]{
	Name: "max_backward", Doc: "dx = dy at the positions max chose, else 0",
	In: []Arg{{Name: "at", Kind: Int}, {Name: "dy"}}, Out: []Arg{{Name: "dx"}},
	Shapes: func(p MaxBackwardParams, in [][]int) [][]int {
		Check(sameShape(in[0], in[1]), "max_backward", in, "operands differ in shape")
		Check(p.Axis >= 0 && p.Axis <= len(in[0]), "max_backward", in, "no axis %d", p.Axis)
		shape := append([]int{}, in[0][:p.Axis]...)
		return [][]int{append(append(shape, p.Len), in[0][p.Axis:]...)}
	},
	Ref32: maxBackwardRef[float32], Ref64: maxBackwardRef[float64],
	Shader: func(p MaxBackwardParams, pl *Plan) {
		n := pl.Out[0].Len()
		inner := numel(pl.In[0].Shape()[p.Axis:])
		pl.Dispatch("max_backward", nil, Words(n, p.Len, inner), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ MaxBackwardParams, _, _ [][]int) Cost { return Cost{} },
	Tol:  Exact,
	Cases: []Case{
		{Name: "rows", P: MaxBackwardParams{1, 43}, In: []Fill{Ints(0, 43, 7), Normal(7)}},
		{Name: "middle", P: MaxBackwardParams{1, 5}, In: []Fill{Ints(0, 5, 9, 31), Normal(9, 31)}},
		{Name: "empty", P: MaxBackwardParams{0, 5}, In: []Fill{Ints(0, 5, 0), Normal(0)}},
		{Name: "bench", P: MaxBackwardParams{1, 336}, In: []Fill{Ints(0, 336, 32, 1024), Normal(32, 1024)}, Bench: true},
	},
})

func maxRef[T Real](p ReduceParams, in, out []View[T]) {
	s, _ := spanOf("max", in[0].Shape, p.Axis)
	for o := range s.outer {
		for i := range s.inner {
			best, at := in[0].F[o*s.n*s.inner+i], 0
			for k := 1; k < s.n && !math.IsNaN(float64(best)); k++ {
				v := in[0].F[(o*s.n+k)*s.inner+i]
				if v > best || math.IsNaN(float64(v)) {
					best, at = v, k
				}
			}
			out[0].F[o*s.inner+i], out[1].I[o*s.inner+i] = best, int32(at)
		}
	}
}

func maxBackwardRef[T Real](p MaxBackwardParams, in, out []View[T]) {
	inner := numel(in[0].Shape[p.Axis:])
	for i := range out[0].F {
		result := i/(p.Len*inner)*inner + i%inner
		out[0].F[i] = 0
		if int(in[0].I[result]) == i/inner%p.Len {
			out[0].F[i] = in[1].F[result]
		}
	}
}

func maxPlan(p ReduceParams, pl *Plan) {
	s, _ := spanOf("max", pl.In[0].Shape(), p.Axis)
	lanes := s.lanes()
	groups := ceilDiv(s.outer*s.inner, 256/lanes)
	pl.Dispatch("max", []Const{{"LANES", lanes}, {"ROWS", s.inner == 1}}, Words(s.outer*s.inner, s.n, s.inner),
		pl.Operands(), pl.Fold(groups))
}

func maxCases() []Case {
	c := func(name string, axis int, in Fill) Case {
		return Case{Name: name, P: ReduceParams{axis}, In: []Fill{in}}
	}
	special := c("rows", -1, Normal(7, 43))
	bench := c("bench", 1, Normal(32, 336, 1024))
	special.Special, bench.Bench = true, true
	return []Case{
		special, c("columns", 0, Normal(43, 7)), c("middle", 1, Normal(3, 300, 45)), c("long rows", -1, Normal(3, 1000)),
		c("ties", -1, Ints(0, 3, 20, 50)), c("negative", 0, Uniform(-2, -1, 33, 5)), c("one", 0, Normal(1)), c("empty", 1, Normal(0, 5)),
		bench,
	}
}
