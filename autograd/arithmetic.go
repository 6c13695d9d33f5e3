package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Add returns a + b, broadcast as in NumPy.
func Add(a, b *Var) *Var {
	t := a.tape
	return t.Record1(t.Run1(kernels.Add, kernels.None{}, a.val, b.val), []*Var{a, b}, nil, func(dy *tensor.Tensor) {
		a.addBroadcastGrad(dy)
		b.addBroadcastGrad(dy)
	})
}

// Sub returns a - b, broadcast.
func Sub(a, b *Var) *Var {
	t := a.tape
	return t.Record1(t.Run1(kernels.Sub, kernels.None{}, a.val, b.val), []*Var{a, b}, nil, func(dy *tensor.Tensor) {
		a.addBroadcastGrad(dy)
		if b.needs {
			db := t.Run1(kernels.Scale, kernels.ScaleParams{By: -1}, dy)
			b.addBroadcastGrad(db)
			db.Free()
		}
	})
}

// Mul returns a b, element by element, broadcast.
func Mul(a, b *Var) *Var {
	t := a.tape
	return t.Record1(t.Run1(kernels.Mul, kernels.None{}, a.val, b.val), []*Var{a, b}, nil, func(dy *tensor.Tensor) {
		mulGrad(a, dy, b.val)
		mulGrad(b, dy, a.val)
	})
}

func mulGrad(v *Var, dy, factor *tensor.Tensor) {
	if v.needs {
		g := v.tape.Run1(kernels.Mul, kernels.None{}, dy, factor)
		v.addBroadcastGrad(g)
		g.Free()
	}
}

// Div returns a / b, element by element, broadcast.
func Div(a, b *Var) *Var {
	t := a.tape
	y := t.Run1(kernels.Div, kernels.None{}, a.val, b.val)
	return t.Record1(y, []*Var{a, b}, nil, func(dy *tensor.Tensor) {
		da := t.Run1(kernels.Div, kernels.None{}, dy, b.val)
		a.addBroadcastGrad(da)
		if b.needs {
			// d(a/b)/db = -(a/b)/b
			db := t.Run1(kernels.Mul, kernels.None{}, da, y)
			minus := t.Run1(kernels.Scale, kernels.ScaleParams{By: -1}, db)
			db.Free()
			b.addBroadcastGrad(minus)
			minus.Free()
		}
		da.Free()
	})
}

// Scale returns c x.
func Scale(x *Var, c float32) *Var {
	t := x.tape
	p := kernels.ScaleParams{By: c}
	return t.Record1(t.Run1(kernels.Scale, p, x.val), []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx := t.Run1(kernels.Scale, p, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

// addBroadcastGrad adds g, the gradient of what v was broadcast to, summed
// over the repetitions.
func (v *Var) addBroadcastGrad(g *tensor.Tensor) {
	if !v.NeedsGrad() {
		return
	}
	if tensor.SameShape(g.Shape(), v.Shape()) {
		v.AddGrad(g)
		return
	}
	sum := v.tape.sumTo(g, v.Shape())
	v.AddGrad(sum)
	sum.Free()
}

// sumTo sums g over the axes along which shape was repeated. Neighbouring axes
// are summed at once.
func (t *Tape) sumTo(g *tensor.Tensor, shape []int) *tensor.Tensor {
	dims := append([]int(nil), g.Shape()...)
	missing := len(dims) - len(shape)
	repeated := func(i int) bool { return dims[i] != 1 && (i < missing || shape[i-missing] == 1) }
	sum := t.Own(g.View(dims...))
	for i := 0; i < len(dims); i++ {
		end := i
		for end < len(dims) && repeated(end) {
			end++
		}
		if end == i {
			continue
		}
		span := t.Own(sum.View(tensor.Numel(dims[:i]), tensor.Numel(dims[i:end]), tensor.Numel(dims[end:])))
		sum.Free()
		sum = t.Run1(kernels.Sum, kernels.ReduceParams{Axis: 1}, span)
		span.Free()
		for k := i; k < end; k++ {
			dims[k] = 1
		}
	}
	out := t.Own(sum.View(shape...))
	sum.Free()
	return out
}

var _ = rule("arithmetic",
	binaryCase("add", Add, []int{3, 4}, []int{3, 4}),
	binaryCase("add, row repeated", Add, []int{2, 3, 4}, []int{4}),
	binaryCase("sub, column repeated", Sub, []int{3, 1}, []int{3, 4}),
	binaryCase("mul", Mul, []int{3, 4}, []int{3, 4}),
	binaryCase("mul, outer", Mul, []int{3, 1}, []int{4}),
	binaryCase("mul, alternating", Mul, []int{2, 1, 3, 1}, []int{4, 1, 2}),
	binaryCase("mul, number", Mul, []int{1}, []int{5, 3}),
	GradCase{Name: "div", Shapes: [][]int{{3, 4}, {4}}, Gen: awayFromZero,
		F: func(_ *Tape, in []*Var) *Var { return Div(in[0], in[1]) }},
	GradCase{Name: "square", Shapes: [][]int{{5}}, F: func(_ *Tape, in []*Var) *Var { return Mul(in[0], in[0]) }},
	GradCase{Name: "same twice", Shapes: [][]int{{5}}, F: func(_ *Tape, in []*Var) *Var { return Add(Sub(in[0], in[0]), in[0]) }},
	GradCase{Name: "scale", Shapes: [][]int{{5}}, F: func(_ *Tape, in []*Var) *Var { return Scale(in[0], -1.5) }})

func binaryCase(name string, f func(a, b *Var) *Var, a, b []int) GradCase {
	return GradCase{Name: name, Shapes: [][]int{a, b}, F: func(_ *Tape, in []*Var) *Var { return f(in[0], in[1]) }}
}

// awayFromZero keeps a divisor's sign and makes it at least 1/2.
func awayFromZero(_, _ int, normal float64) float64 {
	if normal < 0 {
		return normal - 0.5
	}
	return normal + 0.5
}
