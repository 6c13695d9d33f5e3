package cpu

import (
	"llana/kernels"
	"llana/tensor"
)

// keyRows are the rows of keys or values, which may be stored packed.
type keyRows struct {
	f []float32
	p *packed
}

func keyRowsOf(t *tensor.Tensor) keyRows {
	if p := packedOf(t); p != nil {
		return keyRows{p: p}
	}
	return keyRows{f: floats(t)}
}

// read returns the n elements from the given one on, widened if they are
// packed, until the next call.
func (k keyRows) read(w *worker, at, n int) []float32 {
	if k.p == nil {
		return k.f[at : at+n]
	}
	buf := w.floats(scratchRows, n)
	if !k.p.inBlocks() {
		k.p.widen(w, buf, at)
		return buf
	}
	for done := 0; done < n; { // piece by piece, because a run lies in one row
		size := min(n-done, k.p.width-(at+done)%k.p.width)
		k.p.widen(w, buf[done:done+size], at+done)
		done += size
	}
	return buf
}

// onWideCache lets attention of many queries run on keys and values that are
// stored packed, by widening those in use first.
func onWideCache(attention func(d *device, c *kernels.Call)) func(d *device, c *kernels.Call) {
	return func(d *device, c *kernels.Call) {
		p := c.P.(kernels.AttentionParams)
		z := p.SizeOf(c.In[0].Shape(), c.In[1].Shape())
		if z.Tq <= fewQueries || !c.In[1].DType().IsPacked() && !c.In[2].DType().IsPacked() {
			attention(d, c)
			return
		}
		wide := *c
		wide.In = append([]*tensor.Tensor(nil), c.In...)
		for i := 1; i <= 2; i++ {
			wide.In[i] = d.widened(c.In[i], z)
			if wide.In[i] != c.In[i] {
				defer wide.In[i].Free()
			}
		}
		attention(d, &wide)
	}
}

// widened returns a cache (B, rows, Hkv, D) with the rows in use as float32.
func (d *device) widened(cache *tensor.Tensor, z kernels.AttentionSize) *tensor.Tensor {
	p := packedOf(cache)
	if p == nil {
		return cache
	}
	t := tensor.New(d, tensor.F32, cache.Shape()...)
	out, heads := floats(t), z.Hkv
	d.rows(z.B*z.Tk, heads*z.D/4+8, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			at := (i/z.Tk*z.Rows + i%z.Tk) * heads * z.D
			for h := range heads {
				p.widen(w, out[at+h*z.D:at+(h+1)*z.D], at+h*z.D)
			}
		}
	})
	return t
}
