package cpu

import (
	"math"
	"testing"
)

// TestFunctions compares the vector functions with package math.
func TestFunctions(t *testing.T) {
	phi := func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
	var x []float32
	for v := -120.0; v < 120; v += 0.00731 {
		x = append(x, float32(v), float32(v*1e-3))
	}
	x = append(x, 0, 1e-30, -1e-30)
	for _, f := range []struct {
		name     string
		got      func(dst, x []float32)
		want     func(x float64) float64
		abs, rel float64
	}{
		{"exp", func(dst, x []float32) { vecExp(dst, x, 0, 1) }, math.Exp, 1e-45, 2e-7},
		{"sigmoid", vecSigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 1e-38, 4e-7},
		{"silu", vecSiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }, 1e-36, 4e-7},
		// 1 + erf cancels far to the left: x times a unit in the last place of 1.
		{"gelu", vecGELU, func(x float64) float64 { return x * phi(x) }, 1e-6, 4e-7},
		{"tanh", vecTanh, math.Tanh, 0, 4e-7},
	} {
		atLevels(t, func(t *testing.T) {
			got := make([]float32, len(x))
			f.got(got, x)
			for i, v := range x {
				want := f.want(float64(v))
				if float64(float32(want)) != want && math.IsInf(float64(float32(want)), 0) {
					want = math.Inf(1) // beyond float32
				}
				if e := math.Abs(float64(got[i]) - want); e > f.abs+f.rel*math.Abs(want) && float64(got[i]) != want {
					t.Fatalf("%s(%v) = %v, want %v", f.name, v, got[i], want)
				}
			}
			nan := []float32{float32(math.NaN())}
			if f.got(nan, nan); nan[0] == nan[0] {
				t.Errorf("%s(NaN) = %v", f.name, nan[0])
			}
		})
	}
}

func TestSinCosPi(t *testing.T) {
	for v := -3.0; v < 3; v += 0.00137 {
		x := float32(v)
		s, c := sinCosPi(x)
		ws, wc := math.Sincos(math.Pi * float64(x))
		if math.Abs(float64(s)-ws) > 2e-7 || math.Abs(float64(c)-wc) > 2e-7 {
			t.Fatalf("sinCosPi(%v) = %v, %v, want %v, %v", x, s, c, ws, wc)
		}
	}
}

func TestLog1p(t *testing.T) {
	for e := float32(0); e <= 1; e += 0.00073 {
		if got, want := float64(log1pf(e)), math.Log1p(float64(e)); math.Abs(got-want) > 3e-7*want {
			t.Fatalf("log1p(%v) = %v, want %v", e, got, want)
		}
	}
}
