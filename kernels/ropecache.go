package kernels

import "llana/tensor"

// RoPECacheParams are the parameters of RoPECache.
type RoPECacheParams struct {
	Theta  float32 // base of the frequencies
	Offset int     // position of the first token and its row in the cache, without offsets
}

// RoPECache prepares new tokens for attention over a cache: it turns queries
// and keys by their positions, as RoPE does, and writes keys and values into
// the cache.
//
// q and its result (B, T, H, D); k, v (B, T, Hkv, D); keys and values
// (B, rows, Hkv, D), whose rows from Offset on are written; they may be stored in
// a 16-bit type. Token t has position Offset + t. offsets (B), if present, are
// each item's own Offset; the caller sees to it that offsets[b] + T is at most
// rows.
var RoPECache = Declare(Decl[RoPECacheParams]{
	Name: "rope_cache", Doc: "q and k turned as by rope; k and v written into the cache from row Offset on",
	In:     []Arg{{Name: "q"}, {Name: "k"}, {Name: "v"}, {Name: "offsets", Kind: Int, Optional: true}},
	Out:    []Arg{{Name: "turned"}, {Name: "keys", InOut: true, Packed: true}, {Name: "values", InOut: true, Packed: true}},
	Shapes: ropeCacheShapes,
	Ref32:  ropeCacheRef[float32], Ref64: ropeCacheRef[float64],
	Shader: ropeCachePlan,
	Cost: func(_ RoPECacheParams, in, _ [][]int) Cost {
		return Cost{FLOPs: 3 * int64(numel(in[0])+numel(in[1])), Bytes: 2 * totalBytes(in[0], in[1], in[2])}
	},
	Tol: TolTrig,
	Cases: []Case{
		ropeCacheCase("odd", RoPECacheParams{10000, 5}, 2, 3, 11, 4, 2, 6),
		ropeCacheCase("one token", RoPECacheParams{10000, 30}, 1, 1, 40, 3, 3, 64),
		ropeCacheCase("to the end", RoPECacheParams{10000, 4}, 3, 4, 8, 2, 1, 8),
		ropeCacheCase("several groups", RoPECacheParams{500000, 0}, 1, 50, 64, 4, 2, 128),
		ropeCacheCase("no tokens", RoPECacheParams{10000, 4}, 1, 0, 8, 2, 1, 8),
		ropeCacheCase("float16", RoPECacheParams{10000, 5}, 2, 3, 11, 4, 2, 12).storedAs(tensor.F16),
		ropeCacheCase("bfloat16", RoPECacheParams{10000, 0}, 1, 7, 11, 4, 4, 64).storedAs(tensor.BF16),
		raggedCase("offsets, float16", []float64{7, 0, 4}, 3, 1, 8, 4, 2, 4).storedAs(tensor.F16),
		raggedCase("offsets", []float64{7, 0, 4}, 3, 1, 8, 4, 2, 6),
		raggedCase("offsets, several tokens", []float64{2, 11}, 2, 5, 16, 2, 2, 64),
		benchCase(ropeCacheCase("bench", RoPECacheParams{10000, 3125}, 1, 1, 3200, 32, 32, 128)),
	},
})

func ropeCacheShapes(p RoPECacheParams, in [][]int) [][]int {
	const op = "rope_cache"
	q, k, v := in[0], in[1], in[2]
	Check(len(q) == 4 && q[3]%2 == 0 && q[3] <= MaxRoPEDim && p.Theta > 0, op, in, "want q (B, T, H, even D up to %d) and a positive theta", MaxRoPEDim)
	Check(len(k) == 4 && sameShape(k, v) && k[0] == q[0] && k[1] == q[1] && k[3] == q[3], op, in, "k and v are not (B, T, key heads, D)")
	Check(in[3] == nil || sameShape(in[3], q[:1]), op, in, "offsets are not (B)")
	return [][]int{q, nil, nil}
}

// CheckCache checks the shapes of the cache against that of the new keys; it
// panics with a ShapeError.
func (p RoPECacheParams) CheckCache(k, keys, values []int) {
	Check(len(keys) == 4 && sameShape(keys, values) && keys[0] == k[0] && keys[2] == k[2] && keys[3] == k[3] && p.Offset >= 0 && p.Offset+k[1] <= keys[1],
		"rope_cache", [][]int{k, keys, values}, "cache does not hold %d tokens behind %d", k[1], p.Offset)
}

func ropeCacheRef[T Real](p RoPECacheParams, in, out []View[T]) {
	q, k, keys := in[0].Shape, in[1].Shape, out[1].Shape
	p.CheckCache(k, keys, out[2].Shape)
	n := k[1] * k[2] * k[3]
	for b := range k[0] {
		rope := RoPEParams{Theta: p.Theta, Offset: p.Offset}
		if in[3].I != nil {
			rope.Offset = int(in[3].I[b])
		}
		item := func(x View[T], shape []int) View[T] {
			m := shape[1] * shape[2] * shape[3]
			return View[T]{Shape: append([]int{1}, shape[1:]...), F: x.F[b*m : (b+1)*m]}
		}
		ropeRef(rope, []View[T]{item(in[0], q), {}}, []View[T]{item(out[0], q)})
		at := (b*keys[1] + rope.Offset) * k[2] * k[3]
		ropeRef(rope, []View[T]{item(in[1], k), {}}, []View[T]{{Shape: append([]int{1}, k[1:]...), F: out[1].F[at : at+n]}})
		copy(out[2].F[at:at+n], in[2].F[b*n:(b+1)*n])
	}
}

// ropeCachePlan gives one invocation to each pair of q, k and v, or to two.
func ropeCachePlan(p RoPECacheParams, pl *Plan) {
	q, k, keys := pl.In[0].Shape(), pl.In[1].Shape(), pl.Out[1].Shape()
	p.CheckCache(k, keys, pl.Out[2].Shape())
	cache, half, pairs := pl.Out[1].DType(), q[3]/2, q[2]+2*k[2]
	n := q[0] * q[1] * pairs * half
	if cache != tensor.F32 {
		Check(half%2 == 0 && cache != tensor.Q8 && cache != tensor.Q4 && pl.Out[2].DType() == cache,
			"rope_cache", [][]int{q}, "keys stored as %v and values as %v, want a 16-bit type and heads of a multiple of 4", cache, pl.Out[2].DType())
		n /= 2
	}
	params := append(Words(n, q[1], q[2], k[2], half, p.Offset, keys[1], pl.In[3] != nil), RoPEParams{Theta: p.Theta}.turns(q[3])...)
	pl.Dispatch("ropecache", []Const{{"CACHE", cache.String()}}, params, pl.Operands(), pl.Fold(ceilDiv(n, 256)))
}

func ropeCacheCase(name string, p RoPECacheParams, b, t, rows, h, hkv, d int) Case {
	cache := Normal(b, rows, hkv, d)
	return Case{Name: name, P: p, In: []Fill{Normal(b, t, h, d), Normal(b, t, hkv, d), Normal(b, t, hkv, d)},
		InOut: []Fill{cache, cache}, Special: t > 0}
}

// storedAs stores the cache of a case in a packed type.
func (c Case) storedAs(d tensor.DType) Case {
	for i := range c.InOut {
		c.InOut[i].DType = d
	}
	return c
}

// raggedCase is a case in which each item has its own offset.
func raggedCase(name string, offsets []float64, b, t, rows, h, hkv, d int) Case {
	c := ropeCacheCase(name, RoPECacheParams{Theta: 10000}, b, t, rows, h, hkv, d)
	c.In = append(c.In, Values(offsets, b))
	c.Special = false
	return c
}

// benchCase marks a case as one that is timed.
func benchCase(c Case) Case {
	c.Bench = true
	return c
}
