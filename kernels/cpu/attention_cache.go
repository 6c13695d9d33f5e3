package cpu

import (
	"llana/kernels"
	"llana/tensor"
)

// onWideCache lets attention run on keys and values that are stored packed, by
// widening those in use first. On the processor a packed cache saves memory
// between calls, not time.
func onWideCache(attention func(d *device, c *kernels.Call)) func(d *device, c *kernels.Call) {
	return func(d *device, c *kernels.Call) {
		if !c.In[1].DType().IsPacked() && !c.In[2].DType().IsPacked() {
			attention(d, c)
			return
		}
		p := c.P.(kernels.AttentionParams)
		z := p.SizeOf(c.In[0].Shape(), c.In[1].Shape())
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
