package cpu

import (
	"llana/kernels"
	"llana/tensor"
)

func init() {
	fast[kernels.QKV] = qkv
	fast[kernels.SwiGLULinear] = swigluLinear
}

// linear is y = x w^T for matrices.
func linear(x, w *tensor.Tensor, y []float32) gemm {
	g := gemm{m: x.Dim(0), n: w.Dim(0), k: x.Dim(1), a: floats(x), ars: x.Dim(1), aks: 1,
		bks: 1, bns: x.Dim(1), c: y, ldc: w.Dim(0)}
	g.setB(w)
	return g
}

// qkv computes three products: a few rows in one loop.
func qkv(d *device, c *kernels.Call) {
	var gs [3]gemm
	for i := range gs {
		gs[i] = linear(c.In[0], c.In[1+i], floats(c.Out[i]))
	}
	if gs[0].m > 0 && gs[0].thin() {
		d.thinProducts(gs[:]...)
		return
	}
	for _, g := range gs {
		if g.m*g.n > 0 {
			d.product(g, 1, 0, 0)
		}
	}
}

// swigluLinear computes silu(x wg^T) (x wu^T). Few rows are finished piece by
// piece; for many, columns of the second product are held in groups.
func swigluLinear(d *device, c *kernels.Call) {
	gate := linear(c.In[0], c.In[1], floats(c.Out[0]))
	if gate.m*gate.n == 0 {
		return
	}
	group := gate.n
	if !gate.thin() {
		group = max(min(sharedB/max(gate.k, 1), sharedB/gate.m)&^63, 64)
	}
	group = min(group, gate.n)
	up := linear(c.In[0], c.In[2], d.common.floats(scratch1, gate.m*group))
	up.ldc = group
	if gate.thin() {
		d.small(gate.countStrips(), 2*gate.stripCost(), func(w *worker, lo, hi int) {
			gate.strips(w, lo, hi)
			up.strips(w, lo, hi)
			swigluColumns(&gate, &up, 4*lo, min(4*hi, gate.n), 0, gate.m)
		})
		return
	}
	for j := 0; j < gate.n; j += group {
		g, u := gate, up
		g.n = min(group, gate.n-j)
		u.n = g.n
		g.moveB(j * g.bns)
		g.moveC(j)
		u.moveB(j * u.bns)
		d.product(g, 1, 0, 0)
		d.product(u, 1, 0, 0)
		d.rows(g.m, 2*g.n, func(_ *worker, lo, hi int) { swigluColumns(&g, &u, 0, g.n, lo, hi) })
	}
}

// swigluColumns sets gate = silu(gate) up in columns j0..j1 of rows i0..i1.
func swigluColumns(gate, up *gemm, j0, j1, i0, i1 int) {
	for i := i0; i < i1; i++ {
		y := gate.c[i*gate.ldc+j0 : i*gate.ldc+j1]
		vecSwiGLU(y, y, up.c[i*up.ldc+j0:i*up.ldc+j1])
	}
}
