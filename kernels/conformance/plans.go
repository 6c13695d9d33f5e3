package conformance

import (
	"context"

	"llana/kernels"
	"llana/tensor"
)

// Plans calls f with the plan of every case of every operation, those that are
// only timed included, and of each variant, under the given limits: all the
// kernels a GPU runs in the suite, without a GPU and without memory.
func Plans(l kernels.Limits, f func(op *kernels.Op, c kernels.Case, plan *kernels.Plan)) {
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases {
			call := c.Call(op, nowhere{}, tensor.F32, nil)
			f(op, c, kernels.PlanCall(call, l))
			for _, v := range kernels.Variants(call, l) {
				call.Variant = v
				f(op, c, kernels.PlanCall(call, l))
			}
		}
	}
}

// nowhere is memory without bytes: planning looks at shapes only.
type nowhere struct{}

func (nowhere) Alloc(size int) tensor.Buffer                                { return length(size) }
func (nowhere) Free(tensor.Buffer)                                          {}
func (nowhere) Upload(tensor.Buffer, int, []byte)                           {}
func (nowhere) Download(context.Context, []byte, tensor.Buffer) (err error) { return nil }
func (nowhere) Stats() tensor.Stats                                         { return tensor.Stats{} }

type length int

func (n length) Size() int { return int(n) }
