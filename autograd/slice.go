package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Slice returns positions lo to hi-1 of an axis; negative axes count from the
// last.
func Slice(x *Var, axis, lo, hi int) *Var {
	t := x.tape
	a := alongAxis("slice", x.Shape(), axis)
	kernels.Check(0 <= lo && lo <= hi && hi <= a.n, "slice", [][]int{x.Shape()}, "[%d:%d] of axis %d", lo, hi, axis)
	y := t.Own(tensor.New(t.dev, x.val.DType(), a.shape(hi-lo)...))
	t.RunInto(kernels.CopyBlock, a.block(hi-lo, a.n, lo, hi-lo, 0), []*tensor.Tensor{x.val}, y)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx, add := x.GradTarget()
		if !add {
			t.RunInto(kernels.FillWith, kernels.FillParams{}, nil, dx)
		}
		p := a.block(hi-lo, hi-lo, 0, a.n, lo)
		p.Add = add
		t.RunInto(kernels.CopyBlock, p, []*tensor.Tensor{dy}, dx)
	})
}

// Concat joins variables along an axis; their other axes must agree.
func Concat(axis int, xs ...*Var) *Var {
	t := xs[0].tape
	axes := make([]axisView, len(xs))
	shapes := make([][]int, len(xs))
	total := 0
	for i, x := range xs {
		shapes[i] = x.Shape()
		axes[i] = alongAxis("concat", x.Shape(), axis)
		kernels.Check(tensor.SameShape(axes[i].shape(0), axes[0].shape(0)), "concat", shapes[:i+1], "shapes differ beside axis %d", axis)
		total += axes[i].n
	}
	y := t.Own(tensor.New(t.dev, xs[0].val.DType(), axes[0].shape(total)...))
	at := 0
	for i, a := range axes {
		t.RunInto(kernels.CopyBlock, a.block(a.n, a.n, 0, total, at), []*tensor.Tensor{xs[i].val}, y)
		at += a.n
	}
	return t.Record1(y, xs, nil, func(dy *tensor.Tensor) {
		at := 0
		for i, a := range axes {
			if xs[i].needs {
				dx, add := xs[i].GradTarget()
				p := a.block(a.n, total, at, a.n, 0)
				p.Add = add
				t.RunInto(kernels.CopyBlock, p, []*tensor.Tensor{dy}, dx)
			}
			at += a.n
		}
	})
}

// Splice returns a copy of x with y written at positions at to at+len(y)-1 of
// an axis. Beside that axis, the shapes must agree.
func Splice(x, y *Var, axis, at int) *Var {
	t := x.tape
	a, b := alongAxis("splice", x.Shape(), axis), alongAxis("splice", y.Shape(), axis)
	shapes := [][]int{x.Shape(), y.Shape()}
	kernels.Check(tensor.SameShape(a.shape(0), b.shape(0)), "splice", shapes, "shapes differ beside axis %d", axis)
	kernels.Check(at >= 0 && at+b.n <= a.n, "splice", shapes, "position %d of axis %d", at, axis)
	z := t.Run1(kernels.Copy, kernels.None{}, x.val)
	t.RunInto(kernels.CopyBlock, a.block(b.n, b.n, 0, a.n, at), []*tensor.Tensor{y.val}, z)
	return t.Record1(z, []*Var{x, y}, nil, func(dz *tensor.Tensor) {
		if x.needs {
			dx := t.Run1(kernels.Copy, kernels.None{}, dz)
			zero := t.Own(tensor.New(t.dev, dx.DType(), 1))
			t.RunInto(kernels.FillWith, kernels.FillParams{}, nil, zero)
			p := a.block(b.n, b.n, 0, a.n, at)
			p.From = [4]int{} // the one zero, everywhere
			t.RunInto(kernels.CopyBlock, p, []*tensor.Tensor{zero}, dx)
			zero.Free()
			x.AddGrad(dx)
			dx.Free()
		}
		if y.needs {
			dy, add := y.GradTarget()
			p := a.block(b.n, a.n, at, b.n, 0)
			p.Add = add
			t.RunInto(kernels.CopyBlock, p, []*tensor.Tensor{dz}, dy)
		}
	})
}

// axisView sees a shape as (outer, n, inner) around one axis.
type axisView struct {
	dims            []int
	axis            int
	outer, n, inner int
}

func alongAxis(op string, shape []int, axis int) axisView {
	i := axis
	if i < 0 {
		i += len(shape)
	}
	kernels.Check(i >= 0 && i < len(shape), op, [][]int{shape}, "no axis %d", axis)
	return axisView{shape, i, tensor.Numel(shape[:i]), shape[i], tensor.Numel(shape[i+1:])}
}

// shape returns the shape with length n along the axis.
func (a axisView) shape(n int) []int {
	s := append([]int(nil), a.dims...)
	s[a.axis] = n
	return s
}

// block copies n positions between arrays of fromLen and toLen positions.
func (a axisView) block(n, fromLen, fromAt, toLen, toAt int) kernels.BlockParams {
	return kernels.AxisBlock(a.outer, a.inner, n, fromLen, fromAt, toLen, toAt)
}

var _ = rule("slice",
	GradCase{Name: "middle axis", Shapes: [][]int{{2, 5, 3}}, F: func(_ *Tape, in []*Var) *Var { return Slice(in[0], 1, 1, 4) }},
	GradCase{Name: "overlapping", Shapes: [][]int{{2, 5}}, F: func(_ *Tape, in []*Var) *Var {
		return Mul(Slice(in[0], -1, 0, 3), Slice(in[0], -1, 2, 5))
	}})

var _ = rule("concat",
	GradCase{Name: "last axis", Shapes: [][]int{{2, 3}, {2, 1}, {2, 4}}, F: func(_ *Tape, in []*Var) *Var { return Concat(-1, in...) }},
	GradCase{Name: "first axis, one twice", Shapes: [][]int{{2, 3}, {1, 3}}, F: func(_ *Tape, in []*Var) *Var {
		return Concat(0, in[0], in[1], in[0])
	}})

var _ = rule("splice",
	GradCase{Name: "middle axis", Shapes: [][]int{{2, 5, 3}, {2, 2, 3}}, F: func(_ *Tape, in []*Var) *Var {
		return Splice(in[0], in[1], 1, 2)
	}},
	GradCase{Name: "x used again", Shapes: [][]int{{5, 3}, {2, 3}}, F: func(_ *Tape, in []*Var) *Var {
		return Mul(Splice(in[0], in[1], 0, 3), in[0])
	}})
