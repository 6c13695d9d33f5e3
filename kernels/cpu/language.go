package cpu

import (
	"math"

	"llana/kernels"
)

func init() {
	fast[kernels.Softmax] = softmax
	fast[kernels.SoftmaxBackward] = softmaxBackward
	fast[kernels.CrossEntropy] = crossEntropy
	fast[kernels.CrossEntropyBackward] = crossEntropyBackward
	fast[kernels.Embedding] = embedding
	fast[kernels.EmbeddingBackward] = embeddingBackward
}

// expShifted sets y = exp(x - top), top the largest of x, and returns top and
// the sum.
func expShifted(y, x []float32) (top, total float32) {
	top = largest(x)
	return top, expSum(y, x, top, 1)
}

func softmax(d *device, c *kernels.Call) {
	x, y := floats(c.In[0]), floats(c.Out[0])
	n := width(c.In[0].Shape())
	if n == 0 {
		return
	}
	d.rows(len(x)/n, 2*rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			y := y[r*n : (r+1)*n]
			_, total := expShifted(y, x[r*n:(r+1)*n])
			vecSubScale(y, y, 0, 1/total)
		}
	})
}

func softmaxBackward(d *device, c *kernels.Call) {
	y, dy, dx := floats(c.In[0]), floats(c.In[1]), floats(c.Out[0])
	n := width(c.In[0].Shape())
	if n == 0 {
		return
	}
	d.rows(len(y)/n, rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			y, dy, dx := y[r*n:(r+1)*n], dy[r*n:(r+1)*n], dx[r*n:(r+1)*n]
			vecSubScale(dx, dy, dot(y, dy), 1)
			vecMul(dx, dx, y)
		}
	})
}

func crossEntropy(d *device, c *kernels.Call) {
	x, labels, lse := floats(c.In[0]), ints(c.In[1]), floats(c.Out[1])
	n := width(c.In[0].Shape())
	losses := d.common.floats(scratch0, len(labels))
	d.rows(len(labels), 2*rowCost(n), func(w *worker, lo, hi int) {
		e := w.floats(scratch1, n)
		for r := lo; r < hi; r++ {
			row := x[r*n : (r+1)*n]
			top, total := expShifted(e, row)
			l := float64(top) + math.Log(float64(total))
			lse[r] = float32(l)
			if at := labels[r]; at >= 0 && int(at) < n {
				losses[r] = float32(l - float64(row[at]))
			}
		}
	})
	loss, count := 0.0, 0
	for r, at := range labels {
		if at >= 0 && int(at) < n {
			loss += float64(losses[r])
			count++
		}
	}
	floats(c.Out[0])[0] = float32(loss / float64(max(count, 1)))
	ints(c.Out[2])[0] = int32(count)
}

func crossEntropyBackward(d *device, c *kernels.Call) {
	x, labels, lse, dx := floats(c.In[0]), ints(c.In[1]), floats(c.In[2]), floats(c.Out[0])
	scale := floats(c.In[4])[0] / float32(max(ints(c.In[3])[0], 1))
	n := width(c.In[0].Shape())
	d.rows(len(labels), rowCost(n), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			dx, at := dx[r*n:(r+1)*n], labels[r]
			if at < 0 || int(at) >= n {
				clear(dx)
				continue
			}
			vecExp(dx, x[r*n:(r+1)*n], lse[r], 1)
			vecSubScale(dx, dx, 0, scale)
			dx[at] -= scale
		}
	})
}

func embedding(d *device, c *kernels.Call) {
	ids, y := ints(c.In[1]), floats(c.Out[0])
	rows, n := c.In[0].Dim(0), c.In[0].Dim(1)
	var table []float32
	packed := packedOf(c.In[0])
	if packed == nil {
		table = floats(c.In[0])
	}
	d.rows(len(ids), n/4+8, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y := y[i*n : (i+1)*n]
			if id := int(ids[i]); id < 0 || id >= rows {
				clear(y)
			} else if packed != nil {
				packed.widen(w, y, id*n)
			} else {
				copy(y, table[id*n:])
			}
		}
	})
}

// embeddingBackward gives each thread columns of its own, so that occurrences
// of an id are summed in their order.
func embeddingBackward(d *device, c *kernels.Call) {
	dy, ids, table := floats(c.In[0]), ints(c.In[1]), floats(c.Out[0])
	rows, n := c.Out[0].Dim(0), c.Out[0].Dim(1)
	const block = 128
	d.rows((n+block-1)/block, len(ids)*block, func(_ *worker, lo, hi int) {
		from, to := lo*block, min(hi*block, n)
		for i, id := range ids {
			if id < 0 || int(id) >= rows {
				continue
			}
			t := table[int(id)*n+from : int(id)*n+to]
			vecAdd(t, t, dy[i*n+from:i*n+to])
		}
	})
}
