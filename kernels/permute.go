package kernels

// MaxRank is the largest number of axes Permute takes.
const MaxRank = 5

// PermuteParams give the order of the axes: axis i of the output is axis
// Perm[i] of the input. Only as many entries as the input has axes count.
type PermuteParams struct{ Perm [MaxRank]int }

// Permute reorders axes, as numpy.transpose does.
var Permute = Declare(Decl[PermuteParams]{
	Name: "permute", Doc: "y = x with its axes reordered", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(p PermuteParams, in [][]int) [][]int {
		shape, _ := p.Axes(in[0])
		return [][]int{shape}
	},
	Ref32: permuteRef[float32], Ref64: permuteRef[float64],
	Shader: permutePlan,
	Cost:   func(PermuteParams, [][]int, [][]int) Cost { return Cost{} },
	Tol:    Exact,
	Cases:  permuteCases(),
})

// Axes returns the output's shape and the axes to walk, innermost of the
// output first, merged: A is the output's stride, B the input's. It panics
// with a ShapeError unless Perm is a permutation of the input's axes.
func (p PermuteParams) Axes(in []int) (shape []int, axes []AxisPair) {
	shapes := [][]int{in}
	Check(len(in) <= MaxRank, "permute", shapes, "%d axes, at most %d are supported", len(in), MaxRank)
	var strides [MaxRank]int
	for i, s := len(in)-1, 1; i >= 0; i-- {
		strides[i] = s
		s *= in[i]
	}
	shape = make([]int, len(in))
	var seen [MaxRank]bool
	to := 1
	for i := len(in) - 1; i >= 0; i-- {
		k := p.Perm[i]
		Check(k >= 0 && k < len(in) && !seen[k], "permute", shapes, "%v is not a permutation of %d axes", p.Perm[:len(in)], len(in))
		seen[k] = true
		shape[i] = in[k]
		axes = appendAxis(axes, AxisPair{in[k], to, strides[k]})
		to *= in[k]
	}
	return shape, wholeAxes(axes)
}

func permuteRef[T Real](p PermuteParams, in, out []View[T]) {
	_, axes := p.Axes(in[0].Shape)
	walk(axes, func(_, to, from int) { out[0].F[to] = in[0].F[from] })
}

// permutePlan copies directly where the innermost axis stays or is short, and
// else by tiles of the two axes that are contiguous on either side.
func permutePlan(p PermuteParams, pl *Plan) {
	if pl.Out[0].Len() == 0 {
		return
	}
	_, axes := p.Axes(pl.In[0].Shape())
	row, rest := splitContiguous(axes)
	if row.B == 0 || min(axes[0].Len, row.Len) < 8 {
		stridedCopyPlan(pl, axes, 0, 0, false)
		return
	}
	column := axes[0]
	batch := 1
	for _, x := range rest {
		batch *= x.Len
	}
	tilesRow, tilesColumn := ceilDiv(row.Len, 32), ceilDiv(column.Len, 32)
	pl.Dispatch("permute", []Const{{"BATCH_AXES", len(rest)}},
		append(Words(row.Len, row.A, column.Len, column.B, tilesRow, tilesColumn, batch), axisWords(rest)...),
		pl.Operands(), pl.Fold(tilesRow*tilesColumn*batch))
}

// splitContiguous returns the axis, other than the innermost of the output,
// along which the input is contiguous (zero if there is none), and the axes
// that are neither.
func splitContiguous(axes []AxisPair) (row AxisPair, rest []AxisPair) {
	for _, x := range axes[1:] {
		if x.B == 1 {
			row = x
		} else {
			rest = append(rest, x)
		}
	}
	return row, rest
}

func permuteCases() []Case {
	c := func(name string, shape []int, perm ...int) Case {
		var p PermuteParams
		copy(p.Perm[:], perm)
		return Case{Name: name, P: p, In: []Fill{Normal(shape...)}}
	}
	special := c("matrix", []int{37, 43}, 1, 0)
	special.Special = true
	bench, benchHeads := c("bench", []int{2048, 3072}, 1, 0), c("bench, heads", []int{4, 768, 12, 43}, 0, 2, 1, 3)
	bench.Bench, benchHeads.Bench = true, true
	return []Case{
		special,
		c("one row", []int{1, 43}, 1, 0),
		c("thin", []int{300, 3}, 1, 0),
		c("identity", []int{3, 4, 5}, 0, 1, 2),
		c("batch of matrices", []int{3, 40, 33}, 0, 2, 1),
		c("heads", []int{2, 5, 3, 43}, 0, 2, 1, 3),
		c("reversed", []int{9, 3, 10, 11}, 3, 2, 1, 0),
		c("rotated", []int{9, 10, 11}, 1, 2, 0),
		c("five axes", []int{2, 9, 3, 4, 10}, 3, 4, 0, 2, 1),
		c("empty", []int{4, 0, 3}, 2, 1, 0),
		bench, benchHeads,
	}
}
