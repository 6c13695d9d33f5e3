package conformance

import (
	"context"

	"llana/kernels"
	"llana/tensor"
)

// Plans calls f with the plan of every case of every operation, those that are
// only timed included, under the given limits: all the kernels a GPU runs in
// the suite, without a GPU and without memory.
func Plans(l kernels.Limits, f func(op *kernels.Op, c kernels.Case, plan *kernels.Plan)) {
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases {
			f(op, c, kernels.PlanCall(callOf(op, c), l))
		}
	}
}

// callOf returns the call of a case on tensors without bytes.
func callOf(op *kernels.Op, c kernels.Case) *kernels.Call {
	call := &kernels.Call{Op: op, P: c.P}
	shapes := make([][]int, len(c.In))
	for i, f := range c.In {
		var x *tensor.Tensor
		if f.Present() {
			shapes[i] = f.Shape
			x = tensor.New(nowhere{}, dtype(op.In[i]), f.Shape...)
		}
		call.In = append(call.In, x)
	}
	inOut := 0
	for i, s := range op.OutShapes(c.P, shapes) {
		if i < len(c.OutShapes) && c.OutShapes[i] != nil {
			s = c.OutShapes[i]
		}
		if op.Out[i].InOut {
			s = c.InOut[inOut].Shape
			inOut++
		}
		call.Out = append(call.Out, tensor.New(nowhere{}, dtype(op.Out[i]), s...))
	}
	return call
}

func dtype(a kernels.Arg) tensor.DType {
	if a.Kind == kernels.Int {
		return tensor.I32
	}
	return tensor.F32
}

// nowhere is memory without bytes: planning looks at shapes only.
type nowhere struct{}

func (nowhere) Alloc(size int) tensor.Buffer                                { return length(size) }
func (nowhere) Free(tensor.Buffer)                                          {}
func (nowhere) Upload(tensor.Buffer, []byte)                                {}
func (nowhere) Download(context.Context, []byte, tensor.Buffer) (err error) { return nil }
func (nowhere) Stats() tensor.Stats                                         { return tensor.Stats{} }

type length int

func (n length) Size() int { return int(n) }
