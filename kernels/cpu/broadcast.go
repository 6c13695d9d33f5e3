package cpu

import (
	"llana/kernels"
	"llana/tensor"
)

func init() {
	fast[kernels.Add] = func(d *device, c *kernels.Call) { d.broadcast(c, vecAdd) }
	fast[kernels.Sub] = func(d *device, c *kernels.Call) { d.broadcast(c, vecSub) }
	fast[kernels.Mul] = func(d *device, c *kernels.Call) { d.broadcast(c, vecMul) }
	fast[kernels.Div] = func(d *device, c *kernels.Call) { d.broadcast(c, vecDiv) }
	fast[kernels.CopyBlock] = copyBlock
	fast[kernels.Permute] = permute
}

// offsets returns where row i of the axes, innermost first, starts in either
// array.
func offsets(axes []kernels.AxisPair, i int) (a, b int) {
	for _, x := range axes {
		at := i % x.Len
		i /= x.Len
		a += at * x.A
		b += at * x.B
	}
	return a, b
}

func count(axes []kernels.AxisPair) int {
	n := 1
	for _, x := range axes {
		n *= x.Len
	}
	return n
}

// broadcast runs f along the innermost axis of the operands, where each of
// them either is contiguous or repeats one element.
func (d *device) broadcast(c *kernels.Call, f func(dst, a, b []float32)) {
	_, axes := kernels.Broadcast(c.Op.Name, c.In[0].Shape(), c.In[1].Shape())
	a, b, y := floats(c.In[0]), floats(c.In[1]), floats(c.Out[0])
	row, rest := axes[0], axes[1:]
	piece := func(w *worker, y []float32, a, b int, va, vb []float32) {
		f(y, repeated(w, scratch0, va[a:], row.A, len(y)), repeated(w, scratch1, vb[b:], row.B, len(y)))
	}
	if len(rest) == 0 {
		d.split(row.Len, 1, func(w *worker, lo, hi int) { piece(w, y[lo:hi], lo*row.A, lo*row.B, a, b) })
		return
	}
	d.rows(count(rest), row.Len+8, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			at, bt := offsets(rest, i)
			piece(w, y[i*row.Len:(i+1)*row.Len], at, bt, a, b)
		}
	})
}

// repeated returns n elements of x, or its first one n times if step is 0.
func repeated(w *worker, slot int, x []float32, step, n int) []float32 {
	if step != 0 {
		return x[:n]
	}
	r := w.floats(slot, n)
	setAll(r, x[0])
	return r
}

func copyBlock(d *device, c *kernels.Call) {
	p := c.P.(kernels.BlockParams)
	axes := p.Axes(c.In[0].Shape(), c.Out[0].Shape())
	if count(axes) > 0 && p.Packed(c.In[0], c.Out[0], axes) {
		copyPackedBlock(d, p, axes, tensor.Slice[uint16](c.In[0]), tensor.Slice[uint16](c.Out[0]))
		return
	}
	x, y := floats(c.In[0]), floats(c.Out[0])
	row, rest := axes[0], axes[1:]
	if count(axes) == 0 {
		return
	}
	move := func(to, from, n int) {
		to, from = to+p.ToOffset, from+p.FromOffset
		switch {
		case row.A == 1 && row.B == 1 && p.Add:
			vecAdd(y[to:to+n], y[to:to+n], x[from:from+n])
		case row.A == 1 && row.B == 1:
			copy(y[to:to+n], x[from:])
		default:
			for range n {
				v := x[from]
				if p.Add {
					v += y[to]
				}
				y[to] = v
				to, from = to+row.A, from+row.B
			}
		}
	}
	if len(rest) == 0 {
		d.split(row.Len, 1, func(_ *worker, lo, hi int) { move(lo*row.A, lo*row.B, hi-lo) })
		return
	}
	d.rows(count(rest), row.Len+8, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			to, from := offsets(rest, i)
			move(to, from, row.Len)
		}
	})
}

// copyPackedBlock copies a block of 16-bit elements, whose rows are contiguous.
func copyPackedBlock(d *device, p kernels.BlockParams, axes []kernels.AxisPair, x, y []uint16) {
	n, rest := axes[0].Len, axes[1:]
	d.rows(count(rest), n/2+8, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			to, from := offsets(rest, i)
			copy(y[p.ToOffset+to:][:n], x[p.FromOffset+from:])
		}
	})
}

// permuteBlock is the number of columns of a transposition done together, so
// that all of a cache line of the input is used while it is there.
const permuteBlock = 16

func permute(d *device, c *kernels.Call) {
	_, axes := c.P.(kernels.PermuteParams).Axes(c.In[0].Shape())
	x, y := floats(c.In[0]), floats(c.Out[0])
	if len(y) == 0 {
		return
	}
	row, rest := axes[0], axes[1:]
	if row.B == 1 || len(rest) == 0 {
		d.rows(count(rest), row.Len+8, func(_ *worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				to, from := offsets(rest, i)
				copy(y[to:to+row.Len], x[from:])
			}
		})
		return
	}
	// The axis along which the input is contiguous moves to the front: pieces
	// of it are transposed with the output's innermost axis.
	next := 0
	for i, a := range rest {
		if a.B < rest[next].B {
			next = i
		}
	}
	column := rest[next]
	others := append(append([]kernels.AxisPair{}, rest[:next]...), rest[next+1:]...)
	blocks := (column.Len + permuteBlock - 1) / permuteBlock
	d.rows(count(others)*blocks, permuteBlock*row.Len, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			to, from := offsets(others, i/blocks)
			first := i % blocks * permuteBlock
			n := min(permuteBlock, column.Len-first)
			to, from = to+first*column.A, from+first*column.B
			if column.B == 1 && row.A == 1 {
				transpose(y[to:], column.A, x[from:], row.B, row.Len, n)
				continue
			}
			for j := range row.Len {
				s := x[from+j*row.B:]
				for k := range n {
					y[to+j+k*column.A] = s[k*column.B]
				}
			}
		}
	})
}
