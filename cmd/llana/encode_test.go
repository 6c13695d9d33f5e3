package main

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A folder of NeRFs is encoded into a folder; what is whole there is kept, what
// is not is made again, and every NeRF gets the tokens it gets alone.
func TestEncodeFolder(t *testing.T) {
	dir := t.TempDir()
	nerfs := filepath.Join(dir, "nerfs")
	for _, id := range []string{"test000000", "test000001", "test000002"} {
		if err := os.CopyFS(filepath.Join(nerfs, id), os.DirFS(filepath.Join(bundled, "heldout", id))); err != nil {
			t.Fatal(err)
		}
	}
	encoder := bundled + "/spatial/weights2space.safetensors"
	out, alone := filepath.Join(dir, "vecs"), filepath.Join(dir, "alone.npy")
	args := []string{"encode", "--weights2space", encoder, "--out", out, nerfs}
	var r encodedJSON
	runJSON(t, &r, args...)
	if r.Encoded != 3 || r.Skipped != 0 {
		t.Fatalf("first run: %+v, want 3 encoded", r)
	}
	mustRun(t, "encode", "--weights2space", encoder, "--out", alone, filepath.Join(nerfs, "test000001"))
	shape, want := readNPY(t, alone)
	file := filepath.Join(out, "test000001.npy")
	if s, got := readNPY(t, file); !slices.Equal(s, shape) || !slices.Equal(got, want) || !slices.Equal(shape, r.Shape) {
		t.Errorf("in a folder a NeRF gets other tokens than alone")
	}
	if err := os.Truncate(file, 1000); err != nil {
		t.Fatal(err)
	}
	runJSON(t, &r, args...)
	if r.Encoded != 1 || r.Skipped != 2 {
		t.Errorf("with one file cut short: %+v, want 1 encoded and 2 skipped", r)
	}
	if _, got := readNPY(t, file); !slices.Equal(got, want) {
		t.Errorf("the file cut short was not made again")
	}
	runJSON(t, &r, append(args, "--overwrite")...)
	if r.Encoded != 3 {
		t.Errorf("with --overwrite: %+v, want 3 encoded", r)
	}
	twice := llana(t, "", append(args, filepath.Join(bundled, "heldout", "test000001"))...)
	wantFailure(t, twice, exitFailed, "same object id", "test000001")
}

func TestTurntable(t *testing.T) {
	dir := t.TempDir()
	args := []string{"nerf", "render", "--nerf", bundled + "/heldout/test000000", "--turntable", "3", "--size", "16"}
	var r struct{ Files []string }
	folder, sheet := filepath.Join(dir, "views"), filepath.Join(dir, "views.png")
	runJSON(t, &r, append(args, "--out", folder)...)
	if len(r.Files) != 3 {
		t.Fatalf("files %v, want 3", r.Files)
	}
	raw := filepath.Join(dir, "raw.npy")
	mustRun(t, append(args, "--out", sheet, "--raw", raw)...)
	for path, want := range map[string][2]int{r.Files[2]: {16, 16}, sheet: {32, 32}} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != want[0] || b.Dy() != want[1] {
			t.Errorf("%s: %v, want %v", path, b, want)
		}
	}
	shape, v := readNPY(t, raw)
	if want := []int{3, 16, 16, 4}; !slices.Equal(shape, want) {
		t.Errorf("raw shape %v, want %v", shape, want)
	}
	opaque := 0
	for i := 3; i < len(v); i += 4 {
		if v[i] > 0.5 {
			opaque++
		}
	}
	if opaque == 0 {
		t.Errorf("nothing is seen")
	}
}
