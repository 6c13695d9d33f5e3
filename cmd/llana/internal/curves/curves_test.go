package curves

import (
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/train"
)

// Whatever a training logs can be drawn: one step, constants, gaps, losses
// that are not finite.
func TestWrite(t *testing.T) {
	var long []train.Metrics
	for i := range 100 {
		m := train.Metrics{Step: 10 * i, Loss: 1 / float64(i+1), LR: 1e-3, GradNorm: 2, TokensPerSecond: float64(i)}
		if i%10 == 0 {
			m.Extra = map[string]float64{"psnr": float64(i)}
		}
		long = append(long, m)
	}
	for name, c := range map[string]struct {
		metrics []train.Metrics
		panels  int
	}{
		"long":        {long, 5}, // loss, psnr, gradient norm, tokens a second, learning rate
		"one step":    {[]train.Metrics{{Loss: 3, LR: 1e-4}}, 2},
		"zeros":       {make([]train.Metrics, 50), 2},
		"not finite":  {[]train.Metrics{{Step: 1, Loss: math.NaN()}, {Step: 2, Loss: math.Inf(1)}}, 2},
		"no progress": {[]train.Metrics{{Step: 1, Loss: 2}, {Step: 1, Loss: 2}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := seriesOf(c.metrics); len(got) != c.panels {
				t.Errorf("%d panels, want %d", len(got), c.panels)
			}
			path := filepath.Join(t.TempDir(), "curves.png")
			if err := Write(path, c.metrics); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := png.Decode(f); err != nil {
				t.Error(err)
			}
		})
	}
}
