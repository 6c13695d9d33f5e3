// Package golden reads reference data for tests: a folder of .npy files with
// an expected.json that gives each array's tolerance. The folders were made
// with PyTorch 1.13.1 on a CPU in float32.
package golden

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/models/checkpoint"
)

// Folder is a folder of reference data.
type Folder struct {
	Dir    string
	Arrays map[string]struct {
		File       string
		Shape      []int
		ATol, RTol float64
	}
	Values map[string]json.RawMessage
}

// Open reads dir/expected.json.
func Open(t testing.TB, dir string) *Folder {
	t.Helper()
	f := &Folder{Dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(b, f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Path returns the path of a file in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Floats returns the elements of an array.
func (f *Folder) Floats(t testing.TB, name string) []float32 {
	t.Helper()
	v, err := f.tensor(t, name).Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Ints returns the elements of an integer array.
func (f *Folder) Ints(t testing.TB, name string) []int32 {
	t.Helper()
	v, err := f.tensor(t, name).Int64s()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}

// Shape returns an array's shape.
func (f *Folder) Shape(t testing.TB, name string) []int { return f.tensor(t, name).Shape }

func (f *Folder) tensor(t testing.TB, name string) *checkpoint.Tensor {
	t.Helper()
	x, err := checkpoint.ReadNPY(f.Path(name + ".npy"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Value decodes an entry of "values".
func (f *Folder) Value(t testing.TB, name string, into any) {
	t.Helper()
	raw, ok := f.Values[name]
	if !ok {
		t.Fatalf("%s has no value %q", f.Dir, name)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// Check compares got with the array called name within its tolerance.
func (f *Folder) Check(t testing.TB, name string, got []float32) {
	t.Helper()
	a, ok := f.Arrays[name]
	if !ok {
		t.Fatalf("%s has no array %q", f.Dir, name)
	}
	Close(t, name, got, f.Floats(t, name), a.ATol, a.RTol)
}

// Close fails unless |got - want| <= atol + rtol |want| for every element.
func Close(t testing.TB, name string, got, want []float32, atol, rtol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", name, len(got), len(want))
		return
	}
	bad, worst, at := 0, 0.0, 0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if e := d - atol - rtol*math.Abs(float64(w)); !(e <= 0) {
			bad++
			if !(e <= worst) {
				worst, at = e, i
			}
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d of %d elements off; element %d is %v, want %v", name, bad, len(want), at, got[at], want[at])
	}
}
