package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// normals returns n random numbers.
func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestVectorLengths: an element's result depends neither on its place nor on
// the number of elements, and nothing behind them is written. Every function
// takes its operands in place.
func TestVectorLengths(t *testing.T) {
	type operands struct{ a, b, c, d []float32 }
	mask := newMask(7, 0.4)
	adam := &adamWConsts{scale: 0.5, decay: 0.9, beta1: 0.8, rest1: 0.2, beta2: 0.7, rest2: 0.3, rootC2: 0.6, eps: 1e-3, rate: 0.1}
	functions := map[string]func(x operands, n int){
		"add":           func(x operands, n int) { vecAdd(x.a[:n], x.a, x.b) },
		"sub":           func(x operands, n int) { vecSub(x.a[:n], x.a, x.b) },
		"mul":           func(x operands, n int) { vecMul(x.a[:n], x.a, x.b) },
		"div":           func(x operands, n int) { vecDiv(x.a[:n], x.a, x.b) },
		"reluBack":      func(x operands, n int) { vecReLUBack(x.a[:n], x.a, x.b) },
		"geluBack":      func(x operands, n int) { vecGELUBack(x.a[:n], x.a, x.b) },
		"siluBack":      func(x operands, n int) { vecSiLUBack(x.a[:n], x.a, x.b) },
		"sigmoidBack":   func(x operands, n int) { vecSigmoidBack(x.a[:n], x.a, x.b) },
		"truncExpBack":  func(x operands, n int) { vecTruncExpBack(x.a[:n], x.a, x.b) },
		"swiglu":        func(x operands, n int) { vecSwiGLU(x.a[:n], x.a, x.b) },
		"relu":          func(x operands, n int) { vecReLU(x.a[:n], x.a) },
		"gelu":          func(x operands, n int) { vecGELU(x.a[:n], x.a) },
		"silu":          func(x operands, n int) { vecSiLU(x.a[:n], x.a) },
		"sigmoid":       func(x operands, n int) { vecSigmoid(x.a[:n], x.a) },
		"subScale":      func(x operands, n int) { vecSubScale(x.a[:n], x.a, 0.3, 0.7) },
		"exp":           func(x operands, n int) { vecExp(x.a[:n], x.a, 0.3, 0.7) },
		"addScaled":     func(x operands, n int) { vecAddScaled(x.a[:n], x.a, x.b, 0.7) },
		"mulAdd":        func(x operands, n int) { vecMulAdd(x.a[:n], x.a, x.b, x.c) },
		"swigluBack":    func(x operands, n int) { vecSwiGLUBack(x.a[:n], x.b, x.a, x.b, x.c) },
		"adamW":         func(x operands, n int) { vecAdamW(x.a[:n], x.b, x.d, x.c, adam) },
		"dropout":       func(x operands, n int) { mask.drop(x.a[:n], x.a, 1<<32-9) },
		"addRows4":      func(x operands, n int) { addRows4(x.a[:n], x.b, 0, &[4]float32{0.1, -2, 0.3, 4}) },
		"exponentials":  func(x operands, n int) { expSum(x.a[:n], x.a, 0.3, 0.7) },
		"score weights": func(x operands, n int) { softmaxBack(x.a[:n], x.b[:n], 0.3, 0.7, 0.1) },
	}
	const most = 70
	r := rand.New(rand.NewPCG(5, 5))
	in := operands{normals(r, most), normals(r, most), normals(r, most), normals(r, most)}
	for i, v := range in.d { // second moments
		in.d[i] = v * v
	}
	copied := func() operands {
		return operands{slices.Clone(in.a), slices.Clone(in.b), slices.Clone(in.c), slices.Clone(in.d)}
	}
	atLevels(t, func(t *testing.T) {
		for name, f := range functions {
			whole := copied()
			f(whole, most)
			for n := range most {
				part := copied()
				f(part, n)
				for _, x := range [][3][]float32{{part.a, whole.a, in.a}, {part.b, whole.b, in.b}, {part.d, whole.d, in.d}} {
					got, want := x[0], append(slices.Clone(x[1][:n]), x[2][n:]...)
					for i := range got {
						if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
							t.Fatalf("%s of %d elements: element %d is %v, want %v", name, n, i, got[i], want[i])
						}
					}
				}
			}
		}
	})
}

// TestReductions: sums and scalar products of all lengths.
func TestReductions(t *testing.T) {
	const most, stride = 70, 75
	r := rand.New(rand.NewPCG(6, 6))
	x, w := normals(r, 4*stride), normals(r, 4*stride)
	atLevels(t, func(t *testing.T) {
		for n := 1; n <= most; n++ {
			near := func(name string, got float32, want float64) {
				if math.Abs(float64(got)-want) > 1e-4 {
					t.Errorf("%s of %d elements is %v, want %v", name, n, got, want)
				}
			}
			var total, squares float64
			for _, v := range x[:n] {
				total += float64(v)
				squares += (float64(v) - 0.25) * (float64(v) - 0.25)
			}
			near("sum", sum(x[:n]), total)
			near("deviation", deviation(x[:n], 0.25), squares)
			near("largest", largest(x[:n]), float64(slices.Max(x[:n])))
			var products [4][4]float64
			for i := range 4 {
				for k := range 4 {
					for l := range n {
						products[i][k] += float64(x[i*stride+l]) * float64(w[k*stride+l])
					}
				}
			}
			near("dot", dot(x[:n], w), products[0][0])
			four, all := dot4(x[:n], w, stride), [][4]float32{{1}, {}, {}, {}}
			dot4x4(x, stride, 4, w, stride, n, all)
			products[0][0]++ // they are added
			for i := range 4 {
				for k := range 4 {
					near("dot4x4", all[i][k], products[i][k])
				}
			}
			products[0][0]--
			for k := range 4 {
				near("dot4", four[k], products[0][k])
			}
		}
	})
}

// TestTranspose: of all small sizes, into rows that are longer.
func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	atLevels(t, func(t *testing.T) {
		for rows := range 20 {
			for cols := range 20 {
				src, dst := normals(r, 20*23), normals(r, 20*21)
				want := slices.Clone(dst)
				for i := range rows {
					for c := range cols {
						want[c*21+i] = src[i*23+c]
					}
				}
				if transpose(dst, 21, src, 23, rows, cols); !slices.Equal(dst, want) {
					t.Fatalf("%d x %d: wrong", rows, cols)
				}
			}
		}
	})
}

// TestPackStrips: strips of the widths in use, from lines in either order.
func TestPackStrips(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	atLevels(t, func(t *testing.T) {
		kn := tileKernel()
		for _, width := range []int{kn.mr, kn.nr} {
			for count := 1; count < 3*width+2; count += 3 {
				for k := range 6 {
					src := normals(r, 100*100)
					for _, stride := range []int{1, 100} {
						next := 101 - stride
						got := make([]float32, roundUp(count, width)*k)
						want := slices.Clone(got)
						for i := range count {
							for l := range k {
								want[i/width*width*k+l*width+i%width] = src[i*stride+l*next]
							}
						}
						if packStrips(got, width, src, stride, next, count, k); !slices.Equal(got, want) {
							t.Fatalf("%d lines of %d into strips of %d, stride %d: wrong", count, k, width, stride)
						}
					}
				}
			}
		}
	})
}

// TestMaxRow: the first of equal elements counts, and a NaN stays.
func TestMaxRow(t *testing.T) {
	nan := float32(math.NaN())
	rows := [][]float32{
		{1, 1, nan, 1, 2, float32(math.Inf(-1)), 0, 1, 1, nan, 3},
		{2, 1, 5, nan, 1, 0, float32(math.Copysign(0, -1)), 2, 1, nan, 2},
		{2, 3, nan, 7, 1, 0, 0, 2, nan, 4, 3},
	}
	want, places := []float32{2, 3, nan, nan, 2, 0, 0, 2, nan, nan, 3}, []int32{1, 2, 0, 1, 0, 1, 0, 1, 2, 0, 0}
	atLevels(t, func(t *testing.T) {
		best, at := slices.Clone(rows[0]), make([]int32, len(rows[0]))
		for k, row := range rows[1:] {
			maxRow(best, at, row, int32(k+1))
		}
		for i, v := range want {
			if at[i] != places[i] || best[i] != v && !(v != v && best[i] != best[i]) {
				t.Errorf("column %d: %v at %d, want %v at %d", i, best[i], at[i], v, places[i])
			}
		}
	})
}
