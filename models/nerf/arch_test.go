package nerf

import "testing"

// Values of tiny-cuda-nn's initialisation with seed 999.
func TestInit(t *testing.T) {
	r := newPCG32(SharedSeed)
	for i, want := range []uint32{3401471074, 1453683222, 1474474707} {
		if got := r.next(); got != want {
			t.Errorf("draw %d is %d, want %d", i, got, want)
		}
	}
	w := Published.Init(SharedSeed)
	if len(w) != 18432 {
		t.Fatalf("%d weights, want 18432", len(w))
	}
	for i, want := range map[int]float32{
		0: 0.0991761386, 1: -0.0548717305, 2: -0.0532273799, 3: 0.120205492,
		9216: 0.0604577214, 13312: 0.125363484, 17408: -0.169132799, 18431: 0.0706239939,
	} {
		if w[i] != want {
			t.Errorf("weight %d is %v, want %v", i, w[i], want)
		}
	}
}

func TestMatrixShape(t *testing.T) {
	if r := Published.Rows(); r != 336 {
		t.Errorf("published matrix has %d rows, want 336", r)
	}
}
