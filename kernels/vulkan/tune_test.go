//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"llana/kernels"
	"llana/tensor"
)

// launchProduct launches a product whose result is k everywhere.
func launchProduct(t *testing.T, d *device, m, n, k int) {
	t.Helper()
	a, b := tensor.New(d, tensor.F32, m, k), tensor.New(d, tensor.F32, n, k)
	for _, x := range []*tensor.Tensor{a, b} {
		ones := make([]float32, x.Len())
		for i := range ones {
			ones[i] = 1
		}
		x.SetFloat32(ones)
	}
	y := kernels.Run(d, kernels.MatMul, kernels.MatMulParams{TransB: true}, a, b)[0]
	check(t, y, func(int) float32 { return float32(k) })
	for _, x := range []*tensor.Tensor{a, b, y} {
		x.Free()
	}
}

// onTrial makes d choose by trials, and keep the choices in dir.
func onTrial(t *testing.T, dir string) *device {
	t.Helper()
	t.Setenv("LLANA_TUNE", "off")
	d := openTest(t)
	d.tuning.choices = openChoices(dir, d.info)
	return d
}

// Every class of shapes is tried once, and never again where the choice is kept.
func TestTrial(t *testing.T) {
	dir := t.TempDir()
	d := onTrial(t, dir)
	before := d.Stats().Live
	for _, s := range []struct{ m, n, k, trials int }{
		{20, 36, 24, 1}, {24, 33, 20, 1}, {70, 36, 24, 2}, {1, 36, 24, 3}, {1, 36, 24, 3},
	} {
		launchProduct(t, d, s.m, s.n, s.k)
		if d.tuning.trials != s.trials {
			t.Errorf("%d trials up to %+v", d.tuning.trials, s)
		}
	}
	if live := d.Stats().Live; live != before {
		t.Errorf("live bytes went from %d to %d", before, live)
	}
	kept := d.tuning.choices.by
	if len(kept) != 3 {
		t.Errorf("choices %v", kept)
	}

	again := onTrial(t, dir)
	launchProduct(t, again, 20, 36, 24)
	launchProduct(t, again, 1, 36, 24)
	if again.tuning.trials != 0 {
		t.Errorf("%d trials where choices are kept", again.tuning.trials)
	}
	for k, v := range kept {
		if again.tuning.choices.by[k] != v {
			t.Errorf("%s: %q is kept, %q was read", k, v, again.tuning.choices.by[k])
		}
	}
}

// A trial for which there is no memory is not repeated at every launch, nor is
// its preset kept in the file.
func TestTrialFails(t *testing.T) {
	dir := t.TempDir()
	d := onTrial(t, dir)
	a, b := tensor.New(d, tensor.F32, 20, 24), tensor.New(d, tensor.F32, 36, 24)
	y := tensor.New(d, tensor.F32, 20, 36)
	call := &kernels.Call{Op: kernels.MatMul, P: kernels.MatMulParams{TransB: true}, In: []*tensor.Tensor{a, b}, Out: []*tensor.Tensor{y}}
	limit := d.pool.limit
	d.pool.limit = 1
	for range 3 {
		if got := (picker{d, call}).Pick("matmul", "class", "64x64", []string{"64x64", "32x32"}); got != "64x64" {
			t.Errorf("picked %s", got)
		}
	}
	d.pool.limit = limit
	if d.tuning.trials != 1 || d.Err() != nil {
		t.Errorf("%d trials, error %v", d.tuning.trials, d.Err())
	}
	if by := openChoices(dir, d.info).by; len(by) != 0 {
		t.Errorf("the file holds %v", by)
	}
}

// A damaged file is made anew; a choice that does not exist is not taken.
func TestChoicesDamaged(t *testing.T) {
	for _, damage := range []string{"", "{", `{"choices": 3}`, `{"choices": {"matmul float32 tb 1x32x64x32": "7x7"}}`} {
		dir := t.TempDir()
		d := onTrial(t, dir)
		if err := os.WriteFile(d.tuning.choices.path, []byte(damage), 0o666); err != nil {
			t.Fatal(err)
		}
		d.tuning.choices = openChoices(dir, d.info)
		launchProduct(t, d, 20, 36, 24)
		if d.tuning.trials != 1 {
			t.Errorf("%q: %d trials", damage, d.tuning.trials)
		}
		for k, v := range openChoices(dir, d.info).by {
			if v == "7x7" || !strings.HasPrefix(k, "matmul ") {
				t.Errorf("%q: kept %s: %s", damage, k, v)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("%q: files %v, %v", damage, left, err)
		}
		d.Close()
	}
}

// Two runs that choose at a time agree afterwards.
func TestChoicesMeet(t *testing.T) {
	dir, info := t.TempDir(), kernels.Info{Name: "a", Driver: "b"}
	names := []string{"x", "y", "z"}
	one, two := openChoices(dir, info), openChoices(dir, info)
	if got := one.keep(info, "op class", "x", names); got != "x" {
		t.Errorf("kept %q", got)
	}
	if got := two.keep(info, "op class", "y", names); got != "x" {
		t.Errorf("the second run kept %q beside x", got)
	}
	two.keep(info, "op other", "z", names)
	if by := openChoices(dir, info).by; len(by) != 2 {
		t.Errorf("the file holds %v", by)
	}
	if by := openChoices(dir, kernels.Info{Name: "a", Driver: "c"}).by; len(by) != 0 {
		t.Errorf("another driver has %v", by)
	}
	// What a run has chosen stays, whatever another writes into the file.
	three := openChoices(dir, info)
	if err := three.write(choicesFile{Choices: map[string]string{"op class": "z"}}); err != nil {
		t.Fatal(err)
	}
	if two.keep(info, "op third", "y", names); two.by["op class"] != "x" {
		t.Errorf("a run went over from x to %s", two.by["op class"])
	}
	// Without a place, choices last as long as the run.
	nowhere := openChoices("", info)
	if nowhere.keep(info, "op class", "x", names) != "x" || nowhere.by["op class"] != "x" {
		t.Error("a choice was lost")
	}
}

// LLANA_TUNE forces variants, where an operation has them.
func TestTuneForced(t *testing.T) {
	t.Setenv("LLANA_TUNE", "128x64, 16lanes")
	d := openTest(t)
	for _, c := range []struct {
		m    int
		want string
	}{{20, "TILE_M=128 TILE_N=64"}, {1, "lanes=16"}} {
		a, b := tensor.New(d, tensor.F32, c.m, 24), tensor.New(d, tensor.F32, 36, 24)
		out := tensor.New(d, tensor.F32, c.m, 36)
		call := &kernels.Call{Op: kernels.MatMul, P: kernels.MatMulParams{TransB: true}, In: []*tensor.Tensor{a, b}, Out: []*tensor.Tensor{out}}
		planned := kernels.PlanTuned(call, d.info.Limits, picker{d, call}).Dispatches[0]
		key := planned.Key()
		if planned.Shader == "matvec" {
			key = fmt.Sprintf("lanes=%d", planned.Params[5])
		}
		if !strings.Contains(key, c.want) {
			t.Errorf("%d rows: planned %s", c.m, key)
		}
	}
}

// Tiles of all sizes add in the same order.
func TestTilesAgree(t *testing.T) {
	d := openTest(t)
	const m, n, k = 70, 44, 1100 // in two parts
	r := rand.New(rand.NewPCG(3, 4))
	random := func(shape ...int) *tensor.Tensor {
		v := make([]float32, tensor.Numel(shape))
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return tensor.Float32(d, v, shape...)
	}
	a, b := random(m, k), random(n, k)
	var first []float32
	for _, tile := range []string{"128x128", "128x64", "64x64", "32x32"} {
		y := tensor.New(d, tensor.F32, m, n)
		call := &kernels.Call{Op: kernels.MatMul, P: kernels.MatMulParams{TransB: true}, In: []*tensor.Tensor{a, b}, Out: []*tensor.Tensor{y}, Variant: tile}
		if !slices.Contains(kernels.Variants(call, d.info.Limits), tile) {
			t.Fatalf("no variant %s", tile)
		}
		d.Launch(call)
		got := read(t, y)
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) {
			t.Errorf("%s gives other bits", tile)
		}
	}
}
