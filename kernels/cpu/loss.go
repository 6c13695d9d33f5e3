package cpu

import (
	"math"

	"llana/kernels"
)

func init() {
	fast[kernels.SmoothL1] = smoothL1
	fast[kernels.SmoothL1Backward] = smoothL1Backward
	fast[kernels.BCELogits] = bceLogits
	fast[kernels.BCELogitsBackward] = bceLogitsBackward
}

func smoothL1(d *device, c *kernels.Call) {
	x, target := floats(c.In[0]), floats(c.In[1])
	s := d.total(len(x), 2, func(lo, hi int) float64 {
		var s float64
		for i := lo; i < hi; i++ {
			// With m = min(a, 1): a^2/2 below 1, a - 1/2 above.
			a := math.Abs(float64(x[i] - target[i]))
			m := min(a, 1)
			s += m * (a - 0.5*m)
		}
		return s
	})
	floats(c.Out[0])[0] = float32(s / float64(len(x)))
}

func smoothL1Backward(d *device, c *kernels.Call) {
	x, target, y := floats(c.In[0]), floats(c.In[1]), floats(c.Out[0])
	scale := floats(c.In[2])[0] / float32(len(x))
	d.split(len(y), 2, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y[i] = scale * min(max(x[i]-target[i], -1), 1)
		}
	})
}

func bceLogits(d *device, c *kernels.Call) {
	x, target, weight := floats(c.In[0]), floats(c.In[1]), floats(c.In[2])
	s := d.total(len(x), 8, func(lo, hi int) float64 {
		var s float64
		var buf [256]float32
		for ; lo < hi; lo += len(buf) {
			n := min(len(buf), hi-lo)
			e := buf[:n] // exp(-|x|)
			for i, v := range x[lo : lo+n] {
				e[i] = min(v, -v)
			}
			vecExp(e, e, 0, 1)
			for i, v := range x[lo : lo+n] {
				l := max(v, 0) - v*target[lo+i] + log1pf(e[i])
				if weight != nil {
					l *= weight[lo+i]
				}
				s += float64(l)
			}
		}
		return s
	})
	floats(c.Out[0])[0] = float32(s / float64(len(x)))
}

func bceLogitsBackward(d *device, c *kernels.Call) {
	x, target, weight, y := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.Out[0])
	scale := floats(c.In[3])[0] / float32(len(x))
	d.split(len(y), 2, func(_ *worker, lo, hi int) {
		y := y[lo:hi]
		vecSigmoid(y, x[lo:hi])
		vecSub(y, y, target[lo:hi])
		if weight != nil {
			vecMul(y, y, weight[lo:hi])
		}
		vecSubScale(y, y, 0, scale)
	})
}
