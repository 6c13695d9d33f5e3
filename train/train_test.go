package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"llana/kernels/cpu"
	"llana/nn"
	"llana/tensor"
)

// Factors of transformers' get_cosine_schedule_with_warmup for 10 steps and a
// warm-up of ceil(0.25 * 10) = 3.
func TestCosineWarmup(t *testing.T) {
	s := CosineWarmup(10, 0.25)
	want := []float64{0, 1.0 / 3, 2.0 / 3, 1, 0.9504844, 0.8117449, 0.6112605, 0.3887395, 0.1882551, 0.0495156}
	for i, w := range want {
		if got := s(i); math.Abs(got-w) > 1e-6 {
			t.Errorf("step %d: %v, want %v", i, got, w)
		}
	}
}

func TestEpochWarmup(t *testing.T) {
	s := EpochWarmup(5, 4)
	for step, want := range map[int]float64{0: 1, 4: 1, 5: 1 + 3.0/28, 28 * 5: 4, 1000: 4} {
		if got := s(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
}

// Muon's update of a fresh momentum is the orthogonal factor of the gradient,
// roughly: all singular values near 1.
func TestMuonOrthogonalises(t *testing.T) {
	for _, shape := range [][2]int{{6, 20}, {20, 6}} {
		d := cpu.New(1)
		r := rand.New(rand.NewPCG(1, 2))
		set := nn.NewSet(d)
		w := set.New("w", shape[0], shape[1])
		w.Set(0)
		w.Grad = tensor.New(d, tensor.F32, shape[0], shape[1])
		g := make([]float32, shape[0]*shape[1])
		for i := range g {
			g[i] = float32(r.NormFloat64())
		}
		w.Grad.SetFloat32(g)
		w.MarkGrad()
		o := NewMuon(d, set.Trainable(), func(*nn.Param) bool { return true })
		o.WeightDecay = 0
		o.Step(1)
		u, err := w.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		scale := -1 / (muonScale * math.Sqrt(20))
		for i := range u {
			u[i] *= float32(scale)
		}
		// The smaller Gram matrix of an orthogonal factor is the identity;
		// five rounds bring singular values into about 0.7 to 1.2.
		n, k := min(shape[0], shape[1]), max(shape[0], shape[1])
		for i := range n {
			for j := range n {
				sum := 0.0
				for l := range k {
					a, b := u[i*shape[1]+min(l, shape[1]-1)], u[j*shape[1]+min(l, shape[1]-1)]
					if shape[0] > shape[1] {
						a, b = u[l*shape[1]+i], u[l*shape[1]+j]
					}
					sum += float64(a) * float64(b)
				}
				if i == j && (sum < 0.4 || sum > 1.6) || i != j && math.Abs(sum) > 0.35 {
					t.Errorf("%v: Gram matrix [%d][%d] = %v", shape, i, j, sum)
				}
			}
		}
		o.Free()
		set.Free()
		if live := d.Stats().Live; live != 0 {
			t.Errorf("%d live bytes left", live)
		}
		d.Close()
	}
}

func TestLoop(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var done, saved []int
	l := &Loop{Dir: dir, Steps: 10, LogEvery: 2, SaveEvery: 3,
		Step: func(_ context.Context, s int) (func(context.Context) (Metrics, error), error) {
			done = append(done, s)
			if s == 6 {
				cancel()
			}
			return func(context.Context) (Metrics, error) { return Metrics{Step: s, Loss: float64(s)}, nil }, nil
		},
		Save: func(_ context.Context, steps int) error { saved = append(saved, steps); return nil },
	}
	if err := l.Run(ctx); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("Run returned %v", err)
	}
	if last := saved[len(saved)-1]; last != 7 || len(done) != 7 {
		t.Errorf("saved %v after steps %v", saved, done)
	}
	// A line that a crash cut short is dropped, and so are steps done again.
	path := filepath.Join(dir, MetricsName)
	b, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(b, `{"step": 99, "lo`...), 0o666); err != nil {
		t.Fatal(err)
	}
	l.Start = 5
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	ms, err := ReadMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	for _, m := range ms {
		steps = append(steps, m.Step)
	}
	if want := []int{0, 2, 4, 6, 8, 9}; len(steps) != len(want) || steps[3] != 6 || steps[5] != 9 {
		t.Errorf("logged steps %v, want %v", steps, want)
	}
}
