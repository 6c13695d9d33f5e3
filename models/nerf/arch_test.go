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
	for _, c := range []struct {
		arch      Arch
		len, rows int
	}{{Published, 18432, 336}, {Toy, 5504, 86}} {
		if n := c.arch.Len(); n != c.len {
			t.Errorf("%+v has %d weights, want %d", c.arch, n, c.len)
		}
		if r := c.arch.Rows(); r != c.rows {
			t.Errorf("the matrix of %+v has %d rows, want %d", c.arch, r, c.rows)
		}
		if a, err := ArchOf(c.len); err != nil || a != c.arch {
			t.Errorf("%d weights are taken for %+v (%v), want %+v", c.len, a, err, c.arch)
		}
	}
	if _, err := ArchOf(18431); err == nil {
		t.Error("a length that fits no network is accepted")
	}
}
