package cpu

// thinRows is the number of rows of A up to which a product with a transposed
// B is computed by scalar products: packing B would cost more than it saves.
const thinRows = 8

// thin tells whether a product is a few scalar products with each row of B.
func (g *gemm) thin() bool { return g.m <= thinRows && g.aks == 1 && g.bks == 1 && g.k > 0 }

// thinProduct computes one, four rows of B at a time.
func (d *device) thinProduct(g *gemm) {
	d.rows((g.n+3)/4, g.m*(g.k/4+8), func(_ *worker, lo, hi int) {
		for j := 4 * lo; j < min(4*hi, g.n); j += 4 {
			for i := range g.m {
				x, cols := g.a[i*g.ars:][:g.k], min(4, g.n-j)
				var s [4]float32
				if cols == 4 {
					s = dot4(x, g.b[j*g.bns:], g.bns)
				} else {
					for r := range cols {
						s[r] = dot(x, g.b[(j+r)*g.bns:][:g.k])
					}
				}
				g.store(i, j, s[:cols])
			}
		}
	})
}

// store writes sums to row i of C, from column j on.
func (g *gemm) store(i, j int, sums []float32) {
	c := g.c[i*g.ldc+j:][:len(sums)]
	for r, s := range sums {
		if g.bias != nil {
			s += g.bias[j+r]
		}
		if g.relu && s < 0 {
			s = 0
		}
		if g.add {
			s += c[r]
		}
		c[r] = s
	}
}
