package cpu

// packedSize returns the floats that packInto needs.
func (g *gemm) packedSize(kn *kernel) int { return g.k * roundUp(g.n, kn.nr) }

// wantsPackedB tells whether B must or should be copied into panels.
func (g *gemm) wantsPackedB(kn *kernel) bool {
	switch {
	case g.w != nil || g.bns != 1 && g.n > 1:
		return true
	case !kn.edge && g.n%kn.nr != 0:
		return true
	case g.m <= 4*kn.mr:
		return false
	}
	return g.k*g.bks > directB
}

// packInto packs all of B into dst on one worker and makes g use it.
func (g *gemm) packInto(w *worker, dst []float32, kn *kernel) {
	panels, step := (g.n+kn.nr-1)/kn.nr, depth(g.k)
	for l := 0; l < g.k; l += step {
		g.packPanels(w, kn, dst, l, 0, panels)
	}
	g.packed = dst
}

// packedPanels is the number of panels that a thread packs at a time: rows of
// B are then read in long pieces.
const packedPanels = 8

// packB packs all of B on all threads.
func (d *device) packB(g *gemm, kn *kernel) {
	g.packed = d.common.floats(scratchPackB, g.packedSize(kn))
	panels, step := (g.n+kn.nr-1)/kn.nr, depth(g.k)
	passes, groups := (g.k+step-1)/step, (panels+packedPanels-1)/packedPanels
	d.rows(passes*groups, step*packedPanels*kn.nr/2, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			p := i % groups * packedPanels
			g.packPanels(w, kn, g.packed, i/groups*step, p, min(p+packedPanels, panels))
		}
	})
}

// packPanels copies panels p0..p1 of the pass over k that begins at l into
// their places in dst. A pass is a block of columns rounded up to whole panels;
// in it the panels follow one another, in them rows of nr columns. Missing
// columns become 0.
func (g *gemm) packPanels(w *worker, kn *kernel, dst []float32, l, p0, p1 int) {
	nr := kn.nr
	kl, j := min(depth(g.k), g.k-l), p0*nr
	cols := min((p1-p0)*nr, g.n-j)
	dst = dst[l*roundUp(g.n, nr)+j*kl:]
	at := l*g.bks + j*g.bns
	if g.w == nil {
		packStrips(dst, nr, g.b[at:], g.bns, g.bks, cols, kl)
		return
	}
	for ; cols > 0; cols -= nr {
		g.widenPanel(w, dst[:kl*nr], nr, g.wAt+at, min(nr, cols), kl)
		dst, at = dst[kl*nr:], at+nr*g.bns
	}
}

// widenPanel is packStrips for one panel of packed weights from at on.
func (g *gemm) widenPanel(w *worker, dst []float32, nr, at, cols, k int) {
	if cols < nr {
		clear(dst)
	}
	if g.bns == 1 { // in the right order
		for l := range k {
			g.w.widen(w, dst[l*nr:l*nr+cols], at+l*g.bks)
		}
		return
	}
	const rows = 8
	buf := w.floats(scratchRows, rows*k)
	for j := 0; j < cols; j += rows {
		n := min(rows, cols-j)
		for r := range n {
			g.w.widen(w, buf[r*k:(r+1)*k], at+(j+r)*g.bns)
		}
		transpose(dst[j:], nr, buf, k, n, k)
	}
}

// packStrips cuts a matrix of count lines of length k into strips of width
// lines, in each of which the elements of a column lie side by side: for
// i < count and l < k,
//
//	dst[i/width*width*k + l*width + i%width] = src[i*stride + l*next]
//
// and 0 for the lines that the last strip lacks. One of the strides is 1, or
// both are not and it takes longer.
func packStrips(dst []float32, width int, src []float32, stride, next, count, k int) {
	if k == 0 {
		return
	}
	whole := count / width
	if rest := count % width; rest > 0 {
		last := dst[whole*width*k:][:width*k]
		clear(last)
		packStrip(last, width, src[whole*width*stride:], stride, next, rest, k)
	}
	if stride == 1 && level > portable && whole > 0 {
		_, _ = dst[whole*width*k-1], src[(k-1)*next+whole*width-1]
		copyStripsVector(&dst[0], &src[0], next, width, whole, k)
		return
	}
	for s := range whole {
		packStrip(dst[s*width*k:], width, src[s*width*stride:], stride, next, width, k)
	}
}

// packStrip packs one strip of count lines.
func packStrip(dst []float32, width int, src []float32, stride, next, count, k int) {
	switch {
	case stride == 1:
		for l := range k {
			copy(dst[l*width:l*width+count], src[l*next:])
		}
	case next == 1:
		transpose(dst, width, src, stride, count, k)
	default:
		for i := range count {
			for l := range k {
				dst[l*width+i] = src[i*stride+l*next]
			}
		}
	}
}
