package weights2space

import (
	"context"
	"math"
	"strings"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
	"llana/models/golden"
	model "llana/models/weights2space"
	"llana/train"
)

const goldenDir = "../../models/weights2space/testdata"

func goldenModel(t *testing.T, d kernels.Device, file string) *model.Model {
	t.Helper()
	src, err := model.OpenTensors(goldenDir + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := model.FromTensors(d, src, model.Sidecar{NumHeads: 4, Resolution: 4})
	if err != nil {
		t.Fatal(err)
	}
	m.SetDropout(0)
	return m
}

// goldenBatch is the training step of the golden data.
func goldenBatch(t *testing.T, g *golden.Folder) RayBatch {
	var rays int
	b := RayBatch{Positions: g.Floats(t, "train_positions"), Target: g.Floats(t, "train_target"), Offsets: []int32{0}}
	g.Value(t, "train_n_fg", &b.Foreground)
	g.Value(t, "train_n_rays", &rays)
	colours := g.Floats(t, "train_bkgd")
	for i, suffix := range []string{"_0", "_1"} {
		counts := make([]int32, rays)
		for _, r := range g.Ints(t, "train_ri"+suffix) {
			counts[r]++
		}
		for _, c := range counts {
			b.Offsets = append(b.Offsets, b.Offsets[len(b.Offsets)-1]+c)
			b.Background = append(b.Background, colours[3*i:3*i+3]...)
		}
		starts, ends := g.Floats(t, "train_ts"+suffix), g.Floats(t, "train_te"+suffix)
		for j := range starts {
			b.Spans = append(b.Spans, starts[j], ends[j])
		}
	}
	return b
}

// step runs one training step's forward and backward pass and returns the
// loss.
func step(t *testing.T, g *golden.Folder, d kernels.Device, m *model.Model, scale float32) float64 {
	t.Helper()
	tape := autograd.New(d, autograd.Options{Record: true, Training: true})
	defer tape.Release()
	tokens := m.Tokens(tape.Float32(g.Floats(t, "matrix"), g.Shape(t, "matrix")...), nil)
	loss, colours, empty := Loss(m, tokens, goldenBatch(t, g), 0.2)
	loss.Keep()
	colours.Keep()
	empty.Keep()
	for _, p := range m.Params.All() {
		p.ZeroGrad()
	}
	tape.Backward(autograd.Scale(loss, scale))
	if scale == 1 {
		g.Check(t, "train_colors", read(t, colours))
	}
	return float64(read(t, loss)[0])
}

func read(t *testing.T, v *autograd.Var) []float32 {
	t.Helper()
	f, err := v.Value().ReadFloat32(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func source(t *testing.T, file string) checkpoint.Source {
	t.Helper()
	src, err := checkpoint.Open(goldenDir + "/" + file)
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

// Loss, gradients and batch statistics of a step equal PyTorch's.
func TestGradients(t *testing.T) {
	g := golden.Open(t, goldenDir)
	var want []float64
	g.Value(t, "train_loss", &want)
	grads, stats := source(t, "grads.safetensors"), source(t, "bn_after_step1.safetensors")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		m := goldenModel(t, d, "ckpt.pt")
		defer m.Params.Free()
		if loss := step(t, g, d, m, 1); math.Abs(loss-want[0]) > 1e-5 {
			t.Errorf("loss %v, want %v", loss, want[0])
		}
		for _, p := range m.Params.All() {
			if p.Buffer {
				got, _ := p.Read(context.Background())
				golden.Close(t, p.Name, got, floats(t, stats, p.Name), 1e-5, 1e-4)
				continue
			}
			got, err := p.Grad.ReadFloat32(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			w := floats(t, grads, p.Name)
			golden.Close(t, "gradient of "+p.Name, got, w, 1e-5+2e-3*largest(w), 0)
		}
	})
}

func largest(v []float32) (m float64) {
	for _, x := range v {
		m = max(m, math.Abs(float64(x)))
	}
	return m
}

// noGradient tells elements whose gradient is 0 but for rounding, which Adam
// turns into steps of the size of the learning rate: biases that batch norm
// takes away again, and key biases, which shift all scores of a query alike.
func noGradient(name string, i, n int) bool {
	switch {
	case strings.HasSuffix(name, "attn.in_proj_bias"):
		return i >= n/3 && i < 2*n/3
	case strings.HasPrefix(name, "encoder.layers.") && strings.HasSuffix(name, ".bias"):
		return strings.Contains("0 3 6 9", strings.TrimSuffix(strings.TrimPrefix(name, "encoder.layers."), ".bias"))
	}
	return false
}

// Three steps of AdamW, and two more from the checkpoint PyTorch wrote after
// them, give PyTorch's losses and parameters.
func TestOptimiserSteps(t *testing.T) {
	g := golden.Open(t, goldenDir)
	var losses, resumed []float64
	g.Value(t, "adamw_losses", &losses)
	g.Value(t, "resume_losses", &resumed)
	after, stable := source(t, "params_after_3_steps.safetensors"), source(t, "params_after_3_steps_stable.safetensors")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		m := goldenModel(t, d, "ckpt.pt")
		o := train.NewAdamW(d, m.Params.Trainable())
		for i := range 4 {
			loss := step(t, g, d, m, 1024)
			if math.Abs(loss-losses[i]) > 1e-5 {
				t.Errorf("loss %d is %v, want %v", i, loss, losses[i])
			}
			if i < 3 {
				o.Step(1e-4)
			}
		}
		for _, p := range m.Params.Trainable() {
			got, _ := p.Read(context.Background())
			want, ok := floats(t, after, p.Name), floats(t, stable, p.Name)
			for j := range want {
				bound := 1e-5
				if ok[j] == 0 || noGradient(p.Name, j, len(want)) {
					bound = 6e-4
				}
				if diff := math.Abs(float64(got[j] - want[j])); diff > bound {
					t.Errorf("%s[%d] is %v, want %v", p.Name, j, got[j], want[j])
				}
			}
		}
		o.Free()
		m.Params.Free()

		m = goldenModel(t, d, "ckpt_resume.pt")
		defer m.Params.Free()
		o = train.NewAdamW(d, m.Params.Trainable())
		defer o.Free()
		if err := restoreOptimiser(goldenDir+"/ckpt_resume.pt", o); err != nil {
			t.Fatal(err)
		}
		for i, want := range resumed {
			if loss := step(t, g, d, m, 1024); math.Abs(loss-want) > 1e-5 {
				t.Errorf("resumed loss %d is %v, want %v", i, loss, want)
			}
			o.Step(1e-4)
		}
	})
}
