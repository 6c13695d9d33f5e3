package kernels

import "llana/tensor"

// bindAlign is what offsets of bindings are multiples of, on every device.
const bindAlign = 256

// bindable returns how many rows of a weight matrix a kernel can reach at once
// under the given limits: all of them, or as many as fit in a binding and end
// where the next one may begin.
func bindable(l Limits, w *tensor.Tensor) int {
	if int64(w.Bytes()) <= l.MaxBinding || w.Len() == 0 {
		return w.Dim(0)
	}
	row := w.DType().Bytes([]int{1, w.Dim(-1)})
	// A row of the result, four bytes, has to begin well too.
	unit := bindAlign / 4
	for unit*row%bindAlign != 0 {
		unit *= 2
	}
	return max(1, int(l.MaxBinding)/row/unit*unit)
}

// fit reports whether weights can each be bound as a whole.
func fit(l Limits, weights ...*tensor.Tensor) bool {
	for _, w := range weights {
		if bindable(l, w) < w.Dim(0) {
			return false
		}
	}
	return true
}

// rowRange borrows rows of a matrix.
func rowRange(w *tensor.Tensor, first, n int) *tensor.Tensor {
	width := w.Dim(-1)
	return w.Borrow(w.DType().Bytes([]int{first, width}), n, width)
}

// productInRanges computes a product whose weights (N, K) are too large for a
// binding, some rows of them at a time. One row of results is written in place;
// of several, each range is computed by itself and copied to its columns.
func productInRanges(pl *Plan, p MatMulParams, z MatMulSize, a, b *tensor.Tensor, rows int, e epilogue, out Bind) {
	results := z.G * z.M // rows of them
	for first := 0; first < z.N; first += rows {
		part, w := z, rowRange(b, first, min(rows, z.N-first))
		part.N = w.Dim(0)
		own := epilogue{relu: e.relu}
		if e.bias != nil {
			own.bias = e.bias.Borrow(4*first, part.N)
		}
		if results == 1 {
			if own.add = e.add; e.residual != nil {
				own.residual = e.residual.Borrow(4*first, 1, part.N)
			}
			product(pl, p, part, a, w, own, out.columns(first, part.N))
			continue
		}
		columns := pl.Temp(results * part.N)
		product(pl, p, part, a, w, own, columns)
		copyColumns(pl, columns, 0, part.N, out, first, z.N, results, part.N, e.add)
	}
	if results > 1 && e.residual != nil {
		copyColumns(pl, B(e.residual), 0, z.N, out, 0, z.N, results, z.N, true)
	}
}

// columns returns the binding of some columns of one row.
func (b Bind) columns(first, n int) Bind {
	if b.T != nil {
		return B(b.T.Borrow(4*first, 1, n))
	}
	b.Off, b.Size = b.Off+4*first, 4*n
	return b
}

// copyColumns copies n columns of rows from a matrix with width columns to
// another, or adds them to it.
func copyColumns(pl *Plan, from Bind, at, width int, to Bind, toAt, toWidth, rows, n int, add bool) {
	axes := []AxisPair{{n, 1, 1}, {rows, toWidth, width}}
	pl.Dispatch("block", []Const{{"RANK", len(axes)}, {"ADD", add}, {"ELEMENT", "f32"}},
		append(Words(n*rows, toAt, at), axisWords(axes)...), []Bind{from, to}, pl.Fold(ceilDiv(n*rows, 256)))
}
