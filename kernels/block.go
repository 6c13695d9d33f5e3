package kernels

import "llana/tensor"

// BlockParams say which elements CopyBlock copies: a block of up to four axes,
// outermost first. Along axis i it has Dims[i] elements, From[i] apart in the
// input and To[i] apart in the output; the first element stands at FromOffset
// and ToOffset. A stride of 0 in From repeats elements. Axes that are not
// needed have length 1. Elements of the output must not coincide.
type BlockParams struct {
	Dims, From, To       [4]int
	FromOffset, ToOffset int
	Add                  bool // add to the output instead of overwriting it
}

// CopyBlock copies a block of x into a block of out and leaves the rest of out
// as it is: slices, concatenation, writes into a key-value cache, and with
// stride 0 broadcasting. The shape of out is the caller's. x and out may both be
// stored in one 16-bit type; then rows of the block must be whole 32-bit words in
// both, and there is no Add.
var CopyBlock = Declare(Decl[BlockParams]{
	Name: "copy_block", Doc: "out[block] = x[block], or += ; strided blocks of up to four axes",
	In: []Arg{{Name: "x", Packed: true}}, Out: []Arg{{Name: "out", InOut: true, Packed: true}},
	Shapes: func(BlockParams, [][]int) [][]int { return [][]int{nil} },
	Ref32:  copyBlockRef[float32], Ref64: copyBlockRef[float64],
	Shader: func(p BlockParams, pl *Plan) {
		axes := p.Axes(pl.In[0].Shape(), pl.Out[0].Shape())
		if p.Packed(pl.In[0], pl.Out[0], axes) {
			p, axes = p.inWords(axes)
			stridedWordsPlan(pl, axes, p.ToOffset, p.FromOffset)
			return
		}
		stridedCopyPlan(pl, axes, p.ToOffset, p.FromOffset, p.Add)
	},
	Cost: func(p BlockParams, _, _ [][]int) Cost {
		n := int64(numel(p.Dims[:]))
		if p.Add {
			return Cost{FLOPs: n, Bytes: 12 * n}
		}
		return Cost{Bytes: 8 * n}
	},
	Tol:   TolElementwise,
	Cases: blockCases(),
})

// Axes returns the axes to walk, innermost first, merged: A is the output's
// stride, B the input's. It panics with a ShapeError unless the block lies
// inside arrays of the given shapes.
func (p BlockParams) Axes(in, out []int) []AxisPair {
	shapes := [][]int{in, out}
	lastFrom, lastTo, n := p.FromOffset, p.ToOffset, 1
	for i, d := range p.Dims {
		Check(d >= 0 && p.From[i] >= 0 && p.To[i] >= 0, "copy_block", shapes, "negative length or stride on axis %d of the block %v", i, p)
		lastFrom += (d - 1) * p.From[i]
		lastTo += (d - 1) * p.To[i]
		n *= d
	}
	Check(n == 0 || p.FromOffset >= 0 && lastFrom < numel(in), "copy_block", shapes, "the block %v leaves the input", p)
	Check(n == 0 || p.ToOffset >= 0 && lastTo < numel(out), "copy_block", shapes, "the block %v leaves the output", p)
	var axes []AxisPair
	for i := len(p.Dims) - 1; i >= 0; i-- {
		axes = appendAxis(axes, AxisPair{p.Dims[i], p.To[i], p.From[i]})
	}
	return wholeAxes(axes)
}

// Packed reports whether the tensors of a call are stored in a 16-bit type. It
// panics with a ShapeError if that cannot be copied along the axes.
func (p BlockParams) Packed(x, out *tensor.Tensor, axes []AxisPair) bool {
	from, to := x.DType(), out.DType()
	if !from.IsPacked() && !to.IsPacked() {
		return false
	}
	even := func(ns ...int) bool {
		for _, n := range ns {
			if n%2 != 0 {
				return false
			}
		}
		return true
	}
	whole := axes[0].A == 1 && axes[0].B == 1 && even(axes[0].Len, p.FromOffset, p.ToOffset)
	for _, a := range axes[1:] {
		whole = whole && even(a.A, a.B)
	}
	Check(from == to && (from == tensor.F16 || from == tensor.BF16) && !p.Add && whole, "copy_block", [][]int{x.Shape(), out.Shape()},
		"from %v to %v, want one type, and of 16-bit types whole words (%+v)", from, to, p)
	return true
}

// inWords counts 32-bit words instead of 16-bit elements.
func (p BlockParams) inWords(axes []AxisPair) (BlockParams, []AxisPair) {
	p.FromOffset, p.ToOffset = p.FromOffset/2, p.ToOffset/2
	words := []AxisPair{{axes[0].Len / 2, 1, 1}}
	for _, a := range axes[1:] {
		words = append(words, AxisPair{a.Len, a.A / 2, a.B / 2})
	}
	return p, words
}

// AxisBlock returns the parameters that copy n positions of an axis between
// arrays seen as (outer, length, inner): from position fromAt of an input with
// fromLen positions to toAt of an output with toLen.
func AxisBlock(outer, inner, n, fromLen, fromAt, toLen, toAt int) BlockParams {
	return BlockParams{
		Dims:       [4]int{1, outer, n, inner},
		From:       [4]int{0, fromLen * inner, inner, 1},
		To:         [4]int{0, toLen * inner, inner, 1},
		FromOffset: fromAt * inner,
		ToOffset:   toAt * inner,
	}
}

func copyBlockRef[T Real](p BlockParams, in, out []View[T]) {
	walk(p.Axes(in[0].Shape, out[0].Shape), func(_, to, from int) {
		v := in[0].F[p.FromOffset+from]
		if p.Add {
			v += out[0].F[p.ToOffset+to]
		}
		out[0].F[p.ToOffset+to] = v
	})
}

// stridedCopyPlan copies along axes (A: output, B: input).
func stridedCopyPlan(pl *Plan, axes []AxisPair, toOffset, fromOffset int, add bool) {
	stridedPlan(pl, "f32", axes, toOffset, fromOffset, add)
}

// stridedWordsPlan is stridedCopyPlan for words of any kind.
func stridedWordsPlan(pl *Plan, axes []AxisPair, toOffset, fromOffset int) {
	stridedPlan(pl, "u32", axes, toOffset, fromOffset, false)
}

func stridedPlan(pl *Plan, element string, axes []AxisPair, toOffset, fromOffset int, add bool) {
	n := 1
	for _, x := range axes {
		n *= x.Len
	}
	pl.Dispatch("block", []Const{{"RANK", len(axes)}, {"ADD", add}, {"ELEMENT", element}},
		append(Words(n, toOffset, fromOffset), axisWords(axes)...), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
}

func blockCases() []Case {
	c := func(name string, p BlockParams, in, out []int) Case {
		return Case{Name: name, P: p, In: []Fill{Normal(in...)}, InOut: []Fill{Normal(out...)}, OutShapes: [][]int{out}}
	}
	adding := func(p BlockParams) BlockParams { p.Add = true; return p }
	special := c("slice of rows", AxisBlock(1, 43, 3, 7, 2, 3, 0), []int{7, 43}, []int{3, 43})
	special.Special = true
	stored := func(d tensor.DType, c Case) Case {
		c.In[0].DType = d
		return c.storedAs(d)
	}
	bench := c("bench, cache write", AxisBlock(1, 4096, 512, 512, 0, 2048, 700), []int{512, 4096}, []int{2048, 4096})
	benchCut := c("bench, slice of columns", AxisBlock(3072, 1, 516, 1548, 516, 516, 0), []int{3072, 1548}, []int{3072, 516})
	bench.Bench, benchCut.Bench = true, true
	return []Case{
		special,
		c("into the middle", AxisBlock(5, 7, 4, 4, 0, 11, 6), []int{5, 4, 7}, []int{5, 11, 7}),
		c("added into the middle", adding(AxisBlock(5, 7, 4, 4, 0, 11, 6)), []int{5, 4, 7}, []int{5, 11, 7}),
		c("slice of columns", AxisBlock(300, 1, 5, 43, 20, 5, 0), []int{300, 43}, []int{300, 5}),
		c("everything", AxisBlock(1, 1, 700, 700, 0, 700, 0), []int{700}, []int{700}),
		c("one repeated", BlockParams{Dims: [4]int{1, 1, 9, 5}, To: [4]int{0, 0, 10, 1}, ToOffset: 3}, []int{1}, []int{9, 10}),
		c("row repeated, added", BlockParams{Dims: [4]int{1, 4, 9, 5}, From: [4]int{0, 5, 0, 1}, To: [4]int{0, 45, 5, 1}, Add: true}, []int{4, 5}, []int{4, 9, 5}),
		c("four axes", BlockParams{Dims: [4]int{2, 3, 4, 5}, From: [4]int{5, 10, 30, 1}, To: [4]int{61, 20, 5, 1}, ToOffset: 1}, []int{120}, []int{130}),
		stored(tensor.F16, c("float16, a longer cache", AxisBlock(3, 12, 4, 5, 0, 7, 0), []int{3, 5, 12}, []int{3, 7, 12})),
		stored(tensor.BF16, c("bfloat16, one row of a cache repeated", BlockParams{Dims: [4]int{1, 3, 4, 6}, From: [4]int{0, 0, 6, 1}, FromOffset: 30, To: [4]int{0, 42, 6, 1}, ToOffset: 42}, []int{2, 5, 6}, []int{4, 7, 6})),
		c("nothing", AxisBlock(5, 7, 0, 4, 0, 11, 6), []int{5, 4, 7}, []int{5, 11, 7}),
		bench, benchCut,
	}
}
