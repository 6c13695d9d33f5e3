package llama

import (
	"fmt"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Cache keeps the keys and values of tokens that were read, for one batch. It
// is for tapes that do not record.
type Cache struct {
	// Len is the number of tokens it holds. Setting it back forgets the last
	// ones, so that another text can follow the first Len tokens.
	Len int

	dev        kernels.Device
	rows, cap  int
	keys, vals []*tensor.Tensor // for each layer (rows, cap, key heads, head size)
	heads, dim int
}

// NewCache returns an empty cache for a batch of rows sequences, with room for
// the given number of tokens. It grows when they are more.
func (m *Model) NewCache(d kernels.Device, rows, tokens int) *Cache {
	c := &Cache{dev: d, rows: rows, heads: m.KeyHeads, dim: m.HeadDim(),
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

// reserve makes room for t more tokens.
func (c *Cache) reserve(rows, t int) {
	if rows != c.rows {
		panic(fmt.Sprintf("llama: batch of %d sequences with a cache of %d", rows, c.rows))
	}
	if c.Len+t > c.cap {
		c.grow(max(c.Len+t, c.cap+c.cap/2))
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
	x := tensor.New(c.dev, c.dev.Float(), c.rows, tokens, c.heads, c.dim)
	if old != nil && c.Len > 0 {
		p := kernels.AxisBlock(c.rows, c.heads*c.dim, c.Len, c.cap, 0, tokens, 0)
		kernels.RunInto(c.dev, kernels.CopyBlock, p, []*tensor.Tensor{old}, []*tensor.Tensor{x})
	}
	old.Free()
	return x
}

// add turns new queries (rows, T, query heads, size) and keys of layer i by
// their positions and writes keys and values (rows, T, heads, size) behind those
// the cache holds. It returns the turned queries and all rows of the cache.
func (c *Cache) add(i int, theta float32, q, k, v *autograd.Var) (turned, allK, allV *autograd.Var) {
	t := q.Tape()
	y := t.Own(tensor.New(c.dev, c.dev.Float(), q.Shape()...))
	t.RunInto(kernels.RoPECache, kernels.RoPECacheParams{Theta: theta, Offset: c.Len},
		[]*tensor.Tensor{q.Value(), k.Value(), v.Value()}, y, c.keys[i], c.vals[i])
	return t.Const(y), t.Const(c.keys[i]), t.Const(c.vals[i])
}
