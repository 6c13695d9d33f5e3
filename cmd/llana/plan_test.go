package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What fits is on the GPU; what does not is elsewhere, and the sums are right.
func TestPlan(t *testing.T) {
	var rows []planJSON
	runJSON(t, &rows, "plan", "--published", "7b", "--device", "cpu")
	if len(rows) != 4*len(usualMemories) {
		t.Fatalf("%d rows, want 4 types of weights for %d memories", len(rows), len(usualMemories))
	}
	for _, r := range rows {
		if !r.Fits || r.Device > r.GPUMemory {
			t.Errorf("%+v does not fit", r)
		}
		if r.Resident == r.Layers && r.Host != 0 || r.Resident < r.Layers && r.Host == 0 {
			t.Errorf("%+v: %d of %d layers and %d bytes elsewhere", r, r.Resident, r.Layers, r.Host)
		}
		if sum := r.Device + r.Host; sum < r.WeightBytes+r.Cache+r.Activations {
			t.Errorf("%+v: the parts are more than device and host together", r)
		}
	}
	// 6,738,440,192 parameters and the projector's 9,451,520 (spec).
	if n := rows[0].WeightBytes; n != 4*(6738440192+9451520) {
		t.Errorf("float32 weights take %d bytes", n)
	}
	whole := rows[0].Cache
	runJSON(t, &rows, "plan", "--published", "7b", "--device", "cpu", "--cache", "f16")
	if got := rows[0].Cache; whole != 3637<<20 || 2*got != whole {
		t.Errorf("the cache takes %d bytes, in float16 %d", whole, got)
	}
	runJSON(t, &rows, "plan", "--model", bundled+"/spatial", "--gpu-memory", "1GiB", "--weights", "int8")
	if len(rows) != 1 || rows[0].Resident != 4 || rows[0].GPUMemory != 1<<30 {
		t.Errorf("bundled model: %+v", rows)
	}
}

// A folder without weights, as before a download, is planned by its configuration.
func TestPlanWithoutWeights(t *testing.T) {
	var with, without []planJSON
	args := []string{"--weights", "auto", "--gpu-memory", "1GiB"}
	runJSON(t, &with, append(args, "plan", "--model", bundled+"/spatial")...)
	dir := t.TempDir()
	for _, name := range []string{"config.json", "projector.yaml"} {
		b, err := os.ReadFile(filepath.Join(bundled, "spatial", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	runJSON(t, &without, append(args, "plan", "--model", dir)...)
	if with[0] != without[0] {
		t.Errorf("planned as %+v, with weights as %+v", without[0], with[0])
	}
}

func TestPlanFaults(t *testing.T) {
	wantFailure(t, llana(t, "", "plan", "--published", "70b"), exitUsage, "7b or 13b")
	wantFailure(t, llana(t, "", "plan", "--published", "7b", "--gpu-memory", "8 lots"), exitUsage, "8 lots", "8GiB")
	wantFailure(t, llana(t, "", "plan", "--published", "7b", "--cache", "int8"), exitUsage, "--cache \"int8\"")
	wantFailure(t, llana(t, "", "plan", "--published", "7b", "--weights", "auto"), exitUsage, "--model")
	wantFailure(t, llana(t, "", "plan", "--published", "7b", "--context", "-1"), exitUsage, "--context")
	wantFailure(t, llana(t, "", "plan", "--model", t.TempDir()), exitFailed, "config.json")
}

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int64{"8GiB": 8 << 30, "1.5 GiB": 3 << 29, "500MB": 5e8, "4096": 4096, "2KiB": 2048} {
		if got, err := parseBytes(s); err != nil || got != want {
			t.Errorf("%q gives %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "GiB", "-1GiB", "NaN", "1e300GiB", "0", "8 lots"} {
		if got, err := parseBytes(s); err == nil {
			t.Errorf("%q gives %d", s, got)
		}
	}
}

// A plan with too little memory says so before anything is loaded; with enough
// for some layers the answer is the same.
func TestGPUMemory(t *testing.T) {
	args := []string{"caption", "--model", bundled + "/spatial", "--nerf", bundled + "/heldout/test000003"}
	want := mustRun(t, args...)
	wantFailure(t, llana(t, "", append(args, "--gpu-memory", "1MiB")...), exitFailed, "memory", "1 MiB")
	var rows []planJSON
	runJSON(t, &rows, "plan", "--model", bundled+"/spatial", "--weights", "auto", "--context", "4096", "--gpu-memory", "1GiB")
	r := llana(t, "", append(args, "--gpu-memory", strconv.FormatInt(rows[0].Device-1, 10))...)
	if r.code != exitOK || r.out != want || !strings.Contains(r.err, "layers stay in the process' memory") {
		t.Errorf("with memory for some layers: %+v, want %q", r, want)
	}
}
