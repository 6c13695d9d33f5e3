package weights2space

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/kernels/cpu"
	"llana/models/nerf"
	"llana/train"
)

// world writes a few NeRFs with grids into a folder, and their list.
func world(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i := range n {
		name := fmt.Sprintf("nerf%d", i)
		names = append(names, name)
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		w := nerf.Toy.Init(uint64(i))
		// A density that rays stop at in most of the box.
		for j := range w {
			w[j] *= 4
		}
		if err := nerf.WriteWeights(filepath.Join(dir, name, nerf.WeightsName), w); err != nil {
			t.Fatal(err)
		}
		g := &nerf.Grid{Res: 8, Cells: make([]int32, 512), Half: 0.7}
		for j := range g.Cells {
			g.Cells[j] = int32(j / 3 % 2)
		}
		if err := g.Write(filepath.Join(dir, name, nerf.GridName)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "train.json"), b, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func smallConfig(dir, supervision, optimizer string) Config {
	c := Defaults()
	c.TrainJSON, c.ValidationJSON = filepath.Join(dir, "train.json"), filepath.Join(dir, "train.json")
	c.OutputDir = filepath.Join(dir, "out")
	c.Supervision, c.Optimizer, c.Scheduler = supervision, optimizer, "cosine"
	c.LR, c.NumEpochs, c.BatchSize, c.ValidateEvery, c.LoggingSteps = 1e-3, 4, 2, 2, 1
	c.NumRays, c.DrawnRays, c.ImageSize, c.MaxFG, c.MaxBG, c.NumPoints = 6, 400, 16, 300, 100, 32
	c.Model = ModelConfig{Hidden: []int{16}, Memory: 16, Width: 16, Heads: 2, FFN: 16, Layers: 1, Resolution: 3, Decoder: 16, Octaves: 2,
		Dropout: 0.1, QueryStd: 1, Normalize: "shared_init"}
	return c
}

func losses(t *testing.T, dir string) []float64 {
	t.Helper()
	ms, err := train.ReadMetrics(filepath.Join(dir, "out", train.MetricsName))
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for _, m := range ms {
		out = append(out, m.Loss)
	}
	return out
}

// An interrupted training leaves a state that resumes with the same losses,
// and no step leaves live memory behind.
func TestResume(t *testing.T) {
	for _, mode := range [][2]string{{"points", "muon"}, {"rays", "adamw"}} {
		t.Run(mode[0], func(t *testing.T) {
			dir := world(t, 4)
			d := cpu.New(2)
			defer d.Close()
			ctx := context.Background()
			c := smallConfig(dir, mode[0], mode[1])
			whole, err := New(d, c, false)
			if err != nil {
				t.Fatal(err)
			}
			var live []int64
			if err := whole.Run(ctx, func(int, int, train.Metrics) { live = append(live, d.Stats().Live) }); err != nil {
				t.Fatal(err)
			}
			whole.Close()
			want := losses(t, dir)
			if len(want) != 8 {
				t.Fatalf("%d losses logged, want 8", len(want))
			}
			if live[2] != live[len(live)-1] {
				t.Errorf("live bytes %v", live)
			}
			ms, _ := train.ReadMetrics(filepath.Join(dir, "out", train.MetricsName))
			key := map[string]string{"points": "val_iou", "rays": "val_psnr"}[mode[0]]
			if v, ok := ms[7].Extra[key]; !ok || math.IsNaN(v) {
				t.Errorf("validation gave %v, want %s", ms[7].Extra, key)
			}

			if err := os.RemoveAll(c.OutputDir); err != nil {
				t.Fatal(err)
			}
			stopped, err := New(d, c, false)
			if err != nil {
				t.Fatal(err)
			}
			cut, cancel := context.WithCancel(ctx)
			err = stopped.Run(cut, func(done, _ int, _ train.Metrics) {
				if done == 3 {
					cancel()
				}
			})
			stopped.Close()
			if !errors.Is(err, train.ErrInterrupted) {
				t.Fatalf("interrupted run returned %v", err)
			}
			resumed, err := New(d, c, true)
			if err != nil {
				t.Fatal(err)
			}
			if done, total := resumed.Steps(); done != 3 || total != 8 {
				t.Errorf("resumed at %d of %d", done, total)
			}
			if err := resumed.Run(ctx, nil); err != nil {
				t.Fatal(err)
			}
			resumed.Close()
			for i, got := range losses(t, dir) {
				if got != want[i] {
					t.Errorf("loss %d is %v after resuming, want %v", i, got, want[i])
				}
			}
		})
	}
}

func TestBadData(t *testing.T) {
	dir := world(t, 2)
	d := cpu.New(1)
	defer d.Close()
	c := smallConfig(dir, "points", "adamw")
	list := filepath.Join(dir, "train.json")
	for _, content := range []string{"", "{}", "[]", `["nowhere"]`} {
		if err := os.WriteFile(list, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := New(d, c, false); err == nil {
			t.Errorf("list %q: no error", content)
		}
	}
}
