package kernels

import (
	"math"

	"llana/tensor"
)

const (
	attentionSplit = 256 // keys of a part when queries are few
	// fewQueries is the largest number of queries for which keys are split
	// over workgroups instead of queries tiled.
	fewQueries = 4
	// splitMaxDim is the largest head size of the split version: it keeps
	// queries and sums in workgroup memory.
	splitMaxDim = 256
)

// attentionPlan chooses between tiles of queries and, for few queries as in
// decoding, parts of keys.
func attentionPlan(p AttentionParams, pl *Plan) {
	z := p.SizeOf(pl.In[0].Shape(), pl.In[1].Shape())
	if z.Tq <= fewQueries && z.D <= splitMaxDim && p.Dropout == 0 {
		attentionSplitPlan(p, z, pl)
		return
	}
	t := tileFor(z, z.B*z.H, z.Tq)
	tiles, blocks := ceilDiv(z.Tq, t.rows()), blocksOf(z)
	n := z.B * z.H * tiles * blocks
	pl.Dispatch("attention", append(t.consts(p), cacheType(pl)), append(Words(n, tiles, blocks), p.words(z, pl.In[3])...), pl.Operands(), pl.Fold(n))
}

// cacheType tells how keys and values are stored.
func cacheType(pl *Plan) Const {
	d := pl.In[1].DType()
	Check(d == pl.In[2].DType() && d != tensor.Q8 && d != tensor.Q4, "attention", nil, "keys are stored as %v, values as %v", d, pl.In[2].DType())
	return Const{"CACHE", d.String()}
}

// attentionTile is how the tiled shaders divide their work, see attention.tmpl.
type attentionTile struct {
	lanes, quads, pairs int
	vec                 bool
}

// tileFor chooses tiles for heads times that many rows: of 128 rows if a head
// fits in 64 columns and there are enough workgroups to fill a GPU, else of 64.
func tileFor(z AttentionSize, heads, rows int) attentionTile {
	const enough = 128 // workgroups
	t := attentionTile{lanes: 16, quads: 2, vec: z.D%4 == 0}
	width := min(z.D, 128)
	if z.D <= 64 {
		t.quads = 1
		if rows > 64 && heads*ceilDiv(rows, 128) >= enough {
			t.lanes = 8
		}
		if t.vec {
			t.quads = ceilDiv(width, 4*t.lanes)
			return t
		}
		halves := ceilDiv(width, 2*t.lanes)
		t.quads, t.pairs = halves/2, halves%2
	}
	return t
}

func (t attentionTile) rows() int { return 1024 / t.lanes }

func (t attentionTile) consts(p AttentionParams) []Const {
	return []Const{{"LANES", t.lanes}, {"QUADS", t.quads}, {"PAIRS", t.pairs}, {"VEC", t.vec}, {"DROPOUT", p.Dropout > 0}}
}

func attentionSplitPlan(p AttentionParams, z AttentionSize, pl *Plan) {
	rows, splits := z.B*z.Tq*z.H, max(1, ceilDiv(z.Tk, attentionSplit))
	in, out := []Bind{B(pl.In[0]), B(pl.In[1]), B(pl.In[2]), B(pl.In[3])}, []Bind{B(pl.Out[0]), B(pl.Out[1])}
	vec := z.D%4 == 0
	width := z.D // of a row, in units
	if vec {
		width = z.D / 4
	}
	span := 8 // invocations that share a row of v
	for span < min(width, 32) {
		span *= 2
	}
	rowConsts := []Const{{"VEC", vec}, {"SPAN", span}, {"COLUMNS", ceilDiv(width, span)}}
	consts := append(rowConsts[:3:3], Const{"PER", ceilDiv(width, 8)}, Const{"FULL", width%8 == 0}, Const{"DIRECT", splits == 1}, cacheType(pl))
	words, groups := append(Words(rows*splits, splits, 1), p.words(z, pl.In[3])...), pl.Fold(rows*splits)
	if splits == 1 {
		pl.Dispatch("attention_split", consts, words, append(in, out...), groups)
		return
	}
	parts := pl.Temp(max(1, rows*splits*(z.D+4)))
	pl.Dispatch("attention_split", consts, words, append(in, parts), groups)
	pl.Dispatch("attention_combine", rowConsts, Words(rows, splits, z.D, z.H, z.Tq, float32(math.Inf(-1))),
		append([]Bind{parts}, out...), pl.Fold(rows))
}

// attentionBackwardPlan packs what belongs to a query (lse and the sum delta)
// and the masks into one buffer, then makes dk and dv by tiles of keys, and dq
// by tiles of queries.
func attentionBackwardPlan(p AttentionParams, pl *Plan) {
	z := p.SizeOf(pl.In[0].Shape(), pl.In[1].Shape())
	q, k, v, out, lse, dout, lengths, seed := pl.In[0], pl.In[1], pl.In[2], pl.In[3], pl.In[4], pl.In[5], pl.In[6], pl.In[7]
	rows := z.B * z.H * z.Tq
	stats := pl.Temp(2*rows + z.B + 1)
	prepare := max(1, ceilDiv(rows, 16))
	pl.Dispatch("attention_delta", []Const{{"VEC", z.D%4 == 0}}, Words(rows, z.B, z.Tq, z.H, z.D, z.Tk, lengths != nil, p.Dropout > 0),
		[]Bind{B(out), B(lse), B(dout), B(lengths), B(seed), stats}, pl.Fold(prepare))

	words, blocks := p.words(z, lengths), blocksOf(z)
	t := tileFor(z, z.B*z.Hkv, z.Rows)
	tiles := ceilDiv(z.Rows, t.rows())
	n := z.B * z.Hkv * tiles * blocks
	pl.Dispatch("attention_dkv", t.consts(p), append(Words(n, tiles, blocks), words...),
		[]Bind{B(q), B(k), B(v), B(dout), stats, B(pl.Out[1]), B(pl.Out[2])}, pl.Fold(n))
	t = tileFor(z, z.B*z.H, z.Tq)
	tiles = ceilDiv(z.Tq, t.rows())
	n = z.B * z.H * tiles * blocks
	pl.Dispatch("attention_dq", t.consts(p), append(Words(n, tiles, blocks), words...),
		[]Bind{B(q), B(k), B(v), B(dout), stats, B(pl.Out[0])}, pl.Fold(n))
}

// blocksOf returns into how many blocks of up to 128 columns a head's output is
// divided; each workgroup computes one, and the scores again for each.
func blocksOf(z AttentionSize) int { return ceilDiv(z.D, 128) }

// words are the uniform parameters that all shaders but the small ones share.
// Without a causal mask a query sees all keys, as with a very large offset.
func (p AttentionParams) words(z AttentionSize, lengths *tensor.Tensor) []uint32 {
	const far = 1 << 30
	offset := far
	if p.Causal {
		offset = max(-far, min(p.Offset, far))
	}
	scale := p.ScaleFor(z.D)
	return Words(z.Tq, z.Tk, z.Rows, z.H, z.Hkv, z.D, offset, scale, float32(float64(scale)*math.Log2E), float32(math.Inf(-1)),
		DropBelow(p.Dropout), float32(1/(1-float64(p.Dropout))), z.B, lengths != nil)
}
