package cpu

import (
	"math"

	"llana/kernels"
	"llana/tensor"
)

func init() {
	fast[kernels.SumRows] = func(d *device, c *kernels.Call) {
		n := width(c.In[0].Shape())
		d.sumColumns(floats(c.In[0]), floats(c.Out[0]), n)
	}
	fast[kernels.Sum] = func(d *device, c *kernels.Call) { d.sumAxis(c, false) }
	fast[kernels.Mean] = func(d *device, c *kernels.Call) { d.sumAxis(c, true) }
	fast[kernels.Max] = maxAxis
	fast[kernels.SumSquares] = sumSquares
	fast[kernels.MaxBackward] = maxBackward
	fast[kernels.Argmax] = argmax
}

// sumColumns sums the rows of x (rows, n) into y (n).
func (d *device) sumColumns(x, y []float32, n int) {
	if n == 0 {
		return
	}
	rows := len(x) / n
	d.sumParts(rows, partsOf(rows, n), [][]float32{y}, func(_ *worker, lo, hi int, sums [][]float32) {
		s := sums[0]
		for r := lo; r < hi; r++ {
			vecAdd(s, s, x[r*n:(r+1)*n])
		}
	})
}

// outerInner sees a shape as (outer, n, inner) around an axis.
func outerInner(shape []int, axis int) (outer, n, inner int) {
	if axis < 0 {
		axis += len(shape)
	}
	return tensor.Numel(shape[:axis]), shape[axis], tensor.Numel(shape[axis+1:])
}

func (d *device) sumAxis(c *kernels.Call, mean bool) {
	outer, n, inner := outerInner(c.In[0].Shape(), c.P.(kernels.ReduceParams).Axis)
	x, y := floats(c.In[0]), floats(c.Out[0])
	switch {
	case inner == 1 && outer == 1:
		y[0] = float32(d.total(n, 1, func(lo, hi int) float64 { return float64(sum(x[lo:hi])) }))
	case inner == 1:
		d.rows(outer, n/4+8, func(_ *worker, lo, hi int) {
			for o := lo; o < hi; o++ {
				y[o] = sum(x[o*n : (o+1)*n])
			}
		})
	case outer == 1:
		d.sumColumns(x, y, inner)
	default:
		d.rows(outer, n*rowCost(inner), func(_ *worker, lo, hi int) {
			for o := lo; o < hi; o++ {
				s := y[o*inner : (o+1)*inner]
				clear(s)
				for k := o * n; k < (o+1)*n; k++ {
					vecAdd(s, s, x[k*inner:(k+1)*inner])
				}
			}
		})
	}
	if mean && n > 0 {
		for i := range y {
			y[i] /= float32(n)
		}
	}
}

// total adds up a sum over n elements, of the given cost each, from pieces
// that depend on n alone.
func (d *device) total(n, cost int, piece func(lo, hi int) float64) float64 {
	size := max(minWork/cost, 1) &^ 15
	parts := (n + size - 1) / size
	sums := make([]float64, parts)
	d.loop(parts, func(_ *worker, i int) { sums[i] = piece(i*size, min((i+1)*size, n)) })
	s := 0.0
	for _, v := range sums {
		s += v
	}
	return s
}

func sumSquares(d *device, c *kernels.Call) {
	x, out := floats(c.In[0]), floats(c.Out[0])
	out[0] += float32(d.total(len(x), 1, func(lo, hi int) float64 { return float64(deviation(x[lo:hi], 0)) }))
}

func maxAxis(d *device, c *kernels.Call) {
	outer, n, inner := outerInner(c.In[0].Shape(), c.P.(kernels.ReduceParams).Axis)
	x, y, at := floats(c.In[0]), floats(c.Out[0]), ints(c.Out[1])
	// Pieces of columns, so that there is work for all when outer is small.
	const block = 256
	blocks := (inner + block - 1) / block
	d.rows(outer*blocks, n*min(inner, block), func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			o, from := i/blocks, i%blocks*block
			to := min(from+block, inner)
			best, where := y[o*inner+from:o*inner+to], at[o*inner+from:o*inner+to]
			copy(best, x[o*n*inner+from:])
			clear(where)
			for k := 1; k < n; k++ {
				maxRow(best, where, x[(o*n+k)*inner+from:], int32(k))
			}
		}
	})
}

func maxBackward(d *device, c *kernels.Call) {
	p := c.P.(kernels.MaxBackwardParams)
	at, dy, dx := ints(c.In[0]), floats(c.In[1]), floats(c.Out[0])
	inner := tensor.Numel(c.In[0].Shape()[p.Axis:])
	if len(dx) == 0 {
		return
	}
	d.rows(len(dy)/inner, p.Len*inner/4+8*inner, func(_ *worker, lo, hi int) {
		clear(dx[lo*p.Len*inner : hi*p.Len*inner])
		for i := lo * inner; i < hi*inner; i++ {
			dx[(i/inner*p.Len+int(at[i]))*inner+i%inner] = dy[i]
		}
	})
}

func argmax(d *device, c *kernels.Call) {
	x, y := floats(c.In[0]), ints(c.Out[0])
	n := width(c.In[0].Shape())
	d.rows(len(y), n+8, func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			best, at := float32(math.Inf(-1)), -1
			for i, v := range x[r*n : (r+1)*n] {
				if v > best || at < 0 && v == v {
					best, at = v, i
				}
			}
			y[r] = int32(max(at, 0))
		}
	})
}
