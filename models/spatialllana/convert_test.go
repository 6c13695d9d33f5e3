package spatialllana

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/models/checkpoint"
	"llana/tensor"
)

// Weights of another model in the folder do not get mixed in, and folders in the
// model's, links to them included, do not hinder.
func TestConvertReplaces(t *testing.T) {
	in, out := copyFolder(t, true), t.TempDir()
	other, err := checkpoint.FromTensors(
		checkpoint.FromFloat32("a", []int{600}, make([]float32, 600)), checkpoint.FromFloat32("b", []int{600}, make([]float32, 600)))
	must(t, err)
	must(t, checkpoint.WriteModel(out, other, 3000)) // in two files
	must(t, checkpoint.WriteTorch(filepath.Join(out, "pytorch_model.bin"), checkpoint.StateDict(checkpoint.FromFloat32("c", []int{1}, []float32{1}))))
	elsewhere := t.TempDir()
	must(t, os.WriteFile(filepath.Join(elsewhere, "note.txt"), []byte("a note"), 0o666))
	must(t, os.Mkdir(filepath.Join(in, "logs"), 0o777))
	if os.Symlink(elsewhere, filepath.Join(in, "linked")) == nil {
		must(t, os.Symlink(filepath.Join(elsewhere, "note.txt"), filepath.Join(in, "note.txt")))
	}

	must(t, Convert(context.Background(), in, out, Weights{DType: tensor.F16}, nil))
	a, err := checkpoint.Open(in)
	must(t, err)
	defer a.Close()
	b, err := checkpoint.Open(out)
	must(t, err)
	defer b.Close()
	want := slices.Sorted(slices.Values(a.Names()))
	if got := slices.Sorted(slices.Values(b.Names())); !slices.Equal(got, want) {
		t.Errorf("tensors %v, want %v", got, want)
	}
	left, err := filepath.Glob(filepath.Join(out, "model*"))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("weights in %v, want one file", left)
	}
	if _, err := os.Stat(filepath.Join(in, "note.txt")); err == nil {
		if b, err := os.ReadFile(filepath.Join(out, "note.txt")); err != nil || string(b) != "a note" {
			t.Errorf("a file behind a link came as %q, %v", b, err)
		}
	}
	m, err := Open(reference(), out, OpenOptions{})
	must(t, err)
	m.Free()
}

// The folder itself is refused under any name, before anything is written.
func TestConvertOntoItself(t *testing.T) {
	in := copyFolder(t, true)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(in, link); err != nil {
		t.Skip(err)
	}
	for _, c := range [][2]string{{in, link}, {link, in}, {in, in + "/."}} {
		err := Convert(context.Background(), c[0], c[1], Weights{DType: tensor.BF16}, nil)
		if err == nil || !strings.Contains(err.Error(), "own folder") {
			t.Errorf("%s to %s: error %v", c[0], c[1], err)
		}
	}
	src, err := checkpoint.Open(in)
	must(t, err)
	defer src.Close()
	if info, err := src.Info(src.Names()[0]); err != nil || info.DType != tensor.F32 {
		t.Errorf("%v, %v", info, err)
	}
}

// A conversion that is given up leaves what was there.
func TestConvertCancelled(t *testing.T) {
	in, out := copyFolder(t, true), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err := Convert(ctx, in, out, Weights{DType: tensor.BF16}, func(_ string, i, n int) {
		if i == n/2 {
			cancel()
		}
	})
	if err == nil {
		t.Error("no error")
	}
	left, err := os.ReadDir(out)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("files %v are left", left)
	}
}
