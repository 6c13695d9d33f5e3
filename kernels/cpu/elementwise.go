package cpu

import (
	"llana/kernels"
)

func init() {
	for op, f := range map[*kernels.Op]func(dst, x []float32){
		kernels.ReLU: vecReLU, kernels.GELU: vecGELU, kernels.SiLU: vecSiLU, kernels.Sigmoid: vecSigmoid,
		kernels.TruncExp: func(dst, x []float32) { vecExp(dst, x, 0, 1) },
		kernels.Tanh:     vecTanh,
		kernels.Copy:     func(dst, x []float32) { copy(dst, x) },
	} {
		fast[op] = func(d *device, c *kernels.Call) { d.map1(c, f) }
	}
	// The gradients take x, y and dy and need one of the first two.
	for op, f := range map[*kernels.Op]func(dst, x, dy []float32){
		kernels.ReLUBackward: vecReLUBack, kernels.GELUBackward: vecGELUBack, kernels.SiLUBackward: vecSiLUBack,
		kernels.TruncExpBackward: vecTruncExpBack,
	} {
		fast[op] = func(d *device, c *kernels.Call) { d.map2(c, 0, 2, f) }
	}
	fast[kernels.SigmoidBackward] = func(d *device, c *kernels.Call) { d.map2(c, 1, 2, vecSigmoidBack) }
	fast[kernels.TanhBackward] = func(d *device, c *kernels.Call) { d.map2(c, 1, 2, vecTanhBack) }
	fast[kernels.SwiGLU] = func(d *device, c *kernels.Call) { d.map2(c, 0, 1, vecSwiGLU) }
	fast[kernels.SwiGLUBackward] = swigluBackward
	fast[kernels.Accumulate] = accumulate
	fast[kernels.Scale] = scale
	fast[kernels.FillWith] = fill
	fast[kernels.AdamW] = adamW
}

// map1 runs an element-wise function of input 0.
func (d *device) map1(c *kernels.Call, f func(dst, x []float32)) {
	x, y := floats(c.In[0]), floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { f(y[lo:hi], x[lo:hi]) })
}

// map2 runs an element-wise function of the inputs i and j.
func (d *device) map2(c *kernels.Call, i, j int, f func(dst, a, b []float32)) {
	a, b, y := floats(c.In[i]), floats(c.In[j]), floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { f(y[lo:hi], a[lo:hi], b[lo:hi]) })
}

// vecTanh sets dst = tanh(x).
func vecTanh(dst, x []float32) {
	for i, v := range x {
		dst[i] = tanhf(v)
	}
}

// vecTanhBack sets dst = dy (1 - y^2).
func vecTanhBack(dst, y, dy []float32) {
	for i, v := range y {
		dst[i] = dy[i] * (1 - v*v)
	}
}

func swigluBackward(d *device, c *kernels.Call) {
	gate, up, dy := floats(c.In[0]), floats(c.In[1]), floats(c.In[2])
	dgate, dup := floats(c.Out[0]), floats(c.Out[1])
	d.split(len(gate), 1, func(_ *worker, lo, hi int) {
		vecSwiGLUBack(dgate[lo:hi], dup[lo:hi], gate[lo:hi], up[lo:hi], dy[lo:hi])
	})
}

func accumulate(d *device, c *kernels.Call) {
	x, y := floats(c.In[0]), floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { vecAdd(y[lo:hi], y[lo:hi], x[lo:hi]) })
}

func scale(d *device, c *kernels.Call) {
	by := c.P.(kernels.ScaleParams).By
	x, y := floats(c.In[0]), floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { vecSubScale(y[lo:hi], x[lo:hi], 0, by) })
}

func fill(d *device, c *kernels.Call) {
	v, y := c.P.(kernels.FillParams).Value, floats(c.Out[0])
	d.split(len(y), 1, func(_ *worker, lo, hi int) { setAll(y[lo:hi], v) })
}

// setAll sets every element to v.
func setAll(y []float32, v float32) {
	for i := range y {
		y[i] = v
	}
}
