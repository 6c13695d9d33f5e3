package cpu

import (
	"llana/kernels"
	"llana/tensor"
)

func init() {
	fast[kernels.MatMul] = matmul
	fast[kernels.MatMulAdd] = matmul
}

// matmul computes MatMul and MatMulAdd.
func matmul(d *device, c *kernels.Call) {
	p := c.P.(kernels.MatMulParams)
	z := p.SizeOf(c.In[0].Shape(), c.In[1].Shape())
	g := gemm{
		m: z.M, n: z.N, k: z.K,
		a: floats(c.In[0]), ars: z.K, aks: 1, bks: z.N, bns: 1,
		c: floats(c.Out[0]), ldc: z.N,
		relu: p.Act == kernels.ActReLU, add: len(c.In) == 2,
	}
	if p.TransA {
		g.ars, g.aks = 1, z.M
	}
	if p.TransB {
		g.bks, g.bns = 1, z.K
	}
	g.setB(c.In[1])
	if z.G*z.M*z.N == 0 || g.add && z.K == 0 {
		return
	}
	var later []float32 // a residual behind an activation
	if !g.add {
		if g.bias = floats(c.In[2]); g.relu {
			later = floats(c.In[3])
		} else {
			g.residual = floats(c.In[3])
		}
	}
	if z.StrideB == 0 && !p.TransA && z.StrideA == z.M*z.K {
		// One tall product.
		g.m, z.G = z.G*z.M, 1
	}
	d.product(g, z.G, z.StrideA, z.StrideB)
	if later != nil {
		d.split(len(g.c), 1, func(_ *worker, lo, hi int) { vecAdd(g.c[lo:hi], g.c[lo:hi], later[lo:hi]) })
	}
}

// setB makes a tensor's elements the right operand.
func (g *gemm) setB(t *tensor.Tensor) {
	if g.w = packedOf(t); g.w == nil {
		g.b = floats(t)
	}
}

// moveB drops the first n elements of B.
func (g *gemm) moveB(n int) {
	if g.w != nil {
		g.wAt += n
	} else {
		g.b = g.b[n:]
	}
}

// moveC drops the first n elements of C and of what goes with it.
func (g *gemm) moveC(n int) {
	g.c = g.c[n:]
	if g.residual != nil {
		g.residual = g.residual[n:]
	}
}

const (
	// serialWork is the number of multiplications below which one thread
	// computes a product.
	serialWork = 1 << 18
	// ownB is the number of floats of B up to which each worker packs the B
	// of its batch item itself.
	ownB = 64 << 10
	// sharedB bounds the floats of packed B, for which columns are done in
	// groups.
	sharedB = 4 << 20
)

// product computes items batch items of g; their A, B and C are strideA,
// strideB and m*n apart.
func (d *device) product(g gemm, items, strideA, strideB int) {
	kn := tileKernel()
	item := func(i int) gemm {
		x := g
		x.a = g.a[i*strideA:]
		x.moveB(i * strideB)
		x.moveC(i * g.m * g.n)
		return x
	}
	switch parts := g.parts(items); {
	case g.thin() && (items == 1 || g.k*g.n > ownB):
		for i := range items {
			d.thinProducts(item(i))
		}
	case parts > 1:
		for i := range items {
			x := item(i)
			d.splitDepth(&x, &kn, parts)
		}
	case items == 1 || g.k*g.n > ownB:
		for i := range items {
			x := item(i)
			d.large(&x, &kn)
		}
	default:
		d.rows(items, g.m*g.n*g.k/32, func(w *worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				x := item(i)
				x.serial(w, &kn)
			}
		})
	}
}

// large computes one product on all threads: B is packed once, then blocks of
// C are computed independently.
func (d *device) large(g *gemm, kn *kernel) {
	if g.m*g.n*g.k <= serialWork {
		g.serial(d.workers[0], kn)
		return
	}
	if long := max(sharedB/g.n, 4*maxDepth) / maxDepth * maxDepth; g.aks != 1 && g.k > long && g.wantsPackedB(kn) {
		d.long(g, kn, long)
		return
	}
	if group := max(sharedB/max(g.k, 1)/kn.nr, 1) * kn.nr; g.n > group && g.wantsPackedB(kn) {
		for j := 0; j < g.n; j += group {
			x := *g
			x.n = min(group, g.n-j)
			x.moveB(j * g.bns)
			x.moveC(j)
			if g.bias != nil {
				x.bias = g.bias[j:]
			}
			d.large(&x, kn)
		}
		return
	}
	panels := (g.n + kn.nr - 1) / kn.nr
	if g.wantsPackedB(kn) {
		d.packB(g, kn)
	}
	rows, cols := g.cut(kn, 8*len(d.workers))
	down, across := (g.m+rows-1)/rows, (panels+cols-1)/cols
	d.loop(down*across, func(w *worker, i int) {
		m, p := i/across*rows, i%across*cols
		g.run(w, kn, m, min(m+rows, g.m), p, min(p+cols, panels))
	})
}

// long computes a product with long sums in runs of the given depth: for all
// columns of B at once, so that a large A is read once.
func (d *device) long(g *gemm, kn *kernel, run int) {
	for l := 0; l < g.k; l += run {
		x := *g
		x.k = min(run, g.k-l)
		x.a = g.a[l*g.aks:]
		x.moveB(l * g.bks)
		if l > 0 {
			x.bias, x.residual, x.add = nil, nil, true
		}
		x.relu = g.relu && l+run >= g.k
		d.large(&x, kn)
	}
}

// cut returns the rows and panels of the blocks of C that are computed
// independently: about the given number of blocks, if the product is large
// enough. Rows are cut first, because a strip of A that is read once for all
// panels is copied once; but so that a panel is used for eight strips.
func (g *gemm) cut(kn *kernel, blocks int) (rows, cols int) {
	strips, panels := (g.m+kn.mr-1)/kn.mr, (g.n+kn.nr-1)/kn.nr
	blocks = min(blocks, max(g.m*g.n*g.k/serialWork, 1))
	down := min(blocks, (strips+7)/8)
	across := min((blocks+down-1)/down, panels)
	return (strips + down - 1) / down * kn.mr, (panels + across - 1) / across
}

const (
	minPart  = 512      // products in a part of a long sum
	maxParts = 16       // parts of a long sum
	smallC   = 64 << 10 // floats of C up to which long sums are cut
)

// parts returns into how many parts the sums are cut: more than one for few
// long sums, whose C has too few tiles for all threads. It depends on the
// lengths alone.
func (g *gemm) parts(items int) int {
	if items*g.m*g.n > smallC || g.k < 2*minPart {
		return 1
	}
	return min(g.k/minPart, maxParts)
}

// splitDepth computes the parts of the sums side by side, then adds them up
// in order.
func (d *device) splitDepth(g *gemm, kn *kernel, parts int) {
	size := g.m * g.n
	sums := d.common.floats(scratch0, parts*size)
	each := roundUp((g.k+parts-1)/parts, tensor.BlockLen)
	d.loop(parts, func(w *worker, i int) {
		x := *g
		l := min(i*each, g.k)
		x.k = min(each, g.k-l)
		x.a, x.c, x.ldc = g.a[l*g.aks:], sums[i*size:(i+1)*size], g.n
		x.moveB(l * g.bks)
		x.bias, x.residual, x.relu, x.add = nil, nil, false, false
		x.serial(w, kn)
	})
	d.rows(g.m, parts*g.n/4, func(_ *worker, lo, hi int) {
		for m := lo; m < hi; m++ {
			c := g.c[m*g.ldc:][:g.n]
			if g.bias != nil {
				copy(c, g.bias)
			} else if !g.add {
				clear(c)
			}
			for i := range parts {
				vecAdd(c, c, sums[i*size+m*g.n:][:g.n])
			}
			if g.relu {
				vecReLU(c, c)
			}
			if g.residual != nil {
				vecAdd(c, c, g.residual[m*g.ldc:][:g.n])
			}
		}
	})
}
