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
// torch.nn.Linear stores it and possibly packed, and bias (out) or nil.
func Linear(x, w, bias *Var, act kernels.Act) *Var { return linear(nil, x, w, bias, act) }

// LinearAdd returns residual + x w^T + bias.
func LinearAdd(residual, x, w, bias *Var) *Var {
	return linear(residual, x, w, bias, kernels.ActNone)
}

func linear(residual, x, w, bias *Var, act kernels.Act) *Var {
	t := x.tape
	rows := x.val.Len() / max(1, x.Dim(-1))
	flat := t.Own(x.val.View(rows, x.Dim(-1)))
	p := kernels.MatMulParams{TransB: true, Act: act}
	in := []*Var{x, w}
	var b, r *tensor.Tensor
	if bias != nil {
		b = bias.val
		in = append(in, bias)
	}
	if residual != nil {
		r = residual.val.View(rows, w.Dim(0))
		in = append(in, residual)
	}
	y := t.Run1(kernels.MatMul, p, flat, w.val, b, r)
	r.Free()
	shape := append(append([]int(nil), x.Shape()[:len(x.Shape())-1]...), w.Dim(0))
	out := t.Own(y.View(shape...))
	return t.Record1(out, in, []*tensor.Tensor{flat, y}, func(dy *tensor.Tensor) {
		if residual.NeedsGrad() {
			residual.AddGrad(dy)
		}
		d := t.Own(dy.View(rows, w.Dim(0)))
		if act == kernels.ActReLU {
			masked := t.Run1(kernels.ReLUBackward, kernels.None{}, y, y, d) // y > 0 where x > 0
			d.Free()
			d = masked
		}
		linearBackward(x, flat, w, d)
		if bias.NeedsGrad() {
			g := t.Run1(kernels.SumRows, kernels.None{}, d)
			bias.AddGrad(g)
			g.Free()
		}
		d.Free()
	})
}

// linearBackward adds the gradients of y = x w^T; flat is x as a matrix.
func linearBackward(x *Var, flat *tensor.Tensor, w *Var, dy *tensor.Tensor) {
	t := x.tape
	matmulBackward(&Var{tape: t, val: flat}, w, dy, kernels.MatMulParams{TransB: true})
	if x.needs {
		dx, add := x.GradTarget()
		matrix := dx.View(flat.Shape()...)
		productInto(t, kernels.MatMulParams{}, dy, w.val, matrix, add)
		matrix.Free() // or dx would count as shared
	}
}

// QKV returns x wq^T, x wk^T and x wv^T for x (..., in) and weights (out, in).
func QKV(x, wq, wk, wv *Var) (q, k, v *Var) {
	t := x.tape
	flat := t.Own(x.val.View(-1, x.Dim(-1)))
	weights := []*Var{wq, wk, wv}
	ys := t.Run(kernels.QKV, kernels.None{}, flat, wq.val, wk.val, wv.val)
	outs := make([]*tensor.Tensor, 3)
	for i, y := range ys {
		outs[i] = t.Own(y.View(append(append([]int(nil), x.Shape()[:len(x.Shape())-1]...), y.Dim(1))...))
	}
	vars := t.Record(outs, append([]*Var{x}, weights...), append([]*tensor.Tensor{flat}, ys...), func(dys []*tensor.Tensor) {
		for i, dy := range dys {
			if dy == nil {
				continue
			}
			d := t.Own(dy.View(flat.Dim(0), weights[i].Dim(0)))
			linearBackward(x, flat, weights[i], d)
			d.Free()
		}
	})
	return vars[0], vars[1], vars[2]
}

// SwiGLULinear returns silu(x wg^T) (x wu^T) for x (..., in) and weights
// (out, in).
func SwiGLULinear(x, wg, wu *Var) *Var {
	t := x.tape
	if t.Needs(x, wg, wu) { // the gradient needs both products
		return SwiGLU(Linear(x, wg, nil, kernels.ActNone), Linear(x, wu, nil, kernels.ActNone))
	}
	flat := t.Own(x.val.View(-1, x.Dim(-1)))
	y := t.Run1(kernels.SwiGLULinear, kernels.None{}, flat, wg.val, wu.val)
	return t.Const(t.Own(y.View(append(append([]int(nil), x.Shape()[:len(x.Shape())-1]...), wg.Dim(0))...)))
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
	GradCase{Name: "residual", Shapes: [][]int{{2, 3, 4}, {2, 3, 5}, {4, 5}, {4}},
		F: func(_ *Tape, in []*Var) *Var { return LinearAdd(in[0], in[1], in[2], in[3]) }},
	GradCase{Name: "residual is the input", Shapes: [][]int{{6, 5}, {5, 5}},
		F: func(_ *Tape, in []*Var) *Var { return LinearAdd(in[0], in[0], in[1], nil) }},
	GradCase{Name: "used twice", Shapes: [][]int{{6, 5}, {5, 5}},
		F: func(_ *Tape, in []*Var) *Var {
			return Linear(Linear(in[0], in[1], nil, kernels.ActReLU), in[1], nil, kernels.ActNone)
		}})

var _ = rule("qkv",
	GradCase{Name: "all used", Shapes: [][]int{{2, 3, 5}, {4, 5}, {6, 5}, {7, 5}},
		F: func(_ *Tape, in []*Var) *Var { return Concat(-1, list(QKV(in[0], in[1], in[2], in[3]))...) }},
	GradCase{Name: "one used", Shapes: [][]int{{6, 5}, {4, 5}, {4, 5}, {4, 5}},
		F: func(_ *Tape, in []*Var) *Var { _, k, _ := QKV(in[0], in[1], in[2], in[3]); return k }})

func list(a, b, c *Var) []*Var { return []*Var{a, b, c} }

var _ = rule("swiglu_linear", GradCase{Name: "three axes", Shapes: [][]int{{2, 3, 5}, {4, 5}, {4, 5}},
	F: func(_ *Tape, in []*Var) *Var { return SwiGLULinear(in[0], in[1], in[2]) }})
