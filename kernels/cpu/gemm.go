package cpu

import "llana/tensor"

// gemm is C = act(A B + bias) + residual, or C += A B, on strided matrices:
// A[i][l] = a[i*ars + l*aks], one of whose strides is 1; B[l][j] =
// b[l*bks + j*bns], likewise; rows of C are contiguous, ldc apart, and so are
// those of residual. With an activation there is no residual.
type gemm struct {
	m, n, k  int
	a        []float32
	ars, aks int
	b        []float32
	bks, bns int
	c        []float32
	ldc      int
	bias     []float32 // or nil
	residual []float32 // or nil
	relu     bool
	add      bool

	// w, if not nil, is where the elements of B are stored instead of in b,
	// which begins at element wAt of it.
	w   *packed
	wAt int

	// packed is B in panels (see packPanels), or nil to use b where it lies.
	packed []float32
	// packedK is the depth that packed was made for, if it is more than k; one
	// pass must do.
	packedK int
}

const (
	// maxDepth products are added up in registers before C is written: a
	// panel of B of that depth stays in the first-level cache.
	maxDepth = 256
	// blockRows x maxDepth of A stay in the second-level cache while the
	// panels of B pass by.
	blockRows = 192
	// blockCols of C with these rows stay there too until all products of a
	// long sum are added.
	blockCols = 512
	// directB is the number of floats up to which a B in the right order is
	// used where it lies.
	directB = 64 << 10
)

// depth returns the number of products of a pass over k, so that all passes
// are about equally long, in whole blocks of packed weights.
func depth(k int) int {
	passes := (k + maxDepth - 1) / maxDepth
	if passes <= 1 {
		return k
	}
	return roundUp((k+passes-1)/passes, tensor.BlockLen)
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// run computes rows m0..m1 of the panels p0..p1 of C on one worker.
func (g *gemm) run(w *worker, kn *kernel, m0, m1, p0, p1 int) {
	step := depth(g.k)
	if g.k == 0 {
		g.block(w, kn, m0, m1, p0, p1, 0, 0)
		return
	}
	panels := max(1, blockCols/kn.nr)
	if g.copiesA(kn, p1-p0) {
		panels = p1 - p0 // else A would be copied for each
	}
	pieces := (m1 - m0 + blockRows - 1) / blockRows
	rows := roundUp((m1-m0+pieces-1)/pieces, kn.mr)
	for i := m0; i < m1; i += rows {
		for p := p0; p < p1; p += panels {
			for l := 0; l < g.k; l += step {
				g.block(w, kn, i, min(i+rows, m1), p, min(p+panels, p1), l, min(l+step, g.k))
			}
		}
	}
}

// block adds the products l0..l1 to rows m0..m1 of the panels p0..p1. The
// first pass over k brings in bias and residual, the last one the activation.
func (g *gemm) block(w *worker, kn *kernel, m0, m1, p0, p1, l0, l1 int) {
	mr, nr, kl := kn.mr, kn.nr, l1-l0
	strips := g.stripsOfA(w, kn, m0, m1, l0, l1, p1-p0)
	t := &w.tile
	flags := 0
	var from []float32
	if g.add || l0 > 0 {
		from = g.c
	} else if g.residual != nil {
		from = g.residual
	}
	if g.relu && l1 == g.k {
		flags |= tileReLU
	}
	for p := p0; p < p1; p++ {
		j := p * nr
		cols := min(nr, g.n-j)
		var b []float32
		t.bs = nr
		if g.packed != nil {
			b = g.packed[l0*roundUp(g.n, nr)+j*max(kl, g.packedK):]
		} else if kl > 0 {
			b, t.bs = g.b[l0*g.bks+j:], g.bks
		}
		t.bias = nil
		if g.bias != nil && l0 == 0 {
			t.bias = &g.bias[j]
		}
		for i := m0; i < m1; i += mr {
			rows := min(mr, m1-i)
			t.k, t.rows, t.cols, t.flags = kl, rows, cols, flags
			if kl > 0 {
				t.b = &b[0]
				strips.at(t, i)
				t.aheadB, t.stepB = nil, 0
				if g.packed != nil && len(b) >= 2*kl*nr {
					// Each tile of the panel fetches a part of the next one.
					part := nr * mr * kl / (m1 - m0)
					t.aheadB, t.stepB = &b[kl*nr+(i-m0)/mr*part], part*4/kl
				}
				strips.ahead(t)
			}
			if t.from = nil; from != nil {
				t.from = &from[i*g.ldc+j]
			}
			if kn.edge || rows == mr && cols == nr {
				t.c, t.ldc = &g.c[i*g.ldc+j], g.ldc
				kn.run(t)
				continue
			}
			g.edge(w, kn, t, i, j, from)
		}
	}
}

// edge computes a tile that sticks out of C in a buffer.
func (g *gemm) edge(w *worker, kn *kernel, t *tile, i, j int, from []float32) {
	rows, cols, flags := t.rows, t.cols, t.flags
	buf := w.floats(scratchTile, kn.mr*kn.nr+kn.nr)
	if t.bias != nil {
		bias := buf[kn.mr*kn.nr:]
		copy(bias, g.bias[j:j+cols])
		t.bias = &bias[0]
	}
	t.c, t.ldc, t.flags, t.from = &buf[0], kn.nr, 0, nil
	kn.run(t)
	if t.bias != nil {
		t.bias = &g.bias[j]
	}
	for r := range rows {
		c := g.c[(i+r)*g.ldc+j:][:cols]
		for x, v := range buf[r*kn.nr:][:cols] {
			if from != nil {
				v += from[(i+r)*g.ldc+j+x]
			}
			if flags&tileReLU != 0 && v < 0 {
				v = 0
			}
			c[x] = v
		}
	}
}

// strips says where a block of A is read: in place, but for strips that are
// copied. Those are a last one with fewer rows than the micro-kernel reads,
// which is filled up, and all of them where neighbours in a strip's columns lie
// so far apart that caches do not hold a strip, or where the micro-kernel wants
// them side by side.
type strips struct {
	a      []float32 // from the block's first column on
	rs, ks int
	packed []float32 // the copied strips
	first  int       // the first row of those; m1 if there are none
	mr, kl int
	// next is what the block after this one reads in place: rows, rs apart.
	next []float32
}

const (
	// farApart is the stride from which strips are copied: where it is large,
	// the places of a strip fall into few sets of a cache, and each in a page
	// of its own.
	farApart = 512
	// usedAgain is the number of panels from which copying pays.
	usedAgain = 4
)

// copiesA tells whether all strips of A are copied, which are used for a number
// of panels.
func (g *gemm) copiesA(kn *kernel, panels int) bool {
	return kn.strips && g.ars != 1 || g.aks >= farApart && panels >= usedAgain
}

func (g *gemm) stripsOfA(w *worker, kn *kernel, m0, m1, l0, l1, panels int) strips {
	mr, kl := kn.mr, l1-l0
	s := strips{rs: g.ars, ks: g.aks, first: m1, mr: mr, kl: kl}
	if kl == 0 {
		return s
	}
	s.a = g.a[l0*g.aks:]
	if g.ars >= g.k && g.aks == 1 {
		if s.next = s.a[m0*g.ars+kl:]; l1 == g.k {
			s.next = g.a[min(m1*g.ars, len(g.a)):]
		}
	}
	if g.copiesA(kn, panels) {
		s.first = m0
	} else if rest := (m1 - m0) % mr; rest != 0 && !(kn.edge && rest%4 == 0) {
		s.first = m1 - rest
	}
	if s.first == m1 {
		return s
	}
	s.packed = w.floats(scratchPackA, roundUp(m1-s.first, mr)*kl)
	packStrips(s.packed, mr, s.a[s.first*g.ars:], g.ars, g.aks, m1-s.first, kl)
	return s
}

// at points t at the strip that begins at row i.
func (s *strips) at(t *tile, i int) {
	if i >= s.first {
		t.a, t.rs, t.ks = &s.packed[(i-s.first)*s.kl], 1, s.mr
		return
	}
	t.a, t.rs, t.ks = &s.a[i*s.rs], s.rs, s.ks
}

// ahead makes t fetch the next row of the block after this one.
func (s *strips) ahead(t *tile) {
	t.aheadA, t.stepA = nil, 0
	if len(s.next) > 0 {
		t.aheadA, t.stepA = &s.next[0], 4
		s.next = s.next[min(s.rs, len(s.next)):]
	}
}

// serial computes all of it on one worker.
func (g *gemm) serial(w *worker, kn *kernel) {
	panels := (g.n + kn.nr - 1) / kn.nr
	if g.packed == nil && g.wantsPackedB(kn) {
		g.packInto(w, w.floats(scratchPackB, g.packedSize(kn)), kn)
	}
	g.run(w, kn, 0, g.m, 0, panels)
}
