package spatialllana

import (
	"context"
	"math"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
	"llana/models/golden"
	"llana/models/llama"
	"llana/tensor"
)

// eachDevice runs f on the devices that the model is checked on.
func eachDevice(t *testing.T, f func(t *testing.T, d kernels.Device)) {
	onReference(t, f)
	devicetest.Each(t, f)
}

func onReference(t *testing.T, f func(t *testing.T, d kernels.Device)) {
	t.Run("reference", func(t *testing.T) { f(t, kernels.NewReference(tensor.F32)) })
}

func open(t *testing.T, d kernels.Device) *Model {
	t.Helper()
	m, err := Open(d, "testdata/hf_model", OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

// goldenBatch is the batch of the reference data, with its labels.
func goldenBatch(t *testing.T, f *golden.Folder) (Batch, []int32) {
	t.Helper()
	shape, vecs, v := f.Shape(t, "input_ids"), f.Shape(t, "vecs"), f.Floats(t, "vecs")
	b := Batch{Rows: shape[0], Cols: shape[1], IDs: f.Ints(t, "input_ids")}
	n := vecs[1] * vecs[2]
	for i := range b.Rows {
		b.Objects = append(b.Objects, &Object{vecs[1], vecs[2], v[i*n : (i+1)*n]})
	}
	return b, f.Ints(t, "labels")
}

// read returns a variable's elements, those of padding rows zeroed if lengths
// are given.
func read(t *testing.T, v *autograd.Var, lengths []int32) []float32 {
	t.Helper()
	x, err := v.Value().ReadFloat32(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if lengths != nil {
		cols, width := v.Dim(1), v.Dim(2)
		for r, n := range lengths {
			clear(x[(r*cols+int(n))*width : (r+1)*cols*width])
		}
	}
	return x
}

func TestForwardMatchesPyTorch(t *testing.T) {
	f := golden.Open(t, "testdata")
	eachDevice(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		b, labels := goldenBatch(t, f)
		lengths := f.Ints(t, "lengths")
		tape := autograd.Inference(d)
		defer tape.Release()

		projected := m.project.forward(tape.Float32(f.Floats(t, "vecs"), 3*m.Projector.Tokens, m.Projector.Width))
		f.Check(t, "projected", read(t, projected, nil))
		x, err := m.Embed(tape, b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f.Check(t, "inputs_embeds", read(t, x, nil))
		h := m.LM.Forward(x, llama.Options{Trace: func(layer int, x *autograd.Var) {
			if layer == 0 {
				f.Check(t, "layer0_out", read(t, x, lengths))
			}
		}})
		n := m.LM.Norm(h)
		f.Check(t, "final_hidden", read(t, n, lengths))
		f.Check(t, "logits", read(t, m.LM.Logits(n), lengths))
		loss, err := m.Loss(tape, b, labels, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want float64
		f.Value(t, "loss", &want)
		if got := read(t, loss, nil)[0]; math.Abs(float64(got)-want) > 2e-5 {
			t.Errorf("loss %v, want %v", got, want)
		}
	})
}

func TestGradientsMatchPyTorch(t *testing.T) {
	f := golden.Open(t, "testdata")
	for _, c := range []struct {
		file       string
		options    Options
		trainable  func(string) bool
		checkpoint bool
	}{
		{"grads_all.safetensors", Options{}, func(string) bool { return true }, false},
		{"grads_all.safetensors", Options{}, func(string) bool { return true }, true},
		{"grads_stage1.safetensors", Options{PointTokensOnly: true}, Stage1Trainable, false},
		{"grads_stage1.safetensors", Options{PointTokensOnly: true}, Stage1Trainable, true},
	} {
		name := c.file
		if c.checkpoint {
			name += ", checkpointed"
		}
		t.Run(name, func(t *testing.T) {
			each := eachDevice
			if c.checkpoint { // the same operations once more
				each = onReference
			}
			each(t, func(t *testing.T, d kernels.Device) {
				m := open(t, d)
				m.Params.Freeze(c.trainable)
				b, labels := goldenBatch(t, f)
				tape := autograd.New(d, autograd.Options{Record: true, Training: true, Checkpoint: c.checkpoint})
				defer tape.Release()
				loss, err := m.Loss(tape, b, labels, c.options)
				if err != nil {
					t.Fatal(err)
				}
				tape.Backward(loss)
				checkGradients(t, m, f.Path(c.file))
			})
		})
	}
}

func checkGradients(t *testing.T, m *Model, path string) {
	t.Helper()
	src, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, p := range m.Params.Trainable() {
		x, err := src.Tensor(p.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		want, _ := x.Float32s()
		got, err := p.Grad.ReadFloat32(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for i, w := range want {
			largest = max(largest, math.Abs(float64(w)))
			if w == 0 && got[i] != 0 && p == m.LM.Table() {
				t.Fatalf("gradient %v of element %d of %s, want exactly 0", got[i], i, p.Name)
			}
		}
		golden.Close(t, p.Name, got, want, 1e-6+2e-3*largest, 0)
	}
	if got, want := len(m.Params.Trainable()), len(src.Names()); got != want {
		t.Errorf("%d parameters have gradients, want %d", got, want)
	}
}
