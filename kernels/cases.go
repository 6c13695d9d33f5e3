package kernels

import (
	"math"
	"math/rand/v2"

	"llana/tensor"
)

// Case is one set of parameters and inputs an operation is checked on.
type Case struct {
	Name string
	P    any
	In   []Fill // one for each input; the zero Fill for an absent one, those at the end may be left out
	// InOut fills the outputs that are updated in place, in order.
	InOut []Fill
	// OutShapes are needed only where the operation leaves them to the caller.
	OutShapes [][]int
	// Bench marks the sizes that are timed; they are too large to check.
	Bench bool
	// Special allows inputs to be replaced by NaN and infinities, which must
	// then come out where the reference has them.
	Special bool
}

// Fill says how an operand of a case is filled.
type Fill struct {
	Shape []int
	Gen   func(r *rand.Rand, i int) float64
	// DType is the packed type that the operand is stored as; the zero value
	// for the device's own types.
	DType tensor.DType
}

// Present reports whether the operand is there.
func (f Fill) Present() bool { return f.Gen != nil }

// As returns the fill stored as a packed type.
func (f Fill) As(d tensor.DType) Fill {
	f.DType = d
	return f
}

// Normal fills with N(0, 1).
func Normal(shape ...int) Fill {
	return Fill{Shape: shape, Gen: func(r *rand.Rand, _ int) float64 { return r.NormFloat64() }}
}

// Uniform fills with numbers in [lo, hi).
func Uniform(lo, hi float64, shape ...int) Fill {
	return Fill{Shape: shape, Gen: func(r *rand.Rand, _ int) float64 { return lo + (hi-lo)*r.Float64() }}
}

// Ints fills with integers in [lo, hi).
func Ints(lo, hi int, shape ...int) Fill {
	return Fill{Shape: shape, Gen: func(r *rand.Rand, _ int) float64 { return float64(lo + r.IntN(hi-lo)) }}
}

// Fixed fills with one value.
func Fixed(v float64, shape ...int) Fill {
	return Fill{Shape: shape, Gen: func(*rand.Rand, int) float64 { return v }}
}

// Values fills with the given elements.
func Values(v []float64, shape ...int) Fill {
	return Fill{Shape: shape, Gen: func(_ *rand.Rand, i int) float64 { return v[i] }}
}

// Make returns the elements, rounded to float32 so that devices of either
// precision see the same input.
func (f Fill) Make(r *rand.Rand) []float64 {
	v := make([]float64, tensor.Numel(f.Shape))
	for i := range v {
		v[i] = float64(float32(f.Gen(r, i)))
	}
	return v
}

// MakeSpecial is Make with NaN and both infinities strewn in.
func (f Fill) MakeSpecial(r *rand.Rand) []float64 {
	v := f.Make(r)
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if len(v) > 0 {
			v[r.IntN(len(v))] = x
		}
	}
	return v
}

// Call makes the operands of a case in mem, whose float tensors have the given
// type, and fills them from r, or not at all if r is nil. Outputs that are not
// updated in place are left undefined. It panics if a block type is to hold NaN
// or infinities.
func (c Case) Call(op *Op, mem tensor.Memory, float tensor.DType, r *rand.Rand) *Call {
	call := &Call{Op: op, P: c.P}
	shapes := make([][]int, len(c.In))
	for i, f := range c.In {
		var t *tensor.Tensor
		if f.Present() {
			shapes[i] = f.Shape
			t = f.Tensor(mem, op.In[i].Kind, float, r)
		}
		call.In = append(call.In, t)
	}
	call.In = padded(op, call.In)
	inOut := 0
	for i, s := range op.OutShapes(c.P, shapes) {
		a := op.Out[i]
		if a.InOut {
			call.Out = append(call.Out, c.InOut[inOut].Tensor(mem, a.Kind, float, r))
			inOut++
			continue
		}
		if i < len(c.OutShapes) && c.OutShapes[i] != nil {
			s = c.OutShapes[i]
		}
		d := float
		if a.Kind == Int {
			d = tensor.I32
		}
		call.Out = append(call.Out, tensor.New(mem, d, s...))
	}
	return call
}

// Free frees the call's operands.
func (c *Call) Free() {
	for _, ts := range [][]*tensor.Tensor{c.In, c.Out} {
		for _, t := range ts {
			t.Free()
		}
	}
}

// Tensor makes an operand of kind k in mem, as Case.Call does.
func (f Fill) Tensor(mem tensor.Memory, k Kind, float tensor.DType, r *rand.Rand) *tensor.Tensor {
	d := float
	switch {
	case k == Int:
		d = tensor.I32
	case f.DType.IsPacked():
		d = f.DType
	}
	t := tensor.New(mem, d, f.Shape...)
	if r == nil {
		return t
	}
	v := make([]float32, t.Len())
	ids := make([]int32, len(v))
	for i := range v {
		x := f.Gen(r, i)
		v[i], ids[i] = float32(x), int32(x)
	}
	if k == Int {
		t.SetInt32(ids)
	} else if err := t.Store(v); err != nil {
		panic(err)
	}
	return t
}
