package kernels

import "math/bits"

// ReduceParams name the axis that a reduction removes; negative axes count
// from the last.
type ReduceParams struct{ Axis int }

// Sum and Mean reduce one axis: (a, n, b) becomes (a, b).
var (
	Sum  = Declare(reduceDecl("sum", "y = sum of x along an axis, which is dropped", false))
	Mean = Declare(reduceDecl("mean", "y = mean of x along an axis, which is dropped", true))
)

// SumRows sums all axes but the last: x (..., n) becomes (n). It makes the
// gradients of biases.
var SumRows = Declare(Decl[None]{
	Name: "sum_rows", Doc: "y = sum of x over all axes but the last", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(len(in[0]) > 0, "sum_rows", in, "operand without axes")
		_, n := rowsOf(in[0])
		return [][]int{{n}}
	},
	Ref32: sumRowsRef[float32], Ref64: sumRowsRef[float64],
	Shader: func(_ None, pl *Plan) {
		rows, n := rowsOf(pl.In[0].Shape())
		sumPlan(pl, span{1, rows, n}, 1)
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:  TolProduct,
	Cases: []Case{
		{Name: "odd", P: None{}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "one row", P: None{}, In: []Fill{Normal(1, 300)}},
		{Name: "one column", P: None{}, In: []Fill{Normal(1031, 1)}},
		{Name: "three axes", P: None{}, In: []Fill{Normal(5, 9, 70)}},
		{Name: "tall, split", P: None{}, In: []Fill{Normal(2077, 37)}},
		{Name: "tall and thin, split", P: None{}, In: []Fill{Normal(20011, 3)}},
		{Name: "no rows", P: None{}, In: []Fill{Normal(0, 5)}},
		{Name: "no columns", P: None{}, In: []Fill{Normal(5, 0)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3072, 516)}, Bench: true},
		{Name: "bench, tall", P: None{}, In: []Fill{Normal(1<<20, 16)}, Bench: true},
	},
})

// span sees an array as (outer, n, inner), to be reduced along n.
type span struct{ outer, n, inner int }

// spanOf returns the span of an axis of a shape, and the shape without it.
func spanOf(op string, shape []int, axis int) (s span, rest []int) {
	if axis < 0 {
		axis += len(shape)
	}
	Check(axis >= 0 && axis < len(shape), op, [][]int{shape}, "no axis %d", axis)
	s = span{numel(shape[:axis]), shape[axis], numel(shape[axis+1:])}
	return s, append(append([]int{}, shape[:axis]...), shape[axis+1:]...)
}

func reduceDecl(name, doc string, mean bool) Decl[ReduceParams] {
	c := func(name string, axis int, shape ...int) Case {
		return Case{Name: name, P: ReduceParams{axis}, In: []Fill{Normal(shape...)}}
	}
	special, bench, benchRows := c("rows", -1, 7, 43), c("bench, inner axis", 1, 32, 336, 1024), c("bench, rows", -1, 3072, 2064)
	special.Special, bench.Bench, benchRows.Bench = true, true, true
	decl := Decl[ReduceParams]{
		Name: name, Doc: doc, In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
		Shapes: func(p ReduceParams, in [][]int) [][]int {
			s, rest := spanOf(name, in[0], p.Axis)
			Check(!mean || s.n > 0 || s.outer*s.inner == 0, name, in, "mean of nothing")
			return [][]int{rest}
		},
		Ref32: reduceRef[float32](mean), Ref64: reduceRef[float64](mean),
		Shader: func(p ReduceParams, pl *Plan) {
			s, _ := spanOf(name, pl.In[0].Shape(), p.Axis)
			scale := float32(1)
			if mean {
				scale = 1 / float32(s.n)
			}
			sumPlan(pl, s, scale)
		},
		Cost: func(_ ReduceParams, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
		Tol:  TolProduct,
		Cases: []Case{
			special, c("columns", 0, 43, 7), c("middle", 1, 3, 43, 5), c("middle, long", 1, 2, 1500, 70),
			c("one row", -1, 1, 1000), c("one long row, split", 0, 30011), c("many short rows", -1, 700, 3),
			c("one of one", 0, 1), c("nothing left", 1, 0, 5, 3), bench, benchRows,
		},
	}
	if !mean {
		decl.Cases = append(decl.Cases, c("nothing to sum", 1, 4, 0, 3))
	}
	return decl
}

func reduceRef[T Real](mean bool) func(ReduceParams, []View[T], []View[T]) {
	return func(p ReduceParams, in, out []View[T]) {
		s, _ := spanOf("reduce", in[0].Shape, p.Axis)
		sumRef(s, in[0].F, out[0].F)
		if mean {
			for i := range out[0].F {
				out[0].F[i] /= T(s.n)
			}
		}
	}
}

func sumRowsRef[T Real](_ None, in, out []View[T]) {
	rows, n := in[0].Rows()
	sumRef(span{1, rows, n}, in[0].F, out[0].F)
}

// sumRef sums x (outer, n, inner) along n.
func sumRef[T Real](s span, x, y []T) {
	for o := range s.outer {
		for i := range s.inner {
			var sum T
			for k := range s.n {
				sum += x[(o*s.n+k)*s.inner+i]
			}
			y[o*s.inner+i] = sum
		}
	}
}

// sumPlan sums input 0, seen as the span s, into output 0 and multiplies by
// scale. A long sum with few results is split into chunks that a second
// dispatch adds, so that there is work for a whole GPU. The split depends on
// the shape alone: results do not differ between runs.
func sumPlan(pl *Plan, s span, scale float32) {
	if s.outer*s.inner == 0 {
		return
	}
	x, y := B(pl.In[0]), B(pl.Out[0])
	chunks := s.chunks()
	if chunks == 1 {
		sumDispatch(pl, s, 1, scale, x, y)
		return
	}
	parts := pl.Temp(chunks * s.outer * s.inner)
	sumDispatch(pl, s, chunks, 1, x, parts)
	sumDispatch(pl, span{1, chunks, s.outer * s.inner}, 1, scale, parts, y)
}

// sumDispatch writes the sums of every chunk: out (chunks, outer, inner).
func sumDispatch(pl *Plan, s span, chunks int, scale float32, x, out Bind) {
	reduceDispatch(pl, s, chunks, scale, false, x, out)
}

// reduceDispatch is sumDispatch, and with add adds to out.
func reduceDispatch(pl *Plan, s span, chunks int, scale float32, add bool, x, out Bind) {
	lanes := s.lanes()
	groups := ceilDiv(s.outer*s.inner, 256/lanes)
	pl.Dispatch("reduce", []Const{{"LANES", lanes}, {"ROWS", s.inner == 1}, {"ADD", add}},
		Words(s.outer*s.inner, s.n, s.inner, groups, chunks, scale), []Bind{x, out}, pl.Fold(groups*chunks))
}

// lanes returns how many of a workgroup's 256 invocations share one result.
// For contiguous sums (inner 1) they are neighbours, otherwise neighbours have
// different results: either way they read neighbouring addresses.
func (s span) lanes() int {
	if s.inner == 1 {
		return min(256, ceilPow2(s.n))
	}
	return 256 / min(32, ceilPow2(s.outer*s.inner))
}

// chunks returns into how many parts a sum is split: enough for about 256
// workgroups, each invocation still adding 16 elements or more.
func (s span) chunks() int {
	lanes := s.lanes()
	groups := max(1, ceilDiv(s.outer*s.inner, 256/lanes))
	return max(1, min(256/groups, s.n/(16*lanes)))
}

// ceilPow2 returns the smallest power of two that is not below n.
func ceilPow2(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}
