package conformance

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"llana/kernels"
	"llana/tensor"
)

// Result is the outcome of one case.
type Result struct {
	Op, Case string
	// Error is the largest error as a fraction of what the tolerance allows:
	// above 1 the case fails.
	Error float64
	Err   error // why the case failed, or nil
}

// guard is the number of sentinel words behind each output.
const guard = 64

// sentinel is a quiet NaN whose payload no arithmetic produces.
const sentinel = 0x7fc5e171

// packedSentinel stands behind outputs of 16-bit types, which hold it exactly.
const packedSentinel = 40960

// Run checks every operation on d and calls report after each case.
func Run(d kernels.Device, report func(Result)) {
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases {
			if c.Bench {
				continue
			}
			for _, check := range Checks(d, op, c, true) {
				report(check())
			}
		}
	}
}

// Check runs one case on d. With special, NaN and infinities are strewn into
// the float inputs.
func Check(d kernels.Device, op *kernels.Op, c kernels.Case, special bool) (r Result) {
	r = Result{Op: op.Name, Case: c.Name}
	if special {
		r.Case += " with NaN and Inf"
	}
	defer func() {
		if p := recover(); p != nil {
			r.Err = fmt.Errorf("panic: %v", p)
		}
	}()
	data := generate(op, c, special)
	ref := kernels.NewReference(tensor.F64)
	want, err := run(ref, op, c, data)
	if err != nil {
		r.Err = fmt.Errorf("reference: %w", err)
		return r
	}
	got, err := run(d, op, c, data)
	if err != nil {
		r.Err = err
		return r
	}
	for i := range want {
		e, err := compare(got[i], want[i], op.Tol.Stored(outType(op, c, i)))
		r.Error = max(r.Error, e)
		if err != nil && r.Err == nil {
			r.Err = fmt.Errorf("output %s: %w", op.Out[i].Name, err)
		}
	}
	return r
}

// operands holds the elements of a case's inputs and of the former contents of
// outputs that are updated in place (nil for others).
type operands struct {
	in, out  [][]float64
	outShape [][]int
}

func generate(op *kernels.Op, c kernels.Case, special bool) operands {
	r := rand.New(rand.NewPCG(1, uint64(len(op.Name)+len(c.Name))))
	var o operands
	shapes := make([][]int, len(c.In))
	for i, f := range c.In {
		if !f.Present() {
			o.in = append(o.in, nil)
			continue
		}
		shapes[i] = f.Shape
		if special && op.In[i].Kind == kernels.Float && f.DType != tensor.Q8 && f.DType != tensor.Q4 {
			o.in = append(o.in, f.MakeSpecial(r))
		} else {
			o.in = append(o.in, f.Make(r))
		}
	}
	o.outShape = append([][]int(nil), op.OutShapes(c.P, shapes)...)
	o.out = make([][]float64, len(op.Out))
	next := 0
	for i, a := range op.Out {
		if i < len(c.OutShapes) && c.OutShapes[i] != nil {
			o.outShape[i] = c.OutShapes[i]
		}
		if a.InOut {
			o.outShape[i] = c.InOut[next].Shape
			o.out[i] = c.InOut[next].Make(r)
			next++
		}
	}
	return o
}

// run computes the case on d and returns the outputs, after checking their
// sentinels.
func run(d kernels.Device, op *kernels.Op, c kernels.Case, o operands) ([][]float64, error) {
	var in, out, raw []*tensor.Tensor
	defer func() {
		for _, ts := range [][]*tensor.Tensor{in, out, raw} {
			for _, t := range ts {
				t.Free()
			}
		}
	}()
	for i, v := range o.in {
		if v == nil && !c.In[i].Present() {
			in = append(in, nil)
			continue
		}
		t, err := upload(d, op.In[i].Kind, v, c.In[i])
		if err != nil {
			return nil, err
		}
		in = append(in, t)
	}
	for i, a := range op.Out {
		t := guarded(d, a.Kind, outType(op, c, i), o.out[i], o.outShape[i])
		raw = append(raw, t)
		out = append(out, t.Head(o.outShape[i]...))
	}
	kernels.RunInto(d, op, c.P, in, out)
	var results [][]float64
	for i, t := range raw {
		v, err := read(t)
		if err != nil {
			return nil, err
		}
		n := tensor.Numel(o.outShape[i])
		if err := checkSentinels(t.DType(), v[n:]); err != nil {
			return nil, fmt.Errorf("output %s: %w", op.Out[i].Name, err)
		}
		results = append(results, v[:n])
	}
	return results, nil
}

func upload(d kernels.Device, k kernels.Kind, v []float64, f kernels.Fill) (*tensor.Tensor, error) {
	switch {
	case k == kernels.Int:
		return tensor.Int32(d, ints(v), f.Shape...), nil
	case f.DType.IsPacked():
		narrow := make([]float32, len(v))
		for i, x := range v {
			narrow[i] = float32(x)
		}
		t := tensor.New(d, f.DType, f.Shape...)
		return t, t.Store(narrow)
	}
	return tensor.Floats(d, d.Float(), v, f.Shape...), nil
}

// outType returns the packed type that an output of a case is stored as, or
// Invalid.
func outType(op *kernels.Op, c kernels.Case, i int) tensor.DType {
	next := 0
	for j := range i {
		if op.Out[j].InOut {
			next++
		}
	}
	if !op.Out[i].InOut {
		return tensor.Invalid
	}
	return c.InOut[next].DType
}

// guarded allocates a flat tensor for an output of the given shape, filled
// with its former contents (or values that no operation gives, so that one that
// forgets an element is seen) and followed by sentinels.
func guarded(d kernels.Device, k kernels.Kind, packed tensor.DType, v []float64, shape []int) *tensor.Tensor {
	n := tensor.Numel(shape)
	full := make([]float64, n+guard)
	copy(full, v)
	if v == nil {
		for i := range n {
			full[i] = 1e30
			if k == kernels.Int {
				full[i] = -12345
			}
		}
	}
	if k == kernels.Int {
		iv := ints(full)
		for i := range guard {
			iv[n+i] = sentinel
		}
		return tensor.Int32(d, iv, n+guard)
	}
	if packed.IsPacked() {
		f := make([]float32, n+guard)
		for i, x := range full {
			f[i] = float32(x)
		}
		for i := range guard {
			f[n+i] = packedSentinel
		}
		t := tensor.New(d, packed, n+guard)
		if err := t.Store(f); err != nil {
			panic(err)
		}
		return t
	}
	if d.Float() == tensor.F64 {
		for i := range guard {
			full[n+i] = sentinel
		}
		return tensor.Floats(d, tensor.F64, full, n+guard)
	}
	f := make([]float32, n+guard)
	for i, x := range full {
		f[i] = float32(x)
	}
	for i := range guard {
		f[n+i] = math.Float32frombits(sentinel)
	}
	return tensor.Float32(d, f, n+guard)
}

func read(t *tensor.Tensor) ([]float64, error) {
	ctx := context.Background()
	switch t.DType() {
	case tensor.F64:
		return t.ReadFloat64(ctx)
	case tensor.I32:
		v, err := t.ReadInt32(ctx)
		out := make([]float64, len(v))
		for i, x := range v {
			out[i] = float64(x)
		}
		return out, err
	default:
		v, err := t.ReadFloat32(ctx)
		out := make([]float64, len(v))
		for i, x := range v {
			out[i] = float64(x)
		}
		return out, err
	}
}

func checkSentinels(dt tensor.DType, tail []float64) error {
	for i, v := range tail {
		ok := v == sentinel
		if dt.IsPacked() {
			ok = v == packedSentinel
		}
		if dt == tensor.F32 {
			// Widening keeps the payload of a quiet NaN in its upper bits.
			ok = math.IsNaN(v) && math.Float32bits(float32(v)) == sentinel
		}
		if !ok {
			return fmt.Errorf("sentinel %d behind the output was overwritten with %v", i, v)
		}
	}
	return nil
}

// compare returns the largest error as a fraction of what is allowed.
func compare(got, want []float64, tol kernels.Tolerance) (worst float64, err error) {
	scale := 0.0
	for _, w := range want {
		if !math.IsInf(w, 0) && !math.IsNaN(w) {
			scale = max(scale, math.Abs(w))
		}
	}
	for i, w := range want {
		g := got[i]
		e := 0.0
		switch {
		case math.IsNaN(w) || math.IsInf(w, 0) || math.Abs(w) > math.MaxFloat32:
			if !sameSpecial(g, w) {
				e = math.Inf(1)
			}
		case g != w:
			allowed := tol.Abs*scale + tol.Rel*math.Abs(w)
			e = math.Abs(g-w) / allowed
			if math.IsNaN(e) {
				e = math.Inf(1)
			}
		}
		worst = max(worst, e)
		if e > 1 && err == nil {
			err = fmt.Errorf("element %d is %v, want %v (%.3g times the tolerance)", i, g, w, e)
		}
	}
	return worst, err
}

func sameSpecial(g, w float64) bool {
	if math.IsNaN(w) {
		return math.IsNaN(g)
	}
	return math.IsInf(g, 1) == (w > 0) && math.IsInf(g, 0)
}

func ints(v []float64) []int32 {
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}
