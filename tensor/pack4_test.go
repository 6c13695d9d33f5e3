package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The processor's version of the search takes the same decisions as the
// portable one.
func TestSearchIsPortable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var a q4search
		for j := range a.y {
			for l := range a.y[j] {
				a.y[j][l] = float32(r.NormFloat64()) * BlockScale(byte(r.IntN(256)))
			}
		}
		var c q4candidate
		var inv [lanes]float32
		for l := range lanes {
			a.err[l] = float32(math.Inf(1))
			c.step[l], c.zero[l] = BlockScale(byte(r.IntN(256))), float32(r.NormFloat64()*10)
			inv[l] = 1 / c.step[l]
		}
		b := a
		a.try(&c, &inv)
		b.tryPortable(&c, &inv)
		if a != b {
			t.Fatalf("best %+v, errors %v; portable %+v, %v", a.best, a.err, b.best, b.err)
		}
	}
}
