package cpu

import "llana/kernels"

func init() {
	fast[kernels.NeRFField] = nerfField
	fast[kernels.NeRFFieldBackward] = nerfFieldBackward
}

// fieldRows is the number of points that pass through a network together: a
// multiple of the rows of every micro-kernel, few enough for their activations
// to stay in the first- and second-level caches.
const fieldRows = 96

// field is a call of NeRFField or of its gradient.
type field struct {
	kernels.NeRFFieldParams
	kernels.NeRFFieldSize
	kn         kernel
	layers     []fieldLayer
	ld         int // distance of the rows of activations
	size       int // floats of a network's packed matrices
	u, weights []float32
	scale      []float32 // 2^k, see encode
	packed     []float32 // of the networks from first on
	first      int
}

// fieldLayer is a layer without padding. Its matrix is packed for the directions
// that need it: panels of W^T from forward on, and of W from back on.
type fieldLayer struct {
	kernels.NeRFLayer
	forward, back int
}

// newField packs nothing yet; back tells whether the gradient is wanted.
func newField(c *kernels.Call, back bool) *field {
	p := c.P.(kernels.NeRFFieldParams)
	f := &field{NeRFFieldParams: p, NeRFFieldSize: p.SizeOf(c.In[0].Shape(), c.In[1].Shape()), kn: tileKernel(),
		u: floats(c.In[0]), weights: floats(c.In[1]), scale: powers(p.Octaves)}
	nr := f.kn.nr
	f.ld = roundUp(p.Width, nr)
	for i, l := range p.Layers() {
		if i == p.Hidden {
			l.Out = 4
		}
		x := fieldLayer{NeRFLayer: l, forward: f.size}
		if i < p.Hidden {
			f.size += l.In * roundUp(l.Out, nr)
		}
		if back && i > 0 {
			x.back = f.size
			f.size += l.Out * roundUp(l.In, nr)
		}
		f.layers = append(f.layers, x)
	}
	return f
}

// groups packs the matrices of a group of networks after the other, so many
// that these and each floats for a network stay bounded, and calls body.
func (f *field) groups(d *device, each int, body func(networks int)) {
	const most = 8 << 20 // floats
	group := max(1, min(f.G, most/(f.size+each)))
	f.packed = d.common.floats(scratchPackB, group*f.size)
	for f.first = 0; f.first < f.G; f.first += group {
		n := min(group, f.G-f.first)
		d.rows(n, f.size, func(_ *worker, lo, hi int) {
			for g := lo; g < hi; g++ {
				f.pack(f.packed[g*f.size:(g+1)*f.size], f.weights[(f.first+g)*f.W:])
			}
		})
		body(n)
	}
}

func (f *field) pack(dst, weights []float32) {
	nr := f.kn.nr
	for i, l := range f.layers {
		w := weights[l.Offset:]
		if i < f.Hidden {
			packStrips(dst[l.forward:], nr, w, l.In, 1, l.Out, l.In)
		}
		if l.back > 0 {
			packStrips(dst[l.back:], nr, w, 1, l.In, l.In, l.Out)
		}
	}
}

// points returns the positions from point i of network g on.
func (f *field) points(g, i int) []float32 {
	if f.Shared {
		g = 0
	}
	return f.u[3*(g*f.N+i):]
}

// encode writes the encodings of n positions, a column of fieldRows for each
// feature.
func (f *field) encode(w *worker, u []float32, n int) (x []float32) {
	x = w.floats(scratch7, roundUp(6*f.Octaves, f.kn.mr)*fieldRows)
	at := w.floats(scratch1, fieldRows)
	for a := range 3 {
		clear(at[n:])
		for i := range n {
			at[i] = u[3*i+a]
		}
		f.encodeColumns(w, x[2*a*f.Octaves*fieldRows:], at[:roundUp(n, 16)])
	}
	return x
}

// encodeColumns writes sin and cos of pi 2^k u for k < Octaves, alternately, as
// columns of fieldRows. The length of u is a multiple of 16.
func (f *field) encodeColumns(w *worker, y, u []float32) {
	features := 2 * f.Octaves
	if level == portable || !columnsVector {
		rows := w.floats(scratchRows, len(u)*features)
		encode(w, rows, u, f.Octaves, f.scale)
		transpose(y, fieldRows, rows, features, len(u), features)
		return
	}
	_ = y[(features-1)*fieldRows+len(u)-1]
	encodeColumnsVector(&y[0], fieldRows, &u[0], len(u), f.Octaves)
}

// forward evaluates the networks' layers on the encodings x of n points of
// network g of the group: raw outputs rgb and sigma. The results of hidden layer i
// begin at part(i) of h, a part having fieldRows rows.
func (f *field) forward(w *worker, g int, x []float32, n int, h []float32, part func(layer int) int, rgb, sigma []float32) {
	packed := f.packed[g*f.size:]
	a := block{m: roundUp(n, f.kn.mr), a: x, rs: 1, ks: fieldRows, bs: f.kn.nr, ldc: f.ld, relu: true}
	for i, l := range f.layers[:f.Hidden] {
		a.n, a.k, a.b, a.next = l.Out, l.In, packed[l.forward:], f.kn.nr*l.In
		a.c = h[part(i)*fieldRows*f.ld:]
		a.run(w, &f.kn)
		a.a, a.rs, a.ks = a.c, f.ld, 1
	}
	last := f.weights[(f.first+g)*f.W+f.layers[f.Hidden].Offset:]
	for i := 0; i < n; i += 4 {
		var y [4][4]float32
		rows := min(4, n-i)
		dot4x4(a.a[i*f.ld:], f.ld, rows, last, f.Width, f.Width, y[:])
		for r, v := range y[:rows] {
			copy(rgb[3*(i+r):3*(i+r)+3], v[:3])
			sigma[i+r] = v[3]
		}
	}
}

// block is a product that stays in the caches, C = A B or C += A B, or C =
// relu(A B): A[i][l] = a[i*rs + l*ks]; panels of nr columns of B begin next
// apart, their rows bs. All operands can be read and written in whole tiles.
type block struct {
	m, n, k   int
	a         []float32
	rs, ks    int
	b         []float32
	bs, next  int
	c         []float32
	ldc       int
	relu, add bool
}

func (x *block) run(w *worker, kn *kernel) {
	t := &w.tile
	*t = tile{k: x.k, rs: x.rs, ks: x.ks, bs: x.bs, ldc: x.ldc}
	if x.relu {
		t.flags = tileReLU
	}
	a, strip := x.a, kn.mr*x.rs // from one strip of A to the next
	if kn.strips && x.rs != 1 {
		strip = kn.mr * x.k
		a = w.floats(scratchPackA, roundUp(x.m, kn.mr)*x.k)
		packStrips(a, kn.mr, x.a, x.rs, x.ks, x.m, x.k)
		t.rs, t.ks = 1, kn.mr
	}
	for j, panel := 0, 0; j < x.n; j, panel = j+kn.nr, panel+x.next {
		t.b = &x.b[panel]
		for i, at := 0, 0; i < x.m; i, at = i+kn.mr, at+strip {
			t.rows, t.cols = kn.mr, kn.nr
			if kn.edge {
				t.rows, t.cols = min(kn.mr, x.m-i), min(kn.nr, x.n-j)
			}
			t.a, t.c = &a[at], &x.c[i*x.ldc+j]
			if x.add {
				t.from = t.c
			}
			kn.run(t)
		}
	}
}

// nerfField computes blocks of points, each for some networks one after the
// other if they share the points and so their encodings.
func nerfField(d *device, c *kernels.Call) {
	f, rgb, sigma := newField(c, false), floats(c.Out[0]), floats(c.Out[1])
	blocks, some := (f.N+fieldRows-1)/fieldRows, 1
	if f.Shared {
		some = 8
	}
	f.groups(d, 0, func(networks int) {
		d.rows((networks+some-1)/some*blocks, some*fieldRows*f.size/64, func(w *worker, lo, hi int) {
			h := w.floats(scratch2, 2*fieldRows*f.ld)
			for b := lo; b < hi; b++ {
				first, from := b/blocks*some, b%blocks*fieldRows
				n := min(fieldRows, f.N-from)
				u := f.points(f.first+first, from)
				x := f.encode(w, u, n)
				for g := first; g < min(first+some, networks); g++ {
					at := (f.first+g)*f.N + from
					rgb, sigma := rgb[3*at:3*(at+n)], sigma[at:at+n]
					f.forward(w, g, x, n, h, func(layer int) int { return layer % 2 }, rgb, sigma)
					if !f.Raw {
						activate(u, rgb, sigma)
					}
				}
			}
		})
	})
}

// activate turns raw outputs at positions u into colours and densities.
func activate(u, rgb, sigma []float32) {
	vecSigmoid(rgb, rgb)
	vecExp(sigma, sigma, 1, 1)
	clearOutside(u, sigma)
}

func clearOutside(u, sigma []float32) {
	for i := range sigma {
		if !insideUnit(u[3*i : 3*i+3]) {
			sigma[i] = 0
		}
	}
}
