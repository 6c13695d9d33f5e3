package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
)

// matmulCase is a product of the given lengths.
func matmulCase(p kernels.MatMulParams, g, m, n, k int, bias bool) kernels.Case {
	a, b := []int{m, k}, []int{k, n}
	if p.TransA {
		a = []int{k, m}
	}
	if p.TransB {
		b = []int{n, k}
	}
	if g > 1 {
		a, b = append([]int{g}, a...), append([]int{g}, b...)
	}
	c := kernels.Case{Name: fmt.Sprint(p, g, m, n, k, bias), P: p, In: []kernels.Fill{kernels.Normal(a...), kernels.Normal(b...), {}}}
	if bias {
		c.In[2] = kernels.Normal(n)
	}
	return c
}

// TestMatMulShapes covers the paths of products: edges of tiles, several
// passes over k, packed and unpacked operands, long sums, batches.
func TestMatMulShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var cases []kernels.Case
	for i := range 32 {
		p := kernels.MatMulParams{TransA: r.IntN(2) == 1, TransB: r.IntN(2) == 1}
		if r.IntN(3) == 0 {
			p.Act = kernels.ActReLU
		}
		size := []int{20, 70, 150, 270}[i%4]
		cases = append(cases, matmulCase(p, 1, 1+r.IntN(size), 1+r.IntN(size), 1+r.IntN(size), i%3 == 0))
	}
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			p := kernels.MatMulParams{TransA: transA, TransB: transB}
			cases = append(cases,
				matmulCase(p, 1, 33, 31, 1100, true),  // sums cut into parts
				matmulCase(p, 1, 1, 70, 530, true),    // few rows
				matmulCase(p, 1, 7, 33, 300, false),   // few rows
				matmulCase(p, 5, 64, 64, 90, false),   // small items
				matmulCase(p, 5, 65, 70, 33, true),    // small items
				matmulCase(p, 2, 50, 700, 100, false), // items with a large B
				matmulCase(p, 1, 520, 40, 30, false))  // tall, operands far apart
		}
	}
	atLevels(t, func(t *testing.T) {
		d := New(2)
		defer d.Close()
		for _, c := range cases {
			if r := conformance.Check(d, kernels.MatMul, c, false); r.Err != nil {
				t.Errorf("%s: %v", c.Name, r.Err)
			}
			add := kernels.Case{Name: c.Name, P: c.P, In: c.In[:2], InOut: []kernels.Fill{
				kernels.Normal(kernels.MatMul.OutShapes(c.P, [][]int{c.In[0].Shape, c.In[1].Shape, nil})[0]...)}}
			if c.P.(kernels.MatMulParams).Act != kernels.ActNone {
				continue
			}
			if r := conformance.Check(d, kernels.MatMulAdd, add, false); r.Err != nil {
				t.Errorf("add to %s: %v", c.Name, r.Err)
			}
		}
	})
}

// TestMatMulLong has sums that are computed in runs, on a left operand whose
// strips are copied.
func TestMatMulLong(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		d := New(2)
		defer d.Close()
		p := kernels.MatMulParams{TransA: true, Act: kernels.ActReLU}
		const m, n, k = farApart + 3, 200, 4*maxDepth + 300
		c := matmulCase(p, 1, m, n, k, true)
		if r := conformance.Check(d, kernels.MatMul, c, false); r.Err != nil {
			t.Error(r.Err)
		}
		g := gemm{m: m, n: n, k: k, ars: 1, aks: m, bks: n, bns: 1, ldc: n, relu: true}
		call := operands(d, kernels.MatMul, c)
		d.Launch(&call)
		g.a, g.b, g.bias = floats(call.In[0]), floats(call.In[1]), floats(call.In[2])
		g.c = make([]float32, m*n)
		kn := tileKernel()
		d.(*device).long(&g, &kn, 512)
		for i, want := range floats(call.Out[0]) {
			if e := g.c[i] - want; e > 1e-3 || e < -1e-3 {
				t.Fatalf("in runs, element %d is %v, want %v", i, g.c[i], want)
			}
		}
	})
}

// TestMatMulColumnGroups has a B that is packed in several groups of columns.
func TestMatMulColumnGroups(t *testing.T) {
	d := New(2)
	defer d.Close()
	c := matmulCase(kernels.MatMulParams{TransB: true, Act: kernels.ActReLU}, 1, 20, 2*sharedB/2000, 2000, true)
	if r := conformance.Check(d, kernels.MatMul, c, false); r.Err != nil {
		t.Error(r.Err)
	}
}
