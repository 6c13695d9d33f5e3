package kernels

import (
	"context"

	"llana/tensor"
)

// Real is the type a reference computes in.
type Real interface{ float32 | float64 }

// View is an operand as a reference sees it. F holds float operands, I integer
// ones; an absent optional operand has neither, and a nil shape. A packed
// operand is seen as the numbers it stands for.
type View[T Real] struct {
	Shape []int
	F     []T
	I     []int32
}

// Rows returns the product of all lengths but the last, and the last.
func (v View[T]) Rows() (rows, width int) { return rowsOf(v.Shape) }

// rowsOf sees a shape as a matrix: rows, and the width of the last axis.
func rowsOf(shape []int) (rows, width int) {
	width = shape[len(shape)-1]
	return tensor.Numel(shape[:len(shape)-1]), width
}

// reference runs the plain references, one call at a time.
type reference struct {
	*tensor.Host
	float tensor.DType
}

// NewReference returns the device that defines every operation's meaning, in
// float32 or float64 arithmetic. It is slow.
func NewReference(float tensor.DType) Device {
	if float != tensor.F32 && float != tensor.F64 {
		panic("kernels: reference device with element type " + float.String())
	}
	return &reference{Host: tensor.NewHost(), float: float}
}

func (r *reference) Info() Info {
	return Info{Name: "reference " + r.float.String(), Backend: "reference", Kind: "cpu", Limits: BaseLimits}
}
func (r *reference) Float() tensor.DType        { return r.float }
func (r *reference) Sync(context.Context) error { return nil }
func (r *reference) Err() error                 { return nil }
func (r *reference) Close() error               { return nil }
func (r *reference) Launch(c *Call) {
	if r.float == tensor.F64 {
		out := views[float64](c.Out)
		c.Op.ref64(c.P, views[float64](padded(c.Op, c.In)), out)
		storePacked(c.Out, out)
		return
	}
	c.Reference()
}

// Reference computes the call with its float32 reference. The operands must be
// in host memory.
func (c *Call) Reference() {
	out := views[float32](c.Out)
	c.Op.ref32(c.P, views[float32](padded(c.Op, c.In)), out)
	storePacked(c.Out, out)
}

// storePacked rounds what a reference computed to outputs of packed types.
func storePacked[T Real](ts []*tensor.Tensor, out []View[T]) {
	for i, t := range ts {
		if !t.DType().IsPacked() {
			continue
		}
		v := make([]float32, len(out[i].F))
		for j, x := range out[i].F {
			v[j] = float32(x)
		}
		if err := t.Store(v); err != nil {
			panic(err)
		}
	}
}

func views[T Real](ts []*tensor.Tensor) []View[T] {
	vs := make([]View[T], len(ts))
	for i, t := range ts {
		if t == nil {
			continue
		}
		vs[i].Shape = t.Shape()
		switch d := t.DType(); {
		case d == tensor.I32:
			vs[i].I = tensor.Slice[int32](t)
		case d.IsPacked():
			vs[i].F = make([]T, t.Len())
			tensor.Unpack(d, tensor.Raw(t), t.Shape(), vs[i].F)
		default:
			vs[i].F = tensor.Slice[T](t)
		}
	}
	return vs
}
