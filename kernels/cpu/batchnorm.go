package cpu

import (
	"llana/kernels"
)

func init() {
	fast[kernels.BatchNorm] = batchNorm
	fast[kernels.BatchNormInference] = func(d *device, c *kernels.Call) {
		d.normalise(c, floats(c.In[3]), floats(c.In[4]), c.P.(kernels.NormParams).Eps)
	}
	fast[kernels.BatchNormBackward] = batchNormBackward
}

// batchNorm takes mean, then variance, then normalises: three passes.
func batchNorm(d *device, c *kernels.Call) {
	x, mean, variance := floats(c.In[0]), floats(c.Out[1]), floats(c.Out[2])
	n := len(mean)
	if n == 0 {
		return
	}
	rows := len(x) / n
	parts := partsOf(rows, n)
	d.sumParts(rows, parts, [][]float32{mean}, func(_ *worker, lo, hi int, sums [][]float32) {
		for r := lo; r < hi; r++ {
			vecAdd(sums[0], sums[0], x[r*n:(r+1)*n])
		}
	})
	vecDiv(mean, mean, repeated(&d.common, scratch1, []float32{float32(rows)}, 0, n))
	d.sumParts(rows, parts, [][]float32{variance}, func(w *worker, lo, hi int, sums [][]float32) {
		h := w.floats(scratch1, n)
		for r := lo; r < hi; r++ {
			vecSub(h, x[r*n:(r+1)*n], mean)
			vecMulAdd(sums[0], h, h, sums[0])
		}
	})
	vecDiv(variance, variance, repeated(&d.common, scratch1, []float32{float32(rows)}, 0, n))
	d.normalise(c, mean, variance, c.P.(kernels.NormParams).Eps)
}

// normalise sets y = (x - mean) w / sqrt(var + eps) + b.
func (d *device) normalise(c *kernels.Call, mean, variance []float32, eps float32) {
	x, wt, b, y := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.Out[0])
	n := len(mean)
	if n == 0 {
		return
	}
	factor := d.common.floats(scratch0, n)
	for j, v := range variance {
		factor[j] = inverseRoot(v+eps) * wt[j]
	}
	d.rows(len(x)/n, rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			y := y[r*n : (r+1)*n]
			vecSub(y, x[r*n:(r+1)*n], mean)
			vecMulAdd(y, y, factor, b)
		}
	})
}

func batchNormBackward(d *device, c *kernels.Call) {
	p := c.P.(kernels.BatchNormBackwardParams)
	x, wt, mean, variance, dy := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.In[3]), floats(c.In[4])
	dx, dw, db := floats(c.Out[0]), floats(c.Out[1]), floats(c.Out[2])
	n := len(mean)
	if n == 0 {
		return
	}
	rows := len(x) / n
	d.sumParts(rows, partsOf(rows, n), [][]float32{dw, db}, func(w *worker, lo, hi int, sums [][]float32) {
		h := w.floats(scratch1, n)
		for r := lo; r < hi; r++ {
			dy := dy[r*n : (r+1)*n]
			vecSub(h, x[r*n:(r+1)*n], mean)
			vecMulAdd(sums[0], dy, h, sums[0])
			vecAdd(sums[1], sums[1], dy)
		}
	})
	// dx = factor (dy - shift - (x - mean) slope)
	factor, shift, slope := d.common.floats(scratch0, n), d.common.floats(scratch1, n), d.common.floats(scratch2, n)
	for j, v := range variance {
		rstd := inverseRoot(v + p.Eps)
		dw[j] *= rstd
		factor[j] = wt[j] * rstd
		shift[j], slope[j] = 0, 0
		if !p.Given {
			shift[j], slope[j] = db[j]/float32(rows), rstd*dw[j]/float32(rows)
		}
	}
	d.rows(rows, 2*rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			dx, dy := dx[r*n:(r+1)*n], dy[r*n:(r+1)*n]
			vecSub(dx, x[r*n:(r+1)*n], mean)
			vecMulAdd(dx, dx, slope, shift)
			vecSub(dx, dy, dx)
			vecMul(dx, dx, factor)
		}
	})
}
