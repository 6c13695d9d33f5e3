package cpu

import (
	"fmt"
	"math"
	"testing"
	"time"

	"llana/kernels"
	"llana/tensor"
)

// benchCase times a case.
func benchCase(b *testing.B, op *kernels.Op, c kernels.Case, threads int) {
	d := New(threads)
	defer d.Close()
	call := operands(d, op, c)
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
	for _, level = range levels {
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

// BenchmarkPacked times products with packed weights (N, K): of one row, of
// few, of a prompt.
func BenchmarkPacked(b *testing.B) {
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.Q8, tensor.Q4} {
		for _, s := range [][3]int{{1, 4096, 4096}, {1, 2048, 768}, {1, 768, 2048}, {1, 32000, 768}, {4, 4096, 4096}, {8, 4096, 4096}, {16, 2048, 768}, {32, 2048, 768}, {256, 2048, 768}, {256, 768, 2048}} {
			c := kernels.Case{P: kernels.MatMulParams{TransB: true},
				In: []kernels.Fill{kernels.Normal(s[0], s[2]), kernels.Normal(s[1], s[2]).As(d), {}, {}}}
			for threads := 1; threads <= 2; threads++ {
				b.Run(fmt.Sprintf("%v/%dx%dx%d/threads=%d", d, s[0], s[1], s[2], threads), func(b *testing.B) {
					benchCase(b, kernels.MatMul, c, threads)
				})
			}
		}
	}
}
