package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llana/infer/eval"
)

// checkedJSON is what data check prints with --json.
type checkedJSON struct {
	Root   string
	Faults []eval.Fault
	Files  []eval.FileCount
	OK     bool
}

// A toy world is checked before its tokens are made and after; what is taken
// out of it is named.
func TestDataCheck(t *testing.T) {
	world := filepath.Join(t.TempDir(), "toy")
	mustRun(t, "toyworld", "--out", world, "--scenes", "2", "--text-scenes", "0")
	if out := mustRun(t, "data", "check", world); !strings.Contains(out, "objects to encode") || !strings.Contains(out, "complete and well formed") {
		t.Errorf("before encoding: %s", out)
	}
	for _, split := range []string{"train", "val", "shapenerf_test"} {
		mustRun(t, "encode", "--weights2space", bundled+"/spatial/weights2space.safetensors",
			"--out", filepath.Join(world, split, "vecs"), filepath.Join(world, split, "nerfs"))
	}
	for _, args := range [][]string{nil, {"--tokens", "108x64"}, {"--model", bundled + "/spatial"}, {"--model", bundled + "/pooled"}, {"--split", "train", "--split", "val"}} {
		var r checkedJSON
		runJSON(t, &r, append([]string{"data", "check", world}, args...)...)
		if !r.OK || len(r.Faults) != 0 || len(r.Files) < 4 || r.Files[0].Tokens != 2 {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := llana(t, "", "data", "check", world, "--tokens", "3072x516", "--max-faults", "1"); r.code != exitFailed ||
		!strings.Contains(r.out, "want (3072, 516)") || !strings.Contains(r.out, "1 more") || !strings.Contains(r.err, "faults") {
		t.Errorf("tokens of another shape: exit status %d, %s, %s", r.code, r.out, r.err)
	}
	missing := filepath.Join(world, "train", "vecs", "train000001.npy")
	if err := os.Remove(missing); err != nil {
		t.Fatal(err)
	}
	r := llana(t, "", "data", "check", world)
	if r.code != exitFailed || !strings.Contains(r.out, `record 1, object "train000001"`) || !strings.Contains(r.out, missing) || !strings.HasPrefix(r.err, "llana: ") {
		t.Errorf("missing tokens: exit status %d, %s, %s", r.code, r.out, r.err)
	}
}

func TestDataCheckUsage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"data", []string{"needs a command", "check"}},
		{"data check", []string{"1 arg"}},
		{"data check " + dir + " --split pointllm_test", []string{"pointllm_test", "objanerf_pointllm_test", "hst"}},
		{"data check " + dir + " --tokens 3072", []string{"3072x516"}},
		{"data check " + dir + " --tokens 1x1 --model m", []string{"tokens", "model"}},
	} {
		wantFailure(t, llana(t, "", strings.Fields(c.args)...), exitUsage, c.parts...)
	}
	wantFailure(t, llana(t, "", "data", "check", dir+"/none"), exitFailed, "none", "no such file")
	wantFailure(t, llana(t, "", "data", "check", dir, "--model", dir), exitFailed, "config.json")
}
