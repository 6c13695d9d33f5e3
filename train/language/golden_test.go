package language

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
	"llana/models/golden"
	"llana/models/spatialllana"
	"llana/tensor"
	"llana/train"
)

const (
	goldenDir = "../../models/spatialllana/testdata"
	modelDir  = goldenDir + "/hf_model"
)

// eachDevice runs f on the devices that training is checked on.
func eachDevice(t *testing.T, f func(t *testing.T, d kernels.Device)) {
	t.Run("reference", func(t *testing.T) { f(t, kernels.NewReference(tensor.F32)) })
	devicetest.Each(t, f)
}

// goldenBatch returns rows of the reference data's batch.
func goldenBatch(t *testing.T, g *golden.Folder, rows ...int) *batch {
	shape, vecs := g.Shape(t, "input_ids"), g.Shape(t, "vecs")
	ids, labels, v := g.Ints(t, "input_ids"), g.Ints(t, "labels"), g.Floats(t, "vecs")
	cols, n := shape[1], vecs[1]*vecs[2]
	b := &batch{Batch: spatialllana.Batch{Rows: len(rows), Cols: cols}}
	for _, r := range rows {
		b.IDs = append(b.IDs, ids[r*cols:(r+1)*cols]...)
		b.labels = append(b.labels, labels[r*cols:(r+1)*cols]...)
		b.Objects = append(b.Objects, &spatialllana.Object{Tokens: vecs[1], Width: vecs[2], Data: v[r*n : (r+1)*n]})
	}
	return b
}

// goldenCase is a case of train.json.
type goldenCase struct {
	LR    float64
	Total int `json:"total_steps"`
	Steps []struct {
		Loss, LR float64
		GradNorm float64 `json:"grad_norm_before_clip"`
	}
	Final float64 `json:"final_loss_full_batch"`
}

// Losses, gradient norms, learning rates and parameters of four steps equal
// PyTorch's.
func TestStepsMatchPyTorch(t *testing.T) {
	var cases map[string]goldenCase
	b, err := os.ReadFile("testdata/train.json")
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(c *Config){
		"stage1_new_tokens": func(c *Config) { c.FixLLM = true },
		"stage1_proj_only":  func(c *Config) { c.FixLLM, c.TrainPointToken = true, false },
		"stage2":            func(c *Config) { c.Checkpoint = true },
	} {
		t.Run(name, func(t *testing.T) {
			eachDevice(t, func(t *testing.T, d kernels.Device) {
				c := Defaults(Stage2)
				c.LearningRate, c.MaxSteps = cases[name].LR, cases[name].Total
				set(&c)
				checkSteps(t, d, &c, cases[name], "testdata/after_"+name)
			})
		})
	}
}

func checkSteps(t *testing.T, d kernels.Device, c *Config, want goldenCase, after string) {
	g := golden.Open(t, goldenDir)
	ctx := context.Background()
	m, err := spatialllana.Open(d, modelDir, spatialllana.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	tr, err := newTrainer(Stage2, c, m, &dataset{samples: make([]sample, 3)}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.free()
	var rows [][]int
	g.Value(t, "train_batches", &rows)
	for s, w := range want.Steps {
		read, err := tr.update(s, 1, func(int) (*batch, error) { return goldenBatch(t, g, rows[s]...), nil })
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "loss", s, got.Loss, w.Loss, 2e-4)
		near(t, "gradient norm", s, got.GradNorm, w.GradNorm, 1e-3*w.GradNorm)
		near(t, "learning rate", s, got.LR, w.LR, 1e-9)
	}
	tape := autograd.Inference(d)
	defer tape.Release()
	b := goldenBatch(t, g, 0, 1, 2)
	loss, err := m.Loss(tape, b.Batch, b.labels, tr.options())
	if err != nil {
		t.Fatal(err)
	}
	v, err := loss.Value().ReadFloat32(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "final loss", len(want.Steps), float64(v[0]), want.Final, 2e-4)
	checkAfter(t, m, after, want.LR, len(want.Steps))
}

// Memory in use after some steps is what it was before them.
func TestStepsLeaveNoMemory(t *testing.T) {
	g := golden.Open(t, goldenDir)
	for name, set := range map[string]func(c *Config){
		"stage1":             func(c *Config) { c.FixLLM = true },
		"stage2":             func(c *Config) { c.Accumulation = 2 },
		"checkpointed, muon": func(c *Config) { c.Checkpoint, c.Optimiser = true, "muon" },
	} {
		t.Run(name, func(t *testing.T) {
			d := cpu.New(0)
			defer d.Close()
			m, err := spatialllana.Open(d, modelDir, spatialllana.OpenOptions{})
			must(t, err)
			defer m.Free()
			c := Defaults(Stage2)
			set(&c)
			tr, err := newTrainer(Stage2, &c, m, &dataset{samples: make([]sample, 30)}, func(string) {})
			must(t, err)
			defer tr.free()
			var live []int64
			for s := range 4 {
				_, err := tr.update(s, c.Accumulation, func(i int) (*batch, error) { return goldenBatch(t, g, i), nil })
				must(t, err)
				must(t, d.Sync(context.Background()))
				live = append(live, d.Stats().Live)
			}
			if live[1] != live[3] {
				t.Errorf("bytes in use after each step: %v", live)
			}
		})
	}
}

func near(t *testing.T, what string, step int, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("step %d: %s %v, want %v", step, what, got, want)
	}
}

// checkAfter compares parameters within 0.05 lr where rounding does not matter
// much, and within 2 lr for each step elsewhere.
func checkAfter(t *testing.T, m *spatialllana.Model, file string, lr float64, steps int) {
	want, stable := source(t, file+".safetensors"), source(t, file+"_stable.safetensors")
	for _, name := range want.Names() {
		w, mask := floats(t, want, name), floats(t, stable, name)
		got, err := m.Params.Get(name).Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i := range w {
			tol := 0.05 * lr
			if mask[i] == 0 {
				tol = 2 * lr * float64(steps)
			}
			if !(math.Abs(float64(got[i])-float64(w[i])) <= tol) {
				t.Errorf("%s: element %d is %v, want %v", name, i, got[i], w[i])
				break
			}
		}
	}
}

func source(t *testing.T, path string) checkpoint.Source {
	t.Helper()
	src, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func floats(t *testing.T, src checkpoint.Source, name string) []float32 {
	t.Helper()
	x, err := src.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestScheduleMatchesTransformers(t *testing.T) {
	var cases []struct {
		Warmup int `json:"warmup_steps"`
		Total  int `json:"total_steps"`
		Factor []float64
	}
	b, err := os.ReadFile("testdata/schedule.json")
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		f := train.CosineWarmup(c.Total, float64(c.Warmup)/float64(c.Total))
		for s, want := range c.Factor {
			near(t, "factor", s, f(s), want, 1e-9)
		}
	}
}
