package weights2space_test

import (
	"context"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
	"llana/models/golden"
	"llana/models/weights2space"
	"llana/tensor"
)

// sidecar says what the golden checkpoint's tensors cannot tell.
var sidecar = weights2space.Sidecar{NumHeads: 4, Resolution: 4}

func open(t *testing.T, d kernels.Device, path string) *weights2space.Model {
	t.Helper()
	src, err := weights2space.OpenTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := weights2space.FromTensors(d, src, sidecar)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForward(t *testing.T) {
	g := golden.Open(t, "testdata")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, file := range []string{"ckpt.pt", "weights2space.safetensors"} {
			m := open(t, d, g.Path(file))
			defer m.Params.Free()
			tape := autograd.Inference(d)
			defer tape.Release()
			matrix := tape.Float32(g.Floats(t, "matrix"), g.Shape(t, "matrix")...)
			g.Check(t, "enc_out", read(t, m.Encode(matrix)))
			tokens := m.Tokens(matrix, nil)
			g.Check(t, "tokens", read(t, tokens))
			p := m.NewPoints(tape, g.Floats(t, "positions"), 2)
			g.Check(t, "plane_features", read(t, m.Features(tokens, p)))
			rgb, sigma := m.Decode(tokens, p)
			g.Check(t, "rgb", read(t, rgb))
			g.Check(t, "density", read(t, sigma))
		}
	})
}

func TestParameterCount(t *testing.T) {
	m := open(t, kernels.NewReference(tensor.F32), "testdata/ckpt.pt")
	if n := m.Params.Count(); n != 50488 {
		t.Errorf("%d parameters, want 50488", n)
	}
}

// The state dict must come back as it was, names, order and counters included.
func TestStateDict(t *testing.T) {
	d := kernels.NewReference(tensor.F32)
	m := open(t, d, "testdata/ckpt.pt")
	got, err := m.StateDict(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want, err := checkpoint.Open("testdata/weights2space.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want.Names()) {
		t.Errorf("%d tensors, want %d", len(got), len(want.Names()))
	}
	for _, x := range got {
		w, err := want.Tensor(x.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if string(w.Data) != string(x.Data) || w.DType != x.DType {
			t.Errorf("%s differs", x.Name)
		}
	}
}

func read(t *testing.T, v *autograd.Var) []float32 {
	t.Helper()
	f, err := v.Value().ReadFloat32(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}
