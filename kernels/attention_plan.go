package kernels

import (
	"math"

	"llana/tensor"
)

const (
	attentionTile  = 64  // queries and keys of a tile
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
	tiles, blocks := ceilDiv(z.Tq, attentionTile), p.blocks(z)
	n := z.B * z.H * tiles * blocks
	pl.Dispatch("attention", p.consts(z), append(Words(n, tiles, blocks), p.words(z, pl.In[3])...), pl.Operands(), pl.Fold(n))
}

func attentionSplitPlan(p AttentionParams, z AttentionSize, pl *Plan) {
	rows, splits := z.B*z.Tq*z.H, max(1, ceilDiv(z.Tk, attentionSplit))
	in, out := []Bind{B(pl.In[0]), B(pl.In[1]), B(pl.In[2]), B(pl.In[3])}, []Bind{B(pl.Out[0]), B(pl.Out[1])}
	columns := ceilDiv(z.D, 32) // of an invocation
	consts := []Const{{"COLUMNS", columns}, {"SUMS", max(64*17, 8*32*columns)}, {"DIRECT", splits == 1}}
	words, groups := append(Words(rows*splits, splits), p.words(z, pl.In[3])...), pl.Fold(rows*splits)
	if splits == 1 {
		pl.Dispatch("attention_split", consts, words, append(in, out...), groups)
		return
	}
	parts := pl.Temp(max(1, rows*splits*(z.D+2)))
	pl.Dispatch("attention_split", consts, words, append(in, parts), groups)
	pl.Dispatch("attention_combine", nil, Words(rows, splits, z.D, z.H, z.Tq, float32(math.Inf(-1))),
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
	pl.Dispatch("attention_delta", nil, Words(rows, z.B, z.Tq, z.H, z.D, z.Tk, lengths != nil, p.Dropout > 0),
		[]Bind{B(out), B(lse), B(dout), B(lengths), B(seed), stats}, pl.Fold(prepare))

	consts, words, blocks := p.consts(z), p.words(z, lengths), p.blocks(z)
	tiles := ceilDiv(z.Rows, attentionTile)
	n := z.B * z.Hkv * tiles * blocks
	pl.Dispatch("attention_dkv", consts, append(Words(n, tiles, blocks), words...),
		[]Bind{B(q), B(k), B(v), B(dout), stats, B(pl.Out[1]), B(pl.Out[2])}, pl.Fold(n))
	tiles = ceilDiv(z.Tq, attentionTile)
	n = z.B * z.H * tiles * blocks
	pl.Dispatch("attention_dq", consts, append(Words(n, tiles, blocks), words...),
		[]Bind{B(q), B(k), B(v), B(dout), stats, B(pl.Out[0])}, pl.Fold(n))
}

// blocks returns into how many blocks of up to 128 columns a head's output is
// divided; each workgroup computes one, and the scores again for each.
func (p AttentionParams) blocks(z AttentionSize) int { return ceilDiv(z.D, 128) }

// consts specialise the tiled shaders: quads of columns an invocation owns,
// rows of a staged slice, dropout.
func (p AttentionParams) consts(z AttentionSize) []Const {
	quads := 2
	if z.D <= 64 {
		quads = 1
	}
	return []Const{{"QUADS", quads}, {"SLICE", 16 / quads}, {"DROPOUT", p.Dropout > 0}}
}

// words are the uniform parameters that all shaders but the small ones share.
// Without a causal mask a query sees all keys, as with a very large offset.
func (p AttentionParams) words(z AttentionSize, lengths *tensor.Tensor) []uint32 {
	const far = 1 << 30
	offset := far
	if p.Causal {
		offset = max(-far, min(p.Offset, far))
	}
	return Words(z.Tq, z.Tk, z.Rows, z.H, z.Hkv, z.D, offset, p.ScaleFor(z.D), float32(math.Inf(-1)),
		DropBelow(p.Dropout), float32(1/(1-float64(p.Dropout))), z.B, lengths != nil)
}
