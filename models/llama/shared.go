package llama

import (
	"llana/autograd"
	"llana/kernels"
)

// Shared is the layout of sequences of which several begin alike: Groups
// prefixes of Prefix tokens, each continued by Rows sequences of Cols tokens.
type Shared struct{ Groups, Prefix, Rows, Cols int }

// Split is the number of prefix tokens in all; Total that of all tokens.
func (s Shared) Split() int { return s.Groups * s.Prefix }
func (s Shared) Total() int { return s.Split() + s.Groups*s.Rows*s.Cols }

// ForwardShared is Forward for sequences that share prefixes: it gives what
// Forward would give for Groups*Rows whole sequences, but computes each prefix
// once. With the thousands of tokens of an object before every question, that
// is most of the work.
//
// x holds the embeddings of all prefixes (Groups, Prefix), then of all
// continuations (Groups, Rows, Cols), as rows of (Total, hidden); so does the
// result.
func (m *Model) ForwardShared(x *autograd.Var, s Shared) *autograd.Var {
	kernels.Check(len(x.Shape()) == 2 && x.Dim(0) == s.Total(), "llama", [][]int{x.Shape()}, "want %d rows for %+v", s.Total(), s)
	for _, l := range m.layers {
		l = m.present(l, x.Tape())
		x = autograd.Block(func(in ...*autograd.Var) *autograd.Var { return l.forwardShared(in[0], s) }, x)
	}
	return x
}

func (l *layer) forwardShared(x *autograd.Var, s Shared) *autograd.Var {
	return l.feedForward(l.out.Add(x, l.attendShared(l.inputNorm.Forward(x), s)))
}

func (l *layer) attendShared(x *autograd.Var, s Shared) *autograd.Var {
	d, theta := l.c.HeadDim(), float32(l.c.RopeTheta)
	rows := s.Groups * s.Rows
	parts := func(x *autograd.Var, heads int) (prefix, rest *autograd.Var) {
		return autograd.Slice(x, 0, 0, s.Split()).View(s.Groups, s.Prefix, heads, d),
			autograd.Slice(x, 0, s.Split(), s.Total()).View(rows, s.Cols, heads, d)
	}
	xq, xk, xv := l.project(x)
	qp, q := parts(xq, l.c.Heads)
	kp, k := parts(xk, l.c.KeyHeads)
	vp, v := parts(xv, l.c.KeyHeads)
	kp, k = autograd.RoPE(kp, theta, 0), autograd.RoPE(k, theta, s.Prefix)

	yp := autograd.Attention(autograd.RoPE(qp, theta, 0), kp, vp, kernels.AttentionParams{Causal: true}, nil)
	y := autograd.Attention(autograd.RoPE(q, theta, s.Prefix),
		autograd.Concat(1, s.repeat(kp), k), autograd.Concat(1, s.repeat(vp), v),
		kernels.AttentionParams{Causal: true, Offset: s.Prefix}, nil)
	w := l.c.HiddenSize
	return autograd.Concat(0, yp.View(s.Split(), w), y.View(rows*s.Cols, w))
}

// repeat gives each row of a group its copy of the prefix' keys or values
// (Groups, Prefix, heads, head).
func (s Shared) repeat(x *autograd.Var) *autograd.Var {
	heads, d := x.Dim(2), x.Dim(3)
	zeros := x.Tape().Float32(make([]float32, s.Rows), 1, s.Rows, 1)
	y := autograd.Add(x.View(s.Groups, 1, s.Prefix*heads*d), zeros)
	return y.View(s.Groups*s.Rows, s.Prefix, heads, d)
}
