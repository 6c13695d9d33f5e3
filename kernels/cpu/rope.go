package cpu

import (
	"encoding/binary"
	"fmt"
	"math"

	"llana/kernels"
	"llana/tensor"
)

func init() {
	fast[kernels.RoPE] = rope
	fast[kernels.RoPECache] = ropeCache
}

// turns are the sines and cosines of consecutive positions, kept from call to
// call: every layer of a model asks for the same ones.
type turns struct {
	theta       float32
	dim         int
	first, last int // positions [first, last)
	sin, cos    []float32
}

// turnsFor returns the table of the positions first..last, taken in float64.
func (d *device) turnsFor(p kernels.RoPEParams, dim, first, last int) *turns {
	t, half := &d.turns, dim/2
	if t.theta == p.Theta && t.dim == dim && t.first <= first && t.last >= last {
		return t
	}
	n := (last - first) * half
	*t = turns{p.Theta, dim, first, last, grow(t.sin, n), grow(t.cos, n)}
	frequency := make([]float64, half)
	for i := range frequency {
		frequency[i] = p.Frequency(i, dim)
	}
	d.rows(last-first, 32*half, func(_ *worker, lo, hi int) {
		for pos := lo; pos < hi; pos++ {
			for i, f := range frequency {
				s, c := math.Sincos(float64(first+pos) * f)
				t.sin[pos*half+i], t.cos[pos*half+i] = float32(s), float32(c)
			}
		}
	})
	return t
}

// grow returns n floats of undefined contents, in x's memory if they fit.
func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n+n/2)[:n]
	}
	return x[:n]
}

func rope(d *device, c *kernels.Call) {
	p := c.P.(kernels.RoPEParams)
	x, positions, y := floats(c.In[0]), ints(c.In[1]), floats(c.Out[0])
	s := c.In[0].Shape()
	tokens, heads, dim := s[1], s[2], s[3]
	if len(x) == 0 {
		return
	}
	first, last := p.Offset, p.Offset+tokens
	if positions != nil {
		first, last = bounds(positions)
		if last-first > 4*len(positions)+1024 {
			c.Reference() // a table would be mostly empty
			return
		}
	}
	table, half, sign := d.turnsFor(p, dim, first, last), dim/2, float32(1)
	if p.Inverse {
		sign = -1
	}
	d.rows(s[0]*tokens, heads*dim, func(_ *worker, lo, hi int) {
		for t := lo; t < hi; t++ {
			pos := p.Offset + t%tokens
			if positions != nil {
				pos = int(positions[t])
			}
			at := (pos - table.first) * half
			sin, cos := table.sin[at:at+half], table.cos[at:at+half]
			turnHeads(y[t*heads*dim:(t+1)*heads*dim], x[t*heads*dim:(t+1)*heads*dim], sin, cos, sign)
		}
	})
}

// ropeCache turns queries and keys and writes keys and values into the cache.
func ropeCache(d *device, c *kernels.Call) {
	p := c.P.(kernels.RoPECacheParams)
	q, k, v := floats(c.In[0]), floats(c.In[1]), floats(c.In[2])
	turned, keys, values := floats(c.Out[0]), cacheOf(c.Out[1]), cacheOf(c.Out[2])
	s, rows := c.In[0].Shape(), c.Out[1].Dim(1)
	p.CheckCache(c.In[1].Shape(), c.Out[1].Shape(), c.Out[2].Shape())
	tokens, dim := s[1], s[3]
	wide, narrow := s[2]*dim, c.In[1].Dim(2)*dim // of a token in q, in k
	if len(q) == 0 {
		return
	}
	offsets := ints(c.In[3])
	if offsets == nil {
		offsets = make([]int32, s[0])
		for i := range offsets {
			offsets[i] = int32(p.Offset)
		}
	}
	first, last := bounds(offsets)
	if first < 0 || last-1+tokens > rows {
		panic(fmt.Sprintf("cpu: rope_cache: offsets from %d to %d and %d tokens in a cache of %d rows", first, last-1, tokens, rows))
	}
	table, half := d.turnsFor(kernels.RoPEParams{Theta: p.Theta}, dim, first, last-1+tokens), dim/2
	d.rows(s[0]*tokens, wide+2*narrow, func(w *worker, lo, hi int) {
		for t := lo; t < hi; t++ {
			item := t / tokens
			pos := int(offsets[item]) + t%tokens
			at := (pos - table.first) * half
			sin, cos := table.sin[at:at+half], table.cos[at:at+half]
			to := (item*rows + pos) * narrow
			turnHeads(turned[t*wide:(t+1)*wide], q[t*wide:(t+1)*wide], sin, cos, 1)
			turnHeads(keys.row(w, to, narrow), k[t*narrow:(t+1)*narrow], sin, cos, 1)
			keys.put(w, to, narrow)
			copy(values.row(w, to, narrow), v[t*narrow:(t+1)*narrow])
			values.put(w, to, narrow)
		}
	})
}

// cache is a tensor of keys or values that is written row by row.
type cache struct {
	f   []float32
	raw []byte // of a 16-bit type
	to  func(float32) uint16
}

func cacheOf(t *tensor.Tensor) cache {
	switch t.DType() {
	case tensor.F16:
		return cache{raw: tensor.Raw(t), to: tensor.F32ToF16}
	case tensor.BF16:
		return cache{raw: tensor.Raw(t), to: tensor.F32ToBF16}
	}
	return cache{f: floats(t)}
}

// row returns where n elements from element at on are written to; put stores
// them.
func (c cache) row(w *worker, at, n int) []float32 {
	if c.raw == nil {
		return c.f[at : at+n]
	}
	return w.floats(scratch0, n)
}

func (c cache) put(w *worker, at, n int) {
	if c.raw == nil {
		return
	}
	for i, x := range w.floats(scratch0, n) {
		binary.LittleEndian.PutUint16(c.raw[2*(at+i):], c.to(x))
	}
}

// turnHeads turns all heads of a token.
func turnHeads(y, x, sin, cos []float32, sign float32) {
	for dim := 2 * len(sin); len(x) > 0; x, y = x[dim:], y[dim:] {
		turn(y[:dim], x[:dim], sin, cos, sign)
	}
}

// bounds returns the range [first, last) that positions lie in.
func bounds(positions []int32) (first, last int) {
	first, last = int(positions[0]), int(positions[0])+1
	for _, p := range positions {
		first, last = min(first, int(p)), max(last, int(p)+1)
	}
	return first, last
}

// turn rotates the pairs of one head, by negative angles if sign is -1.
func turn(y, x, sin, cos []float32, sign float32) {
	half := len(sin)
	x0, x1, y0, y1, cos := x[:half], x[half:2*half], y[:half], y[half:2*half], cos[:half]
	for i, a := range x0 {
		b, s, c := x1[i], sign*sin[i], cos[i]
		y0[i] = a*c - b*s
		y1[i] = b*c + a*s
	}
}
