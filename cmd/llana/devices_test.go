package main

import (
	"math"
	"strings"
	"testing"

	"llana/cmd/llana/internal/bench"
)

func TestDevices(t *testing.T) {
	var list []deviceJSON
	runJSON(t, &list, "devices")
	auto := 0
	for _, d := range list {
		if d.Auto {
			auto++
		}
	}
	if len(list) == 0 || list[0].Device != "cpu" || auto != 1 {
		t.Errorf("devices %+v, want the processor first and one that auto takes", list)
	}
	if out := mustRun(t, "devices"); !strings.Contains(out, list[0].Name) {
		t.Errorf("no %q in %q", list[0].Name, out)
	}
}

func TestVerify(t *testing.T) {
	var r verifyJSON
	runJSON(t, &r, "verify", "matmul", "unary", "relu")
	if !r.Passed || len(r.Kernels) != 2 || len(r.Gradients) != 2 {
		t.Errorf("%+v, want two kernels and two gradients, all passed", r)
	}
	for _, c := range append(r.Kernels, r.Gradients...) {
		if c.Cases == 0 || c.Error > 1 {
			t.Errorf("%+v, want cases within their tolerances", c)
		}
	}
	if out := mustRun(t, "verify", "relu"); !strings.Contains(out, "checks passed") || !strings.Contains(out, "relu") {
		t.Errorf("table %q", out)
	}
}

// A failed check is counted, named and makes the command fail.
func TestVerifyFailure(t *testing.T) {
	var out, errs strings.Builder
	a := &app{out: &out, err: &errs}
	var c checks
	c.add("broken", "odd", math.Inf(1), usagef("element 3 is 1,\nwant 2"))
	c.add("broken", "even", 0.5, nil)
	err := a.printChecks("some device", c, nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 checks failed") {
		t.Errorf("error %v, want that 1 of 2 checks failed", err)
	}
	if !strings.Contains(out.String(), "1 FAILED: odd: element 3 is 1,; want 2") {
		t.Errorf("table %q does not show the failure", out.String())
	}
	a.json = true
	if err := a.printChecks("some device", c, nil); err == nil {
		t.Error("no error with --json")
	}
}

func TestBench(t *testing.T) {
	var rs []bench.Result
	runJSON(t, &rs, "bench", "--budget", "1ms", "--threads", "1",
		"matmul/f32/8x16x32", "matvec/f32/16x8", "attention/backward/1x9x2x5", "attention/decode/1x9x2x5", "kernel/argmax")
	if len(rs) != 5 {
		t.Fatalf("%d results, want 5", len(rs))
	}
	for _, r := range rs {
		if r.Seconds <= 0 || r.GFLOPs <= 0 || r.GBps <= 0 || r.CeilingShare <= 0 || r.PeakBytes <= 0 || r.Threads != 1 || r.Device == "" {
			t.Errorf("%+v: something was not measured", r)
		}
	}
	// x (8, 32), weights (16, 32) and the product (8, 16), 4 bytes each.
	if want := int64(4 * (8*32 + 16*32 + 8*16)); rs[0].PeakBytes != want {
		t.Errorf("%s held %d bytes, want %d", rs[0].Case, rs[0].PeakBytes, want)
	}
	if out := mustRun(t, "bench", "--list"); !strings.Contains(out, "llama110m/train512") {
		t.Errorf("list %q", out)
	}
}

// Every case has its own name, and the name finds it.
func TestBenchNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range bench.Cases() {
		if seen[c.Name] || strings.ContainsAny(c.Name, " ,") {
			t.Errorf("case %q is there twice, or cannot be typed", c.Name)
		}
		seen[c.Name] = true
		found, err := bench.Select([]string{c.Name})
		if err != nil || len(found) == 0 || found[0].Name != c.Name {
			t.Errorf("case %q is not found by its name", c.Name)
		}
	}
}
