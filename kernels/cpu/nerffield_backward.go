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
	u := f.points(f.first+g, i)
	x := f.encode(w, u, n)
	h, y := w.floats(scratch2, f.Hidden*part+tail), w.floats(scratch3, 4*n)
	f.forward(w, g, x, n, h, func(layer int) int { return layer }, y[:3*n], y[3*n:])
	dz, next := w.floats(scratch5, part+4*fieldRows+tail), w.floats(scratch6, part+tail)
	f.outputs(y[:3*n], y[3*n:], u, (f.first+g)*f.N+i, dz)

	// The last matrix, (4, Width); then a matrix for each hidden layer, whose
	// gradient is found transposed.
	a := block{m: 4, n: f.Width, k: n, a: dz, rs: 1, ks: 4, b: h[(f.Hidden-1)*part:], bs: f.ld, next: f.kn.nr,
		c: sums[f.sums[f.Hidden]:], ldc: f.ld, add: true}
	a.run(w, &f.kn)
	step := 4 // from row to row of dz
	for i := f.Hidden - 1; i >= 0; i-- {
		f.through(w, g, i+1, n, dz, step, next)
		vecReLUBack(next[:n*f.ld], h[i*part:][:n*f.ld], next[:n*f.ld])
		dz, next, step = next, dz, f.ld
		a := block{m: f.layers[i].In, n: f.Width, k: n, a: x, rs: fieldRows, ks: 1, b: dz, bs: f.ld, next: f.kn.nr,
			c: sums[f.sums[i]:], ldc: f.ld, add: true}
		if i > 0 {
			a.a, a.rs, a.ks = h[(i-1)*part:], 1, f.ld
		}
		a.run(w, &f.kn)
	}
}

// through sets dx to dz W, for the matrix of a layer; rows of dz are step apart.
func (f *fieldGradient) through(w *worker, g, layer, n int, dz []float32, step int, dx []float32) {
	l := f.layers[layer]
	a := block{m: roundUp(n, f.kn.mr), n: l.In, k: l.Out, a: dz, rs: step, ks: 1,
		b: f.packed[g*f.field.size+l.back:], bs: f.kn.nr, next: f.kn.nr * l.Out, c: dx, ldc: f.ld}
	a.run(w, &f.kn)
}

// outputs sets dy (n, 4) to the gradient of raw outputs, which it overwrites, at
// positions u, the first of which is point at of the call.
func (f *fieldGradient) outputs(rgb, sigma, u []float32, at int, dy []float32) {
	n := len(sigma)
	drgb, dsigma := f.drgb[3*at:3*(at+n)], f.dsigma[at:at+n]
	if !f.Raw {
		vecSigmoid(rgb, rgb)
		vecSigmoidBack(rgb, rgb, drgb)
		vecSubScale(sigma, sigma, 1, 1)
		vecTruncExpBack(sigma, sigma, dsigma)
		clearOutside(u, sigma)
		drgb, dsigma = rgb, sigma
	}
	for i, d := range dsigma {
		v := dy[4*i : 4*i+4]
		copy(v, drgb[3*i:3*i+3])
		v[3] = d
	}
}
