package kernels

import "llana/tensor"

// Embedding looks rows of a table up: out[n] = table[ids[n]]. table (V, W), which
// may be packed, ids of any shape, out the same with W behind. The caller checks
// ids that come from outside; one that is not in [0, V) gives a row of zeros.
var Embedding = Declare(Decl[None]{
	Name: "embedding", Doc: "out[n] = table[ids[n]]; zeros for an id outside the table",
	In: []Arg{{Name: "table", Packed: true}, {Name: "ids", Kind: Int}}, Out: []Arg{{Name: "out"}},
	Shapes: func(_ None, in [][]int) [][]int {
		Check(len(in[0]) == 2, "embedding", in, "table of rank %d, want 2", len(in[0]))
		return [][]int{append(append([]int{}, in[1]...), in[0][1])}
	},
	Ref32: embeddingRef[float32], Ref64: embeddingRef[float64],
	Shader: func(_ None, pl *Plan) {
		table, n := pl.In[0], pl.Out[0].Len()
		rows := bindable(pl.Limits, table)
		for first := 0; first < max(1, table.Dim(0)); first += max(1, rows) {
			part := rowRange(table, first, min(rows, table.Dim(0)-first))
			pl.Dispatch("embedding", []Const{{"TABLE", table.DType().String()}}, Words(n, table.Dim(0), table.Dim(1), first, part.Dim(0)),
				[]Bind{B(part), B(pl.In[1]), B(pl.Out[0])}, pl.Fold(ceilDiv(n, 256)))
		}
	},
	Cost: func(_ None, in, out [][]int) Cost { return Cost{Bytes: totalBytes(in[1], out[0], out[0])} },
	Tol:  Exact,
	Cases: []Case{
		{Name: "bfloat16", P: None{}, In: []Fill{Normal(11, 42).As(tensor.BF16), Ints(0, 11, 2, 7)}, Special: true},
		{Name: "float16", P: None{}, In: []Fill{Normal(11, 42).As(tensor.F16), Ints(0, 11, 2, 7)}, Special: true},
		{Name: "int8", P: None{}, In: []Fill{Normal(11, 48).As(tensor.Q8), Ints(-1, 11, 2, 7)}},
		{Name: "int4", P: None{}, In: []Fill{Normal(11, 48).As(tensor.Q4), Ints(-1, 11, 2, 7)}},
		{Name: "odd", P: None{}, In: []Fill{Normal(11, 43), Ints(0, 11, 2, 7)}, Special: true},
		{Name: "one id", P: None{}, In: []Fill{Normal(5, 300), Ints(0, 5, 1)}},
		{Name: "ids outside", P: None{}, In: []Fill{Normal(5, 7), Values([]float64{-1, 0, 5, 4, -100}, 5)}},
		{Name: "no ids", P: None{}, In: []Fill{Normal(5, 7), Ints(0, 5, 0)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(32003, 4096), Ints(0, 32003, 1, 3125)}, Bench: true},
	},
})

// EmbeddingBackward adds the gradient of a look-up to that of the table:
// dtable[ids[n]] += dy[n]. dy (..., W), ids as in Embedding, dtable (V, W).
// Ids outside the table are left out. The occurrences of an id are summed in
// the order of their positions.
var EmbeddingBackward = Declare(Decl[None]{
	Name: "embedding_backward", Doc: "dtable[ids[n]] += dy[n], occurrences of an id in their order",
	In: []Arg{{Name: "dy"}, {Name: "ids", Kind: Int}}, Out: []Arg{{Name: "dtable", InOut: true}},
	Shapes: func(_ None, in [][]int) [][]int {
		dy := in[0]
		Check(len(dy) > 0 && sameShape(dy[:len(dy)-1], in[1]), "embedding_backward", in, "dy is not (ids..., W)")
		return [][]int{nil}
	},
	Ref32: embeddingBackwardRef[float32], Ref64: embeddingBackwardRef[float64],
	Shader: embeddingBackwardPlan,
	Cost: func(_ None, in, _ [][]int) Cost {
		return Cost{FLOPs: int64(numel(in[0])), Bytes: totalBytes(in[0], in[0], in[0], in[1])}
	},
	Tol: TolProduct,
	Cases: []Case{
		{Name: "repeated ids", P: None{}, In: []Fill{Normal(5, 60, 43), Ints(0, 11, 5, 60)}, InOut: []Fill{Normal(11, 43)}},
		{Name: "wide", P: None{}, In: []Fill{Normal(9, 600), Ints(0, 4, 9)}, InOut: []Fill{Normal(4, 600)}},
		{Name: "ids outside", P: None{}, In: []Fill{Normal(6, 7), Values([]float64{-1, 0, 5, 4, -1, 0}, 6)}, InOut: []Fill{Normal(5, 7)}},
		{Name: "no ids", P: None{}, In: []Fill{Normal(0, 7), Ints(0, 5, 0)}, InOut: []Fill{Normal(5, 7)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(3125, 4096), Ints(0, 32003, 3125)}, InOut: []Fill{Normal(32003, 4096)}, Bench: true},
		{Name: "bench, one id", P: None{}, In: []Fill{Normal(3125, 4096), Ints(0, 1, 3125)}, InOut: []Fill{Normal(32003, 4096)}, Bench: true},
	},
})

func embeddingRef[T Real](_ None, in, out []View[T]) {
	rows, w := in[0].Rows()
	for n, id := range in[1].I {
		o := out[0].F[n*w:][:w]
		if id < 0 || int(id) >= rows {
			clear(o)
			continue
		}
		copy(o, in[0].F[int(id)*w:])
	}
}

// embeddingTable returns the lengths of the table that dy is added to.
func embeddingTable(dy, table []int) (rows, width int) {
	Check(len(table) == 2 && table[1] == dy[len(dy)-1], "embedding_backward", [][]int{dy, table}, "dtable does not fit dy")
	return table[0], table[1]
}

func embeddingBackwardRef[T Real](_ None, in, out []View[T]) {
	rows, w := embeddingTable(in[0].Shape, out[0].Shape)
	for n, id := range in[1].I {
		if id < 0 || int(id) >= rows {
			continue
		}
		for i, d := range in[0].F[n*w:][:w] {
			out[0].F[int(id)*w+i] += d
		}
	}
}

// embeddingBackwardPlan first links the positions of equal ids into lists,
// then lets the first position of each id walk its list.
func embeddingBackwardPlan(_ None, pl *Plan) {
	rows, w := embeddingTable(pl.In[0].Shape(), pl.Out[0].Shape())
	n := pl.In[1].Len()
	links := pl.Temp(max(1, 2*n))
	pl.Dispatch("embedding_links", nil, Words(n), []Bind{B(pl.In[1]), links}, pl.Fold(n))
	blocks := ceilDiv(w, 256)
	pl.Dispatch("embedding_backward", nil, Words(n, rows, w, blocks),
		[]Bind{B(pl.In[0]), B(pl.In[1]), links, B(pl.Out[0])}, pl.Fold(n*blocks))
}
