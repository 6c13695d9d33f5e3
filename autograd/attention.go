package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Attention returns scaled dot-product attention of q (B, Tq, H, D) over k and
// v (B, rows, Hkv, D); see kernels.Attention. lengths (B) masks keys, or is
// nil. p.Dropout acts only on a tape that is training.
func Attention(q, k, v *Var, p kernels.AttentionParams, lengths *tensor.Tensor) *Var {
	t := q.tape
	var seed *tensor.Tensor
	if !t.training {
		p.Dropout = 0
	}
	if p.Dropout > 0 {
		seed = t.seedTensor()
	}
	y := t.Run(kernels.Attention, p, q.val, k.val, v.val, lengths, seed)
	out, lse := y[0], y[1]
	save := []*tensor.Tensor{lse}
	if seed != nil {
		save = append(save, seed)
	}
	return t.Record1(out, []*Var{q, k, v}, save, func(dy *tensor.Tensor) {
		d := t.Run(kernels.AttentionBackward, p, q.val, k.val, v.val, out, lse, dy, lengths, seed)
		for i, x := range []*Var{q, k, v} {
			x.AddGrad(d[i])
			d[i].Free()
		}
	})
}

var _ = rule("attention",
	attentionGradCase("plain", kernels.AttentionParams{}, 3, 4, 2, 2, 5, nil),
	attentionGradCase("causal, grouped", kernels.AttentionParams{Causal: true, Offset: 1}, 3, 4, 4, 2, 3, nil),
	attentionGradCase("rows without keys", kernels.AttentionParams{Causal: true, Offset: -1}, 3, 3, 2, 1, 3, nil),
	attentionGradCase("lengths", kernels.AttentionParams{Scale: 0.8}, 2, 5, 1, 1, 4, []int32{3, 0}),
	attentionGradCase("part of a cache", kernels.AttentionParams{Keys: 3}, 2, 5, 1, 1, 4, nil),
	attentionGradCase("dropout", kernels.AttentionParams{Dropout: 0.4}, 4, 5, 2, 1, 3, nil))

func attentionGradCase(name string, p kernels.AttentionParams, tq, rows, h, hkv, d int, lengths []int32) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{2, tq, h, d}, {2, rows, hkv, d}, {2, rows, hkv, d}},
		F: func(t *Tape, in []*Var) *Var {
			var l *tensor.Tensor
			if lengths != nil {
				l = t.Int32(lengths, len(lengths))
			}
			return Attention(in[0], in[1], in[2], p, l)
		}}
}
