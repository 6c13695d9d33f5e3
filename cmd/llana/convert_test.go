package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"llana/models/checkpoint"
	"llana/tensor"
)

// A model converted to integers or 16-bit numbers is a folder like any other,
// smaller, with the same answers.
func TestConvertFolder(t *testing.T) {
	spatial, scene := bundled+"/spatial", bundled+"/heldout/test000003"
	want := mustRun(t, "caption", "--model", spatial, "--nerf", scene)
	for _, c := range []struct {
		weights string
		stored  tensor.DType
	}{{"bf16", tensor.BF16}, {"int8", tensor.Q8}, {"int4", tensor.Q4}} {
		out := filepath.Join(t.TempDir(), "model")
		var r struct {
			Tensors map[string]int
			Bytes   int64
		}
		runJSON(t, &r, "convert", "--in", spatial, "--out", out, "--weights", c.weights)
		if r.Tensors[c.stored.String()] == 0 {
			t.Errorf("%s: types %v", c.weights, r.Tensors)
		}
		if got := mustRun(t, "caption", "--model", out, "--nerf", scene); got != want {
			t.Errorf("%s: answer %q, want %q", c.weights, got, want)
		}
		// Once converted or on the way: the same numbers.
		a, b := filepath.Join(t.TempDir(), "a.npy"), filepath.Join(t.TempDir(), "b.npy")
		ids := filepath.Join(t.TempDir(), "ids.json")
		if err := os.WriteFile(ids, []byte("[1, 5, 9, 30, 7]"), 0o666); err != nil {
			t.Fatal(err)
		}
		mustRun(t, "logits", "--model", out, "--ids", ids, "--out", a)
		mustRun(t, "logits", "--model", spatial, "--weights", c.weights, "--ids", ids, "--out", b)
		_, x := readNPY(t, a)
		_, y := readNPY(t, b)
		for i := range x {
			// bf16 rounds norms and projector too when a folder is converted.
			if d := x[i] - y[i]; d > 0.2 || d < -0.2 || c.weights != "bf16" && d != 0 {
				t.Errorf("%s: logit %d is %v from the converted folder, %v when converted on the way", c.weights, i, x[i], y[i])
				break
			}
		}
	}
}

func TestConvertWritesType(t *testing.T) {
	out := filepath.Join(t.TempDir(), "model")
	mustRun(t, "convert", "--in", bundled+"/spatial", "--out", out, "--weights", "f16")
	b, err := os.ReadFile(filepath.Join(out, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		DType string `json:"torch_dtype"`
	}
	if err := json.Unmarshal(b, &c); err != nil || c.DType != "float16" {
		t.Errorf("torch_dtype %q, %v", c.DType, err)
	}
}

// A state dict goes from one format to the other and back, sidecar included.
func TestConvertFile(t *testing.T) {
	in := bundled + "/spatial/weights2space.safetensors"
	dir := t.TempDir()
	pt, back := filepath.Join(dir, "a", "w.pt"), filepath.Join(dir, "b", "w.safetensors")
	mustRun(t, "convert", "--in", in, "--out", pt)
	mustRun(t, "convert", "--in", pt, "--out", back)
	a, err := checkpoint.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := checkpoint.Open(back)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if len(a.Names()) != len(b.Names()) {
		t.Errorf("%d tensors came back as %d", len(a.Names()), len(b.Names()))
	}
	for _, n := range a.Names() {
		x, err := a.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		if string(x.Data) != string(y.Data) || x.DType != y.DType {
			t.Errorf("%s changed", n)
		}
	}
	mustRun(t, "encode", "--weights2space", pt, "--out", filepath.Join(dir, "v.npy"), bundled+"/heldout/test000003")
}

func TestConvertFaults(t *testing.T) {
	dir := t.TempDir()
	spatial := bundled + "/spatial"
	wantFailure(t, llana(t, "", "convert", "--in", spatial, "--out", spatial), exitFailed, "own folder")
	wantFailure(t, llana(t, "", "convert", "--in", spatial, "--out", dir, "--weights", "int3"), exitUsage, "int3", "int4")
	wantFailure(t, llana(t, "", "convert", "--in", filepath.Join(dir, "none"), "--out", dir), exitFailed, "none")
	file := spatial + "/weights2space.safetensors"
	wantFailure(t, llana(t, "", "convert", "--in", file, "--out", filepath.Join(dir, "x.onnx")), exitUsage, ".safetensors")
	wantFailure(t, llana(t, "", "convert", "--in", file, "--out", filepath.Join(dir, "x.pt"), "--weights", "int8"), exitUsage, "model folders")

	broken := filepath.Join(dir, "broken")
	if err := os.CopyFS(broken, os.DirFS(spatial)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(broken, "model.safetensors"), 5000); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	wantFailure(t, llana(t, "", "convert", "--in", broken, "--out", out), exitFailed, "model.safetensors")
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 {
		t.Errorf("a failed conversion left %v", left)
	}
}
