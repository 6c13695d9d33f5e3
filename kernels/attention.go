package kernels

import "math"

// AttentionParams are the parameters of Attention and AttentionBackward.
type AttentionParams struct {
	Causal  bool    // query i sees keys 0 to i + Offset only
	Offset  int     // with Causal: the number of keys before the first query
	Scale   float32 // factor of the scores; 0 means 1/sqrt(D)
	Keys    int     // rows of k and v that are in use; 0 means all
	Dropout float32 // probability, in [0, 1), that a weight is dropped
}

// Attention is scaled dot-product attention,
// out = dropout(softmax(Scale q k^T)) v for each head, without storing the
// matrix of scores.
//
// q and out are (B, Tq, H, D), k and v (B, rows, Hkv, D), of which the first
// Keys rows are used: a cache may be longer than what it holds, and stored in a
// 16-bit type. Hkv divides H; query head h reads key head h / (H/Hkv). lengths
// (B) may mask all keys from lengths[b] on. seed (1) is needed with Dropout: the weight of query i and key
// j in head h of item b is kept if Hash(seed, ((b H + h) Tq + i) Keys + j), the
// counter modulo 2^32, is not below DropBelow(Dropout).
//
// lse (B, H, Tq) is the logarithm of the sum of exponentials of a query's
// scores, for the gradient. A query that sees no key has out 0 and lse -Inf.
var Attention = Declare(Decl[AttentionParams]{
	Name: "attention", Doc: "out = dropout(softmax(scale q k^T)) v for each head; causal, grouped and masked by length on request",
	In: []Arg{{Name: "q"}, {Name: "k", Packed: true}, {Name: "v", Packed: true},
		{Name: "lengths", Kind: Int, Optional: true}, {Name: "seed", Kind: Int, Optional: true}},
	Out: []Arg{{Name: "out"}, {Name: "lse"}},
	Shapes: func(p AttentionParams, in [][]int) [][]int {
		z := p.check("attention", in, in[3], in[4])
		return [][]int{in[0], {z.B, z.H, z.Tq}}
	},
	Ref32: attentionRef[float32], Ref64: attentionRef[float64],
	Shader: attentionPlan,
	Cost: func(p AttentionParams, in, out [][]int) Cost {
		z := p.SizeOf(in[0], in[1])
		used := []int{z.B, z.Tk, z.Hkv, z.D}
		return Cost{FLOPs: 4 * p.pairs(z) * int64(z.D), Bytes: totalBytes(in[0], used, used, out[0], out[1])}
	},
	Tol:   TolAttention,
	Cases: append(attentionCases(attentionCase), cachedCases()...),
})

// AttentionSize are the lengths of an attention: items, queries, keys in use,
// rows of k and v, query heads, key heads, head size.
type AttentionSize struct{ B, Tq, Tk, Rows, H, Hkv, D int }

// SizeOf returns the lengths for q and k of the given shapes.
func (p AttentionParams) SizeOf(q, k []int) AttentionSize {
	z := AttentionSize{B: q[0], Tq: q[1], Tk: p.Keys, Rows: k[1], H: q[2], Hkv: k[2], D: q[3]}
	if z.Tk == 0 {
		z.Tk = z.Rows
	}
	return z
}

func (p AttentionParams) check(op string, in [][]int, lengths, seed []int) AttentionSize {
	q, k, v := in[0], in[1], in[2]
	Check(len(q) == 4 && len(k) == 4 && sameShape(k, v), op, in, "want q (B, T, H, D) and k, v of one shape (B, rows, Hkv, D)")
	Check(q[0] == k[0] && q[3] == k[3] && k[2] > 0 && q[2]%k[2] == 0, op, in, "items or head sizes differ, or key heads do not divide query heads")
	z := p.SizeOf(q, k)
	Check(z.Tk >= 0 && z.Tk <= z.Rows, op, in, "%d keys in use of %d rows", z.Tk, z.Rows)
	Check(lengths == nil || sameShape(lengths, q[:1]), op, in, "lengths are not (B)")
	Check(p.Dropout >= 0 && p.Dropout < 1, op, in, "dropout %v is not in [0, 1)", p.Dropout)
	Check(p.Dropout == 0 || seed != nil && numel(seed) == 1, op, in, "dropout without one seed")
	return z
}

// ScaleFor returns the factor of the scores for heads of size d.
func (p AttentionParams) ScaleFor(d int) float32 {
	if p.Scale != 0 {
		return p.Scale
	}
	return float32(1 / math.Sqrt(float64(d)))
}

// Visible returns how many keys, from the first on, query i sees when keys of
// them are not masked by length.
func (p AttentionParams) Visible(i, keys int) int {
	if p.Causal {
		return max(0, min(keys, i+p.Offset+1))
	}
	return keys
}

// pairs counts the pairs of query and key that are computed.
func (p AttentionParams) pairs(z AttentionSize) int64 {
	var n int64
	for i := range z.Tq {
		n += int64(p.Visible(i, z.Tk))
	}
	return n * int64(z.B) * int64(z.H)
}

// attention gives the references access to rows and masks.
type attention[T Real] struct {
	AttentionParams
	AttentionSize
	q, k, v       []T
	lengths, seed []int32
}

func newAttention[T Real](p AttentionParams, q, k, v, lengths, seed View[T]) *attention[T] {
	return &attention[T]{p, p.SizeOf(q.Shape, k.Shape), q.F, k.F, v.F, lengths.I, seed.I}
}

// query returns where item b, query i, head h starts in q and out, and key
// where row j of that head's keys starts in k and v.
func (a *attention[T]) query(b, i, h int) int { return ((b*a.Tq+i)*a.H + h) * a.D }
func (a *attention[T]) key(b, j, h int) int {
	return ((b*a.Rows+j)*a.Hkv + h/(a.H/a.Hkv)) * a.D
}

func (a *attention[T]) visible(b, i int) int {
	keys := a.Tk
	if a.lengths != nil {
		keys = max(0, min(keys, int(a.lengths[b])))
	}
	return a.Visible(i, keys)
}

// keep is the factor that dropout gives the weight of key j.
func (a *attention[T]) keep(b, h, i, j int) T {
	if a.Dropout == 0 {
		return 1
	}
	if Hash(uint32(a.seed[0]), uint32(((b*a.H+h)*a.Tq+i)*a.Tk+j)) < DropBelow(a.Dropout) {
		return 0
	}
	return 1 / (1 - T(a.Dropout))
}

// each calls f for every query of every head, with the scores of the keys it
// sees.
func (a *attention[T]) each(f func(b, h, i int, scores []T)) {
	scale := T(a.ScaleFor(a.D))
	s := make([]T, a.Tk)
	for b := range a.B {
		for h := range a.H {
			for i := range a.Tq {
				n := a.visible(b, i)
				q := a.q[a.query(b, i, h):][:a.D]
				for j := range n {
					s[j] = scale * dot(q, a.k[a.key(b, j, h):])
				}
				f(b, h, i, s[:n])
			}
		}
	}
}

func dot[T Real](a, b []T) T {
	var sum T
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// addScaled adds c x to y.
func addScaled[T Real](y []T, c T, x []T) {
	for i := range y {
		y[i] += c * x[i]
	}
}

func attentionRef[T Real](p AttentionParams, in, out []View[T]) {
	a := newAttention(p, in[0], in[1], in[2], in[3], in[4])
	a.each(func(b, h, i int, scores []T) {
		o := out[0].F[a.query(b, i, h):][:a.D]
		clear(o)
		lse := math.Inf(-1)
		if len(scores) > 0 {
			lse = logSumExp(scores)
		}
		out[1].F[(b*a.H+h)*a.Tq+i] = T(lse)
		for j, s := range scores {
			w := T(math.Exp(float64(s)-lse)) * a.keep(b, h, i, j)
			addScaled(o, w, a.v[a.key(b, j, h):])
		}
	})
}
