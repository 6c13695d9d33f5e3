package cpu

import (
	"math"

	"llana/kernels"
)

func init() {
	fast[kernels.LayerNorm] = layerNorm
	fast[kernels.LayerNormBackward] = layerNormBackward
	fast[kernels.RMSNorm] = rmsNorm
	fast[kernels.RMSNormBackward] = rmsNormBackward
}

// width returns the length of the last axis.
func width(shape []int) int { return shape[len(shape)-1] }

// rowCost is the cost of a pass over a row of n elements by several vector
// functions.
func rowCost(n int) int { return n + 32 }

func layerNorm(d *device, c *kernels.Call) {
	x, wt, b := floats(c.In[0]), floats(c.In[1]), floats(c.In[2])
	y, means, rstds := floats(c.Out[0]), floats(c.Out[1]), floats(c.Out[2])
	n, eps := width(c.In[0].Shape()), c.P.(kernels.NormParams).Eps
	d.rows(len(means), rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			x, y := x[r*n:(r+1)*n], y[r*n:(r+1)*n]
			mean := sum(x) / float32(n)
			rstd := inverseRoot(deviation(x, mean)/float32(n) + eps)
			vecSubScale(y, x, mean, rstd)
			vecMulAdd(y, y, wt, b)
			means[r], rstds[r] = mean, rstd
		}
	})
}

func inverseRoot(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }

func rmsNorm(d *device, c *kernels.Call) {
	x, wt := floats(c.In[0]), floats(c.In[1])
	y, rstds := floats(c.Out[0]), floats(c.Out[1])
	n, eps := width(c.In[0].Shape()), c.P.(kernels.NormParams).Eps
	d.rows(len(rstds), rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			x, y := x[r*n:(r+1)*n], y[r*n:(r+1)*n]
			rstd := inverseRoot(deviation(x, 0)/float32(n) + eps)
			vecSubScale(y, x, 0, rstd)
			vecMul(y, y, wt)
			rstds[r] = rstd
		}
	})
}

// normParts is the largest number of parts into which rows are cut when
// gradients of weights are summed over them.
const normParts = 16

// partsOf returns how many parts sums over rows of n elements are made in.
func partsOf(rows, n int) int { return max(1, min(normParts, rows*rowCost(n)/minWork)) }

// sumParts runs body on parts of the rows, each with sums of its own, which
// start at 0, then adds the parts up, in order, into the outputs.
func (d *device) sumParts(rows, parts int, out [][]float32, body func(w *worker, lo, hi int, sums [][]float32)) {
	size := 0
	for _, o := range out {
		size += len(o)
	}
	all := d.common.floats(scratch0, parts*size)
	each := (rows + parts - 1) / parts
	d.loop(parts, func(w *worker, i int) {
		mine := all[i*size : (i+1)*size]
		clear(mine)
		sums := make([][]float32, len(out))
		for k, o := range out {
			sums[k], mine = mine[:len(o)], mine[len(o):]
		}
		body(w, min(i*each, rows), min((i+1)*each, rows), sums)
	})
	at := 0
	for _, o := range out {
		copy(o, all[at:])
		for i := 1; i < parts; i++ {
			vecAdd(o, o, all[i*size+at:][:len(o)])
		}
		at += len(o)
	}
}

func layerNormBackward(d *device, c *kernels.Call) {
	x, wt, means, rstds, dy := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.In[3]), floats(c.In[4])
	dx, dw, db := floats(c.Out[0]), floats(c.Out[1]), floats(c.Out[2])
	n := width(c.In[0].Shape())
	rows := len(means)
	d.sumParts(rows, partsOf(rows, 2*n), [][]float32{dw, db}, func(w *worker, lo, hi int, sums [][]float32) {
		h := w.floats(scratch1, n)
		for r := lo; r < hi; r++ {
			x, dy, dx := x[r*n:(r+1)*n], dy[r*n:(r+1)*n], dx[r*n:(r+1)*n]
			vecSubScale(h, x, means[r], rstds[r])
			vecMulAdd(sums[0], dy, h, sums[0])
			vecAdd(sums[1], sums[1], dy)
			vecMul(dx, dy, wt) // the gradient of h
			meanG, meanGH := sum(dx)/float32(n), dot(dx, h)/float32(n)
			vecAddScaled(dx, dx, h, -meanGH)
			vecSubScale(dx, dx, meanG, rstds[r])
		}
	})
}

func rmsNormBackward(d *device, c *kernels.Call) {
	x, wt, rstds, dy := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.In[3])
	dx, dw := floats(c.Out[0]), floats(c.Out[1])
	n := width(c.In[0].Shape())
	rows := len(rstds)
	d.sumParts(rows, partsOf(rows, 2*n), [][]float32{dw}, func(w *worker, lo, hi int, sums [][]float32) {
		h := w.floats(scratch1, n)
		for r := lo; r < hi; r++ {
			x, dy, dx := x[r*n:(r+1)*n], dy[r*n:(r+1)*n], dx[r*n:(r+1)*n]
			vecSubScale(h, x, 0, rstds[r])
			vecMulAdd(sums[0], dy, h, sums[0])
			vecMul(dx, dy, wt)
			vecAddScaled(dx, dx, h, -dot(dx, h)/float32(n))
			vecSubScale(dx, dx, 0, rstds[r])
		}
	})
}
