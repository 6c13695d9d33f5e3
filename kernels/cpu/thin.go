package cpu

// thinRows is the number of rows of A up to which a product with a transposed
// B is computed by scalar products: packing B would cost more than it saves.
const thinRows = 24

// thin tells whether a product is a few scalar products with each row of B.
func (g *gemm) thin() bool { return g.m <= thinRows && g.aks == 1 && g.bks == 1 && g.k > 0 }

// sums are scalar products of rows of A with four rows of B.
type sums [thinRows][4]float32

// chunk is the number of elements of four rows that are widened at a time.
const chunk = 1024

// thinProducts computes thin products, four rows of B at a time.
func (d *device) thinProducts(gs ...gemm) {
	strips, cost := 0, 0
	for i := range gs {
		strips += gs[i].countStrips()
		cost = max(cost, gs[i].stripCost())
	}
	d.small(strips, cost, func(w *worker, lo, hi int) {
		for i := range gs {
			n := gs[i].countStrips()
			gs[i].strips(w, max(lo, 0), min(hi, n))
			lo, hi = lo-n, hi-n
		}
	})
}

// countStrips returns how many times four rows B has.
func (g *gemm) countStrips() int { return (g.n + 3) / 4 }

// stripCost is the cost of one, for pool.small.
func (g *gemm) stripCost() int { return g.m * (g.k/4 + 8) }

// strips computes columns 4 lo to 4 hi of C.
func (g *gemm) strips(w *worker, lo, hi int) {
	var s sums
	for j := 4 * lo; j < min(4*hi, g.n); j += 4 {
		cols := min(4, g.n-j)
		g.dots(w, j, cols, &s)
		for i := range g.m {
			g.store(i, j, s[i][:cols])
		}
	}
}

// dots computes the sums with the rows of B from j on.
func (g *gemm) dots(w *worker, j, cols int, s *sums) {
	switch {
	case g.w == nil:
		clear(s[:g.m])
		g.addDots(g.b[j*g.bns:], g.bns, 0, g.k, cols, s)
	case g.m == 1 && cols == 4 && g.w.canDot():
		s[0] = g.w.dot4(w, g.a, (g.wAt+j*g.bns)/g.w.width)
	default:
		clear(s[:g.m])
		for l := 0; l < g.k; l += chunk {
			n := min(chunk, g.k-l)
			rows := w.floats(scratchRows, 4*chunk)
			for r := range cols {
				g.w.widen(w, rows[r*n:(r+1)*n], g.wAt+(j+r)*g.bns+l)
			}
			g.addDots(rows, n, l, n, cols, s)
		}
	}
}

// addDots adds the products l..l+n with rows of B.
func (g *gemm) addDots(b []float32, stride, l, n, cols int, s *sums) {
	for i := 0; i < g.m; {
		x := g.a[i*g.ars+l:]
		if many := min(4, g.m-i); many > 1 && cols == 4 {
			dot4x4(x, g.ars, many, b, stride, n, s[i:i+many])
			i += many
			continue
		}
		if cols == 4 {
			for r, v := range dot4(x[:n], b, stride) {
				s[i][r] += v
			}
		} else {
			for r := range cols {
				s[i][r] += dot(x[:n], b[r*stride:][:n])
			}
		}
		i++
	}
}

// dot4x4 adds the scalar products of up to four rows of x with four rows of w.
func dot4x4(x []float32, xs, rows int, w []float32, ws, n int, s [][4]float32) {
	if level == portable {
		for i := range rows {
			for r, v := range dot4(x[i*xs:][:n], w, ws) {
				s[i][r] += v
			}
		}
		return
	}
	_, _ = x[(rows-1)*xs+n-1], w[3*ws+n-1]
	var in [4]*float32
	var out [4][4]float32
	for i := range in {
		in[i] = &x[min(i, rows-1)*xs] // missing rows repeat the last one
	}
	dot4x4Vector(&in, &w[0], ws, n, &out)
	for i := range rows {
		for r := range 4 {
			s[i][r] += out[i][r]
		}
	}
}

// store writes sums to row i of C, from column j on.
func (g *gemm) store(i, j int, sums []float32) {
	at := i*g.ldc + j
	c := g.c[at:][:len(sums)]
	for r, s := range sums {
		if g.bias != nil {
			s += g.bias[j+r]
		}
		if g.relu && s < 0 {
			s = 0
		}
		if g.residual != nil {
			s += g.residual[at+r]
		}
		if g.add {
			s += c[r]
		}
		c[r] = s
	}
}
