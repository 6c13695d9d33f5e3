package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Embedding returns the rows of table (V, W) that ids, of any shape, name:
// (ids..., W).
func Embedding(table *Var, ids *tensor.Tensor) *Var {
	t := table.tape
	y := t.Run1(kernels.Embedding, kernels.None{}, table.val, ids)
	return t.Record1(y, []*Var{table}, nil, func(dy *tensor.Tensor) {
		g, add := table.GradTarget()
		if !add {
			t.RunInto(kernels.FillWith, kernels.FillParams{}, nil, g)
		}
		t.RunInto(kernels.EmbeddingBackward, kernels.None{}, []*tensor.Tensor{dy, ids}, g)
	})
}

var _ = rule("embedding",
	GradCase{Name: "repeated ids", Shapes: [][]int{{5, 3}},
		F: func(t *Tape, in []*Var) *Var { return Embedding(in[0], t.Int32([]int32{4, 0, 4, 2, 4, 0}, 2, 3)) }},
	GradCase{Name: "used twice", Shapes: [][]int{{5, 3}},
		F: func(t *Tape, in []*Var) *Var {
			a, b := Embedding(in[0], t.Int32([]int32{1, 0}, 2)), Embedding(in[0], t.Int32([]int32{1, 1, 3}, 3))
			return MatMul(a, b, kernels.MatMulParams{TransB: true})
		}})
