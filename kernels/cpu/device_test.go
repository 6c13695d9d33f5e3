package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/tensor"
)

// atLevels runs a test on every instruction set of this processor.
func atLevels(t *testing.T, test func(t *testing.T)) {
	best := level
	defer func() { level = best }()
	for l := portable; l <= best; l++ {
		level = l
		t.Run(l.String(), test)
	}
}

func TestConformance(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for threads := 1; threads <= 3; threads++ {
			d := New(threads)
			conformance.Run(d, func(r conformance.Result) {
				if r.Err != nil {
					t.Errorf("%d threads: %s, %s: %v", threads, r.Op, r.Case, r.Err)
				}
			})
			if live := d.Stats().Live; live != 0 {
				t.Errorf("%d bytes live after everything was freed", live)
			}
			d.Close()
		}
	})
}

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
	for i := range 60 {
		p := kernels.MatMulParams{TransA: r.IntN(2) == 1, TransB: r.IntN(2) == 1}
		if r.IntN(3) == 0 {
			p.Act = kernels.ActReLU
		}
		size := []int{20, 70, 300, 600}[i%4]
		cases = append(cases, matmulCase(p, 1, 1+r.IntN(size), 1+r.IntN(size), 1+r.IntN(size), i%3 == 0))
	}
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			p := kernels.MatMulParams{TransA: transA, TransB: transB}
			cases = append(cases,
				matmulCase(p, 1, 33, 31, 3000, true),
				matmulCase(p, 1, 1, 300, 1030, true),
				matmulCase(p, 1, 7, 130, 520, false),
				matmulCase(p, 5, 64, 64, 200, false),
				matmulCase(p, 5, 65, 70, 33, true),
				matmulCase(p, 2, 300, 260, 270, false))
		}
	}
	atLevels(t, func(t *testing.T) {
		for threads := 1; threads <= 2; threads++ {
			d := New(threads)
			for _, c := range cases {
				if r := conformance.Check(d, kernels.MatMul, c, false); r.Err != nil {
					t.Errorf("%d threads: %s: %v", threads, c.Name, r.Err)
				}
				add := kernels.Case{Name: c.Name, P: c.P, In: c.In[:2], InOut: []kernels.Fill{
					kernels.Normal(kernels.MatMul.OutShapes(c.P, [][]int{c.In[0].Shape, c.In[1].Shape, nil})[0]...)}}
				if c.P.(kernels.MatMulParams).Act != kernels.ActNone {
					continue
				}
				if r := conformance.Check(d, kernels.MatMulAdd, add, false); r.Err != nil {
					t.Errorf("%d threads: add to %s: %v", threads, c.Name, r.Err)
				}
			}
			d.Close()
		}
	})
}

// benchCase times a case on one thread.
func benchCase(b *testing.B, op *kernels.Op, c kernels.Case, threads int) {
	d := New(threads)
	defer d.Close()
	r := rand.New(rand.NewPCG(1, 2))
	call := kernels.Call{Op: op, P: c.P}
	shapes := make([][]int, len(c.In))
	for i, f := range c.In {
		if !f.Present() {
			call.In = append(call.In, nil)
			continue
		}
		shapes[i] = f.Shape
		v := f.Make(r)
		if op.In[i].Kind == kernels.Int {
			x := make([]int32, len(v))
			for j := range v {
				x[j] = int32(v[j])
			}
			call.In = append(call.In, tensor.Int32(d, x, f.Shape...))
		} else {
			call.In = append(call.In, tensor.Floats(d, tensor.F32, v, f.Shape...))
		}
	}
	out := append([][]int(nil), op.OutShapes(c.P, shapes)...)
	next := 0
	for i, a := range op.Out {
		if i < len(c.OutShapes) && c.OutShapes[i] != nil {
			out[i] = c.OutShapes[i]
		}
		if a.InOut {
			out[i] = c.InOut[next].Shape
			next++
		}
		dt := tensor.F32
		if a.Kind == kernels.Int {
			dt = tensor.I32
		}
		x := tensor.New(d, dt, out[i]...)
		if a.Kind == kernels.Float {
			x.SetFloat32(make([]float32, x.Len()))
		}
		call.Out = append(call.Out, x)
	}
	d.Launch(&call)
	cost := call.Cost()
	b.ReportAllocs()
	// The fastest run counts: others may be using the machine.
	best := math.Inf(1)
	for b.Loop() {
		start := time.Now()
		d.Launch(&call)
		best = min(best, time.Since(start).Seconds())
	}
	b.ReportMetric(best*1e6, "best-us")
	b.ReportMetric(float64(cost.FLOPs)/best/1e9, "GFLOP/s")
	b.ReportMetric(float64(cost.Bytes)/best/1e9, "GB/s")
}

// BenchmarkTile times the micro-kernel alone, on operands in the first-level
// cache.
func BenchmarkTile(b *testing.B) {
	best := level
	defer func() { level = best }()
	for level = portable; level <= best; level++ {
		b.Run(level.String(), func(b *testing.B) {
			kn := tileKernel()
			const k = 256
			x := make([]float32, k*(kn.mr+kn.nr)+kn.mr*kn.nr)
			t := &tile{k: k, a: &x[0], rs: 1, ks: kn.mr, b: &x[k*kn.mr], bs: kn.nr, c: &x[k*(kn.mr+kn.nr)], ldc: kn.nr, rows: kn.mr, cols: kn.nr}
			best := math.Inf(1)
			for b.Loop() {
				start := time.Now()
				for range 100 {
					kn.run(t)
				}
				best = min(best, time.Since(start).Seconds()/100)
			}
			b.ReportMetric(2*float64(k*kn.mr*kn.nr)/best/1e9, "GFLOP/s")
		})
	}
}

// BenchmarkOps times every operation at its bench sizes.
func BenchmarkOps(b *testing.B) {
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases {
			if !c.Bench {
				continue
			}
			var shapes string
			for _, f := range append(c.In, c.InOut...) {
				shapes += fmt.Sprint(f.Shape)
			}
			for threads := 1; threads <= 2; threads++ {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", op.Name, shapes, threads), func(b *testing.B) { benchCase(b, op, c, threads) })
			}
		}
	}
}

// BenchmarkProducts times products of the sizes that training small models
// needs.
func BenchmarkProducts(b *testing.B) {
	for _, s := range []struct {
		name           string
		g, m, n, k     int
		transA, transB bool
	}{
		{"1024", 1, 1024, 1024, 1024, false, false},
		{"linear", 1, 3072, 516, 516, false, true},
		{"linear grad x", 1, 3072, 516, 516, false, false},
		{"linear grad w", 1, 516, 516, 3072, true, false},
		{"small linear", 1, 192, 512, 128, false, true},
		{"thin long", 1, 64, 64, 8192, true, false},
		{"nerf forward", 48, 512, 64, 64, false, true},
		{"nerf grad x", 48, 512, 64, 64, false, false},
		{"nerf grad w", 48, 64, 64, 512, true, false},
		{"nerf in", 48, 512, 64, 144, false, true},
		{"nerf out", 48, 512, 4, 64, false, true},
		{"decode", 1, 1, 2048, 512, false, true},
		{"decode 8", 1, 8, 2048, 512, false, true},
	} {
		p := kernels.MatMulParams{TransA: s.transA, TransB: s.transB}
		for threads := 1; threads <= 2; threads++ {
			b.Run(fmt.Sprintf("%s/threads=%d", s.name, threads), func(b *testing.B) {
				benchCase(b, kernels.MatMul, matmulCase(p, s.g, s.m, s.n, s.k, false), threads)
			})
		}
	}
}
