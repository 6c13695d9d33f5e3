package llama

import (
	"fmt"
	"slices"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Cache keeps the keys and values of tokens that were read, for one batch of
// sequences. It is for tapes that do not record.
//
// Keys are stored turned by their positions, and above the first layer keys and
// values depend on all tokens before. So the last tokens of a sequence can be
// forgotten, but none in front of others: what follows has to be read again.
type Cache struct {
	// Len is the number of tokens that every row holds. Setting it back forgets
	// the last ones, so that another text can follow the first Len tokens.
	Len int
	// Lens, if not nil, counts instead of Len what each row holds, where they
	// differ; Forward then reads one token a row. It may be set back too.
	Lens []int

	dev        kernels.Device
	config     Config
	stored     tensor.DType // of keys and values
	rows, cap  int
	keys, vals []*tensor.Tensor // for each layer: cacheShape

	// With Lens, of the Forward that runs, both (rows): where a row's token
	// goes, and how many keys it sees.
	offsets, seen *tensor.Tensor
}

// cacheShape is the shape of one layer's keys, and of its values: (rows, tokens,
// key heads, head size).
func cacheShape(c Config, rows, tokens int) []int {
	return []int{rows, tokens, c.KeyHeads, c.HeadDim()}
}

// CacheBytes returns the memory that a cache takes for rows sequences of up to
// the given number of tokens: for each token 2 * layers * key heads * head size
// elements, stored as d.
func CacheBytes(c Config, rows, tokens int, d tensor.DType) int64 {
	return 2 * int64(c.Layers) * int64(rows) * int64(tokens) * int64(d.Bytes(cacheShape(c, 1, 1)))
}

// CheckCacheType says what keeps keys and values from being stored as d, if
// anything: the zero value is the device's float type, BF16 and F16 take half.
func (c Config) CheckCacheType(d tensor.DType) error {
	switch d {
	case tensor.Invalid, tensor.F32:
		return nil
	case tensor.BF16, tensor.F16:
		if c.HeadDim()%4 != 0 {
			return fmt.Errorf("keys and values of heads of size %d stored as %v, want a multiple of 4", c.HeadDim(), d)
		}
		return nil
	}
	return fmt.Errorf("keys and values stored as %v, want float32, bfloat16 or float16", d)
}

// NewCache returns an empty cache for a batch of rows sequences, with room for
// the given number of tokens in each. Forward makes it longer when they are
// more, which moves all of it: where the number is known, say it.
func (m *Model) NewCache(d kernels.Device, rows, tokens int) *Cache {
	return m.NewCacheAs(d, rows, tokens, tensor.Invalid)
}

// NewCacheAs is NewCache for keys and values stored as a type that
// CheckCacheType accepts.
func (m *Model) NewCacheAs(d kernels.Device, rows, tokens int, stored tensor.DType) *Cache {
	if stored == tensor.Invalid || stored == tensor.F32 {
		stored = d.Float()
	}
	c := &Cache{dev: d, config: m.Config, stored: stored, rows: rows,
		keys: make([]*tensor.Tensor, m.Layers), vals: make([]*tensor.Tensor, m.Layers)}
	c.grow(tokens)
	return c
}

// Free frees the cache's memory.
func (c *Cache) Free() {
	for i := range c.keys {
		c.keys[i].Free()
		c.vals[i].Free()
	}
}

// Bytes returns the memory that the cache takes.
func (c *Cache) Bytes() int64 { return CacheBytes(c.config, c.rows, c.cap, c.stored) }

// Stored returns the type of keys and values.
func (c *Cache) Stored() tensor.DType { return c.stored }

// Rows returns the number of sequences.
func (c *Cache) Rows() int { return c.rows }

// Cap returns the number of tokens that each row has room for.
func (c *Cache) Cap() int { return c.cap }

// Reserve makes room for the given number of tokens in each row, those it holds
// included. Layer by layer the old tensors are freed: at most one is there
// twice.
func (c *Cache) Reserve(tokens int) {
	if tokens > c.cap {
		c.grow(tokens)
	}
}

func (c *Cache) grow(tokens int) {
	for i := range c.keys {
		c.keys[i] = c.moved(c.keys[i], tokens)
		c.vals[i] = c.moved(c.vals[i], tokens)
	}
	c.cap = tokens
}

// moved returns a longer tensor with the tokens of old, which it frees.
func (c *Cache) moved(old *tensor.Tensor, tokens int) *tensor.Tensor {
	x := tensor.New(c.dev, c.stored, cacheShape(c.config, c.rows, tokens)...)
	if held := c.longest(); old != nil && held > 0 {
		p := kernels.AxisBlock(c.rows, c.width(), held, c.cap, 0, tokens, 0)
		kernels.RunInto(c.dev, kernels.CopyBlock, p, []*tensor.Tensor{old}, []*tensor.Tensor{x})
	}
	old.Free()
	return x
}

// width is the number of elements of a token's keys.
func (c *Cache) width() int { return c.config.KeyHeads * c.config.HeadDim() }

// longest is the number of tokens of the longest row.
func (c *Cache) longest() int {
	if c.Lens != nil {
		return slices.Max(c.Lens)
	}
	return c.Len
}

// CopyRow copies the first n tokens of a row of from, a cache of the same model,
// into the rows lo to hi-1 of c: sequences that begin alike are read once.
func (c *Cache) CopyRow(from *Cache, row, n, lo, hi int) {
	kernels.Check(from.stored == c.stored && 0 <= row && row < from.rows && 0 <= n && n <= min(from.cap, c.cap) && 0 <= lo && lo <= hi && hi <= c.rows, "llama", nil,
		"%d tokens of row %d of a cache of %d x %d (%v) into rows %d to %d of one of %d x %d (%v)", n, row, from.rows, from.cap, from.stored, lo, hi, c.rows, c.cap, c.stored)
	w := c.width()
	p := kernels.BlockParams{Dims: [4]int{1, hi - lo, n, w},
		From: [4]int{0, 0, w, 1}, FromOffset: row * from.cap * w,
		To: [4]int{0, c.cap * w, w, 1}, ToOffset: lo * c.cap * w}
	for i := range c.keys {
		kernels.RunInto(c.dev, kernels.CopyBlock, p, []*tensor.Tensor{from.keys[i]}, []*tensor.Tensor{c.keys[i]})
		kernels.RunInto(c.dev, kernels.CopyBlock, p, []*tensor.Tensor{from.vals[i]}, []*tensor.Tensor{c.vals[i]})
	}
}

// begin prepares for x (B, T, hidden) to be read, and end counts it.
func (c *Cache) begin(x *autograd.Var) {
	rows, t := x.Dim(0), x.Dim(1)
	kernels.Check(rows == c.rows && (c.Lens == nil || len(c.Lens) == rows && t == 1), "llama", [][]int{x.Shape()},
		"a cache of %d sequences reads as many; one token each if they have lengths of their own (%v)", c.rows, c.Lens)
	if need := c.longest() + t; need > c.cap {
		c.grow(max(need, c.cap+c.cap/2))
	}
	if c.Lens != nil {
		offsets, seen := make([]int32, rows), make([]int32, rows)
		for i, n := range c.Lens {
			offsets[i], seen[i] = int32(n), int32(n+1)
		}
		c.offsets, c.seen = x.Tape().Int32(offsets, rows), x.Tape().Int32(seen, rows)
	}
}

func (c *Cache) end(t int) {
	if c.offsets, c.seen = nil, nil; c.Lens == nil {
		c.Len += t
		return
	}
	for i := range c.Lens {
		c.Lens[i] += t
	}
}

// add turns new queries (rows, T, query heads, size) and keys of layer i by
// their positions and writes keys and values (rows, T, heads, size) behind those
// the cache holds. It returns the turned queries and all rows of the cache.
func (c *Cache) add(i int, theta float32, q, k, v *autograd.Var) (turned, allK, allV *autograd.Var) {
	t := q.Tape()
	y := t.Own(tensor.New(c.dev, c.dev.Float(), q.Shape()...))
	p := kernels.RoPECacheParams{Theta: theta}
	if c.Lens == nil {
		p.Offset = c.Len
	}
	t.RunInto(kernels.RoPECache, p, []*tensor.Tensor{q.Value(), k.Value(), v.Value(), c.offsets}, y, c.keys[i], c.vals[i])
	return t.Const(y), t.Const(c.keys[i]), t.Const(c.vals[i])
}

// mask says which keys of the cache t new tokens see, and lengths of the rows'
// keys, if they differ.
func (c *Cache) mask(t int) (p kernels.AttentionParams, lengths *tensor.Tensor) {
	if c.Lens != nil { // of one token a row; it sees all that the row holds, and itself
		return kernels.AttentionParams{Keys: c.longest() + 1}, c.seen
	}
	return kernels.AttentionParams{Causal: true, Offset: c.Len, Keys: c.Len + t}, nil
}
