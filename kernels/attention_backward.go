package kernels

import "math"

// AttentionBackward gives the gradients of Attention from its inputs, its
// outputs out and lse, and dout. dk and dv have the shape of k and v; rows that
// are not in use get 0. The weights are computed again from lse, so no matrix
// of scores is stored here either (Dao 2023, algorithm 2).
var AttentionBackward = Declare(Decl[AttentionParams]{
	Name: "attention_backward", Doc: "dq, dk, dv of attention; weights are computed again from lse",
	In: []Arg{{Name: "q"}, {Name: "k"}, {Name: "v"}, {Name: "out"}, {Name: "lse"}, {Name: "dout"},
		{Name: "lengths", Kind: Int, Optional: true}, {Name: "seed", Kind: Int, Optional: true}},
	Out: []Arg{{Name: "dq"}, {Name: "dk"}, {Name: "dv"}},
	Shapes: func(p AttentionParams, in [][]int) [][]int {
		z := p.check("attention_backward", in, in[6], in[7])
		Check(sameShape(in[3], in[0]) && sameShape(in[5], in[0]) && sameShape(in[4], []int{z.B, z.H, z.Tq}),
			"attention_backward", in, "out, lse or dout does not fit q")
		return [][]int{in[0], in[1], in[2]}
	},
	Ref32: attentionBackwardRef[float32], Ref64: attentionBackwardRef[float64],
	Shader: attentionBackwardPlan,
	Cost: func(p AttentionParams, in, _ [][]int) Cost {
		z := p.SizeOf(in[0], in[1])
		return Cost{FLOPs: 10 * p.pairs(z) * int64(z.D)}
	},
	Tol:   TolAttention,
	Cases: attentionCases(attentionBackwardCase),
})

func attentionBackwardRef[T Real](p AttentionParams, in, out []View[T]) {
	a := newAttention(p, in[0], in[1], in[2], in[6], in[7])
	scale := T(p.ScaleFor(a.D))
	for _, o := range out {
		clear(o.F)
	}
	a.each(func(b, h, i int, scores []T) {
		at := a.query(b, i, h)
		q, o, dout, dq := a.q[at:][:a.D], in[3].F[at:][:a.D], in[5].F[at:][:a.D], out[0].F[at:][:a.D]
		lse := in[4].F[(b*a.H+h)*a.Tq+i]
		delta := dot(dout, o) // sum over keys of weight times its gradient
		for j, s := range scores {
			key := a.key(b, j, h)
			w, keep := T(math.Exp(float64(s-lse))), a.keep(b, h, i, j)
			ds := w * (keep*dot(dout, a.v[key:]) - delta) * scale
			addScaled(dq, ds, a.k[key:])
			addScaled(out[1].F[key:][:a.D], ds, q)
			addScaled(out[2].F[key:][:a.D], w*keep, dout)
		}
	})
}
