package cpu

import (
	"llana/kernels"
)

func init() { fast[kernels.Dropout] = dropout }

func dropout(d *device, c *kernels.Call) {
	m := newMask(ints(c.In[1])[0], c.P.(kernels.DropoutParams).P)
	x, y := floats(c.In[0]), floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { m.drop(y[lo:hi], x[lo:hi], uint32(lo)) })
}

// mask is what dropout drops: see kernels.Dropout.
type mask struct {
	seed, below uint32
	factor      float32
}

func newMask(seed int32, p float32) mask {
	return mask{uint32(seed), kernels.DropBelow(p), 1 / (1 - p)}
}

// drop sets dst = a times the factor where the elements from counter on are
// kept, else 0.
func (m mask) drop(dst, a []float32, counter uint32) {
	a = a[:len(dst)]
	if level > portable && len(dst) > 0 {
		dropoutVector(&dst[0], &a[0], len(dst), pcg(m.seed), counter, m.below, m.factor)
		return
	}
	for i, x := range a {
		x *= m.factor
		if kernels.Hash(m.seed, counter+uint32(i)) < m.below {
			x = 0
		}
		dst[i] = x
	}
}

// pcg is the permutation that kernels.Hash applies twice: to the seed, then to
// the counter plus that.
func pcg(x uint32) uint32 {
	s := x*747796405 + 2891336453
	w := ((s >> ((s >> 28) + 4)) ^ s) * 277803737
	return (w >> 22) ^ w
}
