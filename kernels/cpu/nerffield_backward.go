package cpu

import "llana/kernels"

const (
	fieldChunk  = 960 // points whose gradients one thread adds up, at least
	fieldChunks = 64  // of a network's points, at most
)

// nerfFieldBackward gives each thread chunks of a network's points. It computes
// the activations of a block again, then the gradients from the last layer to
// the first. The sums of the chunks are added in order.
func nerfFieldBackward(d *device, c *kernels.Call) {
	f, dw := &fieldGradient{field: newField(c, true), drgb: floats(c.In[2]), dsigma: floats(c.In[3])}, floats(c.Out[0])
	f.place()
	chunk := roundUp(max(fieldChunk, (f.N+fieldChunks-1)/fieldChunks), fieldRows)
	chunks := max(1, (f.N+chunk-1)/chunk)
	f.groups(d, chunks*f.W, func(networks int) {
		out := dw[f.first*f.W:][:networks*f.W]
		sums := out
		if chunks > 1 {
			sums = d.common.floats(scratch0, chunks*len(out))
		}
		d.loop(networks*chunks, func(w *worker, i int) {
			g, c := i/chunks, i%chunks
			f.chunk(w, g, c*chunk, min((c+1)*chunk, f.N), sums[c*len(out)+g*f.W:][:f.W])
		})
		if chunks == 1 {
			return
		}
		d.split(len(out), chunks, func(_ *worker, lo, hi int) {
			copy(out[lo:hi], sums[lo:hi])
			for c := 1; c < chunks; c++ {
				vecAdd(out[lo:hi], out[lo:hi], sums[c*len(out)+lo:][:hi-lo])
			}
		})
	})
}

type fieldGradient struct {
	*field
	drgb, dsigma []float32
	sums         []int // where the sum of each layer begins
	size         int   // of all sums
}

// place lays out the sums: the transposed gradients (In, Out) of the hidden
// layers' matrices, whose columns fill whole panels, and (4, Width) of the last.
func (f *fieldGradient) place() {
	mr, nr := f.kn.mr, f.kn.nr
	for i, l := range f.layers {
		f.sums = append(f.sums, f.size)
		if i < f.Hidden {
			f.size += roundUp(l.In, mr) * f.ld
		} else {
			f.size += roundUp(l.Out, mr) * roundUp(l.In, nr)
		}
	}
}

// chunk sets dw to the gradient from the points lo..hi of network g of the
// group.
func (f *fieldGradient) chunk(w *worker, g, lo, hi int, dw []float32) {
	sums := w.floats(scratch4, f.size)
	clear(sums)
	for ; lo < hi; lo += fieldRows {
		f.block(w, g, lo, min(fieldRows, hi-lo), sums)
	}
	for i, l := range f.layers[:f.Hidden] {
		transpose(dw[l.Offset:], l.In, sums[f.sums[i]:], f.ld, l.In, l.Out)
	}
	last := f.layers[f.Hidden]
	clear(dw[last.Offset:])
	for o := range last.Out {
		copy(dw[last.Offset+o*last.In:][:last.In], sums[f.sums[f.Hidden]+o*f.ld:])
	}
}

// block adds the gradient from n points, from point i of network g on.
func (f *fieldGradient) block(w *worker, g, i, n int, sums []float32) {
	const tail = 16 // micro-kernels read past the last row
	part := fieldRows * f.ld
	u, packed := f.points(f.first+g, i), f.packed[g*f.field.size:]
	x := f.encode(w, u, n)
	h, y := w.floats(scratch2, f.Hidden*part+tail), w.floats(scratch3, fieldRows*f.kn.nr)
	f.forward(w, packed, x, n, h, func(layer int) int { return layer }, y)

	dz, next := w.floats(scratch5, part+tail), w.floats(scratch6, part+tail)
	f.outputs(y, u, (f.first+g)*f.N+i, n, dz)
	a := block{n: f.Width, k: n, a: dz, rs: 1, ks: 4, b: h[(f.Hidden-1)*part:], bs: f.ld, next: f.kn.nr, c: sums[f.sums[f.Hidden]:], ldc: f.ld, add: true}
	a.m = 4
	a.run(w, &f.kn)
	step := 4 // from row to row of dz
	for l := f.Hidden; l > 0; l-- {
		in := h[(l-1)*part:][:part]
		lay := f.layers[l]
		b := block{m: roundUp(n, f.kn.mr), n: lay.In, k: lay.Out, a: dz, rs: step, ks: 1,
			b: packed[lay.back:], bs: f.kn.nr, next: f.kn.nr * lay.Out, c: next, ldc: f.ld}
		b.run(w, &f.kn)
		vecReLUBack(next[:n*f.ld], in[:n*f.ld], next[:n*f.ld])
		dz, next, step = next, dz, f.ld

		s := block{m: f.layers[l-1].In, n: f.Width, k: n, a: x, rs: fieldRows, ks: 1, b: dz, bs: f.ld, next: f.kn.nr,
			c: sums[f.sums[l-1]:], ldc: f.ld, add: true}
		if l > 1 {
			s.a, s.rs, s.ks = h[(l-2)*part:], 1, f.ld
		}
		s.run(w, &f.kn)
	}
}

// outputs sets dy (n, 4) to the gradient of the outputs y at positions u, the
// first being point at of the call.
func (f *fieldGradient) outputs(y, u []float32, at, n int, dy []float32) {
	for i := range n {
		g, v := dy[4*i:4*i+4], y[i*f.kn.nr:][:4]
		copy(g, f.drgb[3*(at+i):][:3])
		g[3] = f.dsigma[at+i]
		if f.Raw {
			continue
		}
		for a := range 3 {
			s := 1 / (1 + expf(-v[a]))
			g[a] *= s * (1 - s)
		}
		if insideUnit(u[3*i : 3*i+3]) {
			g[3] *= expf(min(v[3]-1, 15))
		} else {
			g[3] = 0
		}
	}
}
