package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// MatMul returns op(a) op(b) for matrices or batches of matrices; see
// kernels.MatMul. Activations are not allowed here: use Linear.
func MatMul(a, b *Var, p kernels.MatMulParams) *Var {
	t := a.tape
	kernels.Check(p.Act == kernels.ActNone, "matmul", nil, "activation in a plain product")
	y := t.Run1(kernels.MatMul, p, a.val, b.val, nil)
	return t.Record1(y, []*Var{a, b}, nil, func(dy *tensor.Tensor) { matmulBackward(a, b, dy, p) })
}

// Linear returns act(x w^T + bias) for x (..., in), w (out, in), as
// torch.nn.Linear stores it, and bias (out) or nil.
func Linear(x, w, bias *Var, act kernels.Act) *Var {
	t := x.tape
	rows := x.val.Len() / max(1, x.Dim(-1))
	flat := t.Own(x.val.View(rows, x.Dim(-1)))
	p := kernels.MatMulParams{TransB: true, Act: act}
	in := []*Var{x, w}
	var b *tensor.Tensor
	if bias != nil {
		b = bias.val
		in = append(in, bias)
	}
	y := t.Run1(kernels.MatMul, p, flat, w.val, b)
	shape := append(append([]int(nil), x.Shape()[:len(x.Shape())-1]...), w.Dim(0))
	out := t.Own(y.View(shape...))
	return t.Record1(out, in, []*tensor.Tensor{flat, y}, func(dy *tensor.Tensor) {
		d := t.Own(dy.View(rows, w.Dim(0)))
		if act == kernels.ActReLU {
			masked := t.Run1(kernels.ReLUBackward, kernels.None{}, y, y, d) // y > 0 where x > 0
			d.Free()
			d = masked
		}
		matmulBackward(&Var{tape: t, val: flat}, w, d, kernels.MatMulParams{TransB: true})
		if x.needs {
			dx, add := x.GradTarget()
			productInto(t, kernels.MatMulParams{}, d, w.val, t.Own(dx.View(rows, x.Dim(-1))), add)
		}
		if bias.NeedsGrad() {
			g := t.Run1(kernels.SumRows, kernels.None{}, d)
			bias.AddGrad(g)
			g.Free()
		}
		d.Free()
	})
}

// matmulBackward adds the gradients of y = op(a) op(b). A matrix that a batch
// shares gets the sum over the batch.
func matmulBackward(a, b *Var, dy *tensor.Tensor, p kernels.MatMulParams) {
	if a.NeedsGrad() {
		// da = dy op(b)^T, or its transpose op(b) dy^T.
		if p.TransA {
			addProduct(a, b.val, dy, kernels.MatMulParams{TransA: p.TransB, TransB: true})
		} else {
			addProduct(a, dy, b.val, kernels.MatMulParams{TransB: !p.TransB})
		}
	}
	if b.NeedsGrad() {
		if p.TransB {
			addProduct(b, dy, a.val, kernels.MatMulParams{TransA: true, TransB: p.TransA})
		} else {
			addProduct(b, a.val, dy, kernels.MatMulParams{TransA: !p.TransA})
		}
	}
}

// addProduct adds op(l) op(r) to v's gradient, summed over the batch if v is
// one matrix.
func addProduct(v *Var, l, r *tensor.Tensor, p kernels.MatMulParams) {
	t := v.tape
	if len(v.Shape()) == 2 && (l.Rank() == 3 || r.Rank() == 3) {
		batch := t.Run1(kernels.MatMul, p, l, r, nil)
		rows := t.Own(batch.View(batch.Dim(0), -1))
		sum := t.Run1(kernels.SumRows, kernels.None{}, rows)
		flat := t.Own(sum.View(v.Shape()...))
		v.AddGrad(flat)
		for _, x := range []*tensor.Tensor{batch, rows, sum, flat} {
			x.Free()
		}
		return
	}
	g, add := v.GradTarget()
	productInto(t, p, l, r, g, add)
}

func productInto(t *Tape, p kernels.MatMulParams, l, r, out *tensor.Tensor, add bool) {
	if add {
		t.RunInto(kernels.MatMulAdd, p, []*tensor.Tensor{l, r}, out)
	} else {
		t.RunInto(kernels.MatMul, p, []*tensor.Tensor{l, r, nil}, out)
	}
}

var _ = rule("matmul",
	matmulGradCase("plain", kernels.MatMulParams{}, []int{3, 5}, []int{5, 4}),
	matmulGradCase("transposed left", kernels.MatMulParams{TransA: true}, []int{5, 3}, []int{5, 4}),
	matmulGradCase("transposed right", kernels.MatMulParams{TransB: true}, []int{3, 5}, []int{4, 5}),
	matmulGradCase("transposed both", kernels.MatMulParams{TransA: true, TransB: true}, []int{5, 3}, []int{4, 5}),
	matmulGradCase("batched", kernels.MatMulParams{}, []int{2, 3, 5}, []int{2, 5, 4}),
	matmulGradCase("right shared", kernels.MatMulParams{TransB: true}, []int{2, 3, 5}, []int{4, 5}),
	matmulGradCase("left shared", kernels.MatMulParams{}, []int{3, 5}, []int{2, 5, 4}))

func matmulGradCase(name string, p kernels.MatMulParams, a, b []int) GradCase {
	return GradCase{Name: name, Shapes: [][]int{a, b}, F: func(_ *Tape, in []*Var) *Var { return MatMul(in[0], in[1], p) }}
}

var _ = rule("linear",
	GradCase{Name: "bias", Shapes: [][]int{{2, 3, 5}, {4, 5}, {4}},
		F: func(_ *Tape, in []*Var) *Var { return Linear(in[0], in[1], in[2], kernels.ActNone) }},
	GradCase{Name: "relu", Shapes: [][]int{{6, 5}, {4, 5}, {4}},
		F: func(_ *Tape, in []*Var) *Var { return Linear(in[0], in[1], in[2], kernels.ActReLU) }},
	GradCase{Name: "used twice", Shapes: [][]int{{6, 5}, {5, 5}},
		F: func(_ *Tape, in []*Var) *Var {
			return Linear(Linear(in[0], in[1], nil, kernels.ActReLU), in[1], nil, kernels.ActNone)
		}})
