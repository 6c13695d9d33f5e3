package fit_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"llana/kernels/cpu"
	"llana/models/nerf"
	"llana/train/fit"
)

// ball is a red ball around (0.2, 0, 0).
type ball float32

func (r ball) At(p [3]float32) (float32, [3]float32) {
	x, y, z := float64(p[0])-0.2, float64(p[1]), float64(p[2])
	return float32(math.Sqrt(x*x+y*y+z*z)) - float32(r), [3]float32{0.9, 0.1, 0.2}
}

func TestPoints(t *testing.T) {
	ctx := context.Background()
	d := cpu.New(1)
	defer d.Close()
	targets := []fit.Target{ball(0.25), ball(0.45), ball(0.35)}
	o := fit.Default()
	fields, err := fit.Points(ctx, d, nerf.Toy, targets, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fields {
		q, err := fit.Measure(ctx, d, f, targets[i], 4096)
		if err != nil {
			t.Fatal(err)
		}
		if q.IoU < 0.85 || q.Colour > 0.03 {
			t.Errorf("ball %g: IoU %.3f, colour error %.3f", targets[i], q.IoU, q.Colour)
		}
		if wrong, _ := fit.Measure(ctx, d, f, ball(0.1), 4096); wrong.IoU > 0.3 {
			t.Errorf("ball %g has IoU %.3f with a much smaller one", targets[i], wrong.IoU)
		}
		// Dense enough inside to be opaque, nearly nothing outside.
		v, err := f.Query(ctx, d, []float32{0.2, 0, 0, -0.6, 0.6, 0.6})
		if err != nil {
			t.Fatal(err)
		}
		if v[3] < 10 || v[7] > 0.1 {
			t.Errorf("ball %g: density %g inside and %g outside", targets[i], v[3], v[7])
		}
	}
	// A NeRF does not depend on what else is fitted.
	alone, err := fit.Points(ctx, d, nerf.Toy, targets[1:2], o)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range alone[0].Weights {
		if w != fields[1].Weights[i] {
			t.Fatalf("weight %d is %g when fitted alone, %g in a batch", i, w, fields[1].Weights[i])
		}
	}
	if live := d.Stats().Live; live != 0 {
		t.Errorf("%d bytes are still held", live)
	}
}

func TestPointsRefuses(t *testing.T) {
	d := cpu.New(1)
	defer d.Close()
	o := fit.Default()
	if fields, err := fit.Points(context.Background(), d, nerf.Toy, nil, o); fields != nil || err != nil {
		t.Errorf("nothing fitted to nothing: %v, %v", fields, err)
	}
	o.Points = o.Pool + 1
	if _, err := fit.Points(context.Background(), d, nerf.Toy, []fit.Target{ball(0.3)}, o); err == nil {
		t.Error("more points a step than there are")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := fit.Points(ctx, d, nerf.Toy, []fit.Target{ball(0.3)}, fit.Default()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestGrids(t *testing.T) {
	ctx := context.Background()
	d := cpu.New(1)
	defer d.Close()
	targets := []fit.Target{ball(0.3), ball(0.45)}
	fields, err := fit.Points(ctx, d, nerf.Toy, targets, fit.Default())
	if err != nil {
		t.Fatal(err)
	}
	const res = 16
	grids, err := fit.Grids(ctx, d, fields, res)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for i, g := range grids {
		if g.Res != res || len(g.Cells) != res*res*res || g.Half != nerf.DefaultHalf {
			t.Fatalf("a grid of %d^3 with %d cells in a box of %g", g.Res, len(g.Cells), g.Half)
		}
		lost, n := 0, 0
		for c, occupied := range g.Cells {
			n += int(occupied)
			centre := [3]float32{}
			for axis, k := range [3]int{c / (res * res), c / res % res, c % res} {
				centre[axis] = ((float32(k)+0.5)/res*2 - 1) * g.Half
			}
			if dist, _ := targets[i].At(centre); dist < -0.03 && occupied == 0 {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%d cells inside ball %g count as empty", lost, targets[i])
		}
		sizes = append(sizes, n)
	}
	if share := float64(sizes[0]) / (res * res * res); share > 0.15 || sizes[0] >= sizes[1] {
		t.Errorf("%v of %d cells are occupied", sizes, res*res*res)
	}
}

// BenchmarkPoints times 16 fits.
func BenchmarkPoints(b *testing.B) {
	d := cpu.New(1)
	defer d.Close()
	targets := make([]fit.Target, 16)
	for i := range targets {
		targets[i] = ball(0.2 + 0.02*float32(i))
	}
	for b.Loop() {
		if _, err := fit.Points(context.Background(), d, nerf.Toy, targets, fit.Default()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(16*b.N), "s/NeRF")
}
