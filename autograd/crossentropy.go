package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// CrossEntropy returns the mean loss (1) of logits (N, V) over the labels (N)
// that count; see kernels.CrossEntropy.
func CrossEntropy(logits *Var, labels *tensor.Tensor) *Var {
	t := logits.tape
	out := t.Run(kernels.CrossEntropy, kernels.None{}, logits.val, labels)
	loss, lse, count := out[0], out[1], out[2]
	return t.Record1(loss, []*Var{logits}, []*tensor.Tensor{lse, count}, func(dloss *tensor.Tensor) {
		d := t.Run1(kernels.CrossEntropyBackward, kernels.None{}, logits.val, labels, lse, count, dloss)
		logits.AddGrad(d)
		d.Free()
	})
}

var _ = rule("cross_entropy",
	crossEntropyCase("all count", 0, 3, 6, 6), crossEntropyCase("some ignored", kernels.IgnoreLabel, 3, 7, 6),
	crossEntropyCase("none counts", -1, -1, -1, -1))

func crossEntropyCase(name string, labels ...int32) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{len(labels), 7}}, F: func(t *Tape, in []*Var) *Var {
		return CrossEntropy(in[0], t.Int32(labels, len(labels)))
	}}
}
