package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"llana/infer/eval"
	"llana/infer/metrics"
)

// evalWorld makes a small toy world with the bundled encoder's tokens.
func evalWorld(t *testing.T, scenes string) string {
	t.Helper()
	world := filepath.Join(t.TempDir(), "toy")
	mustRun(t, "toyworld", "--out", world, "--scenes", "1", "--val", "0", "--test", scenes, "--text-scenes", "0")
	mustRun(t, "encode", "--weights2space", bundled+"/spatial/weights2space.safetensors",
		"--out", filepath.Join(world, "shapenerf_test", "vecs"), filepath.Join(world, "shapenerf_test", "nerfs"))
	return world
}

// A benchmark is run, in shards too, and its questions of the spatial folder
// are scored.
func TestEvalRun(t *testing.T) {
	world, dir := evalWorld(t, "4"), t.TempDir()
	run := func(out string, args ...string) []string {
		return append([]string{"eval", "run", "--model", bundled + "/spatial", "--data", world, "--out", filepath.Join(dir, out)}, args...)
	}
	var r eval.Result
	runJSON(t, &r, run("qa.json", "--split", "shapenerf_test", "--text-data", "single_round")...)
	p, err := metrics.ReadPredictions(filepath.Join(dir, "qa.json"))
	if err != nil || len(p) != r.Questions || len(p) < 20 || p[0].ObjectID != "test000000" {
		t.Fatalf("%d predictions, %v; the result is %+v", len(p), err, r)
	}
	same := 0
	for _, p := range p {
		if p.ModelOutput == p.GroundTruth {
			same++
		}
	}
	if same < len(p)/2 {
		t.Errorf("%d of %d answers are the true ones: %+v", same, len(p), p[:3])
	}
	for _, shard := range []string{"2/3", "1/3", "3/3"} {
		mustRun(t, run("parts.json", "--split", "shapenerf_test", "--text-data", "single_round", "--shard", shard, "--batch", "1")...)
	}
	mustRun(t, "eval", "merge", "--out", filepath.Join(dir, "parts.json"))
	a, _ := os.ReadFile(filepath.Join(dir, "qa.json"))
	b, err := os.ReadFile(filepath.Join(dir, "parts.json"))
	if err != nil || string(a) != string(b) {
		t.Errorf("merged shards differ from one run: %v", err)
	}
	out := mustRun(t, run("mc.json", "--split", "spatial_objanerf", "--text-data", "multi_choice")...)
	for _, part := range []string{"RELATION", "all", "llana's own protocol", "_evaluated_multi_choice.json"} {
		if !strings.Contains(out, part) {
			t.Errorf("output %q does not say %q", out, part)
		}
	}
	wantFailure(t, llana(t, "", run("qa.json", "--split", "shapenerf_test", "--text-data", "single_round", "--max-new-tokens", "3")...), exitFailed,
		"qa.journal.jsonl", "other settings", "max_new_tokens is 512, not 3", "--overwrite")
	wantFailure(t, llana(t, "", run("qa.json", "--split", "shapenerf_test", "--text-data", "single_round", "--weights", "int8")...), exitFailed,
		"other settings", "weights is auto, not int8")
}

// A run that is interrupted ends with 130 and says where its answers are; the
// same command goes on.
func TestEvalRunInterrupted(t *testing.T) {
	world, out := evalWorld(t, "6"), filepath.Join(t.TempDir(), "out.json")
	args := []string{"eval", "run", "--model", bundled + "/spatial", "--data", world, "--split", "shapenerf_test", "--text-data", "single_round", "--batch", "1"}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			if b, _ := os.ReadFile(eval.JournalName(out)); strings.Count(string(b), "\n") > 3 {
				return
			}
		}
	}()
	wantFailure(t, llanaContext(ctx, "", append(args, "--out", out)...), exitInterrupted, "interrupted after", eval.JournalName(out), "goes on")
	if _, err := os.Stat(out); err == nil {
		t.Error("an interrupted run has results")
	}
	var r eval.Result
	runJSON(t, &r, append(args, "--out", out)...)
	whole := filepath.Join(t.TempDir(), "whole.json")
	mustRun(t, append(args, "--out", whole)...)
	a, _ := os.ReadFile(out)
	b, err := os.ReadFile(whole)
	if err != nil || string(a) != string(b) || r.Resumed < 3 || r.Resumed >= r.Questions {
		t.Errorf("after resuming %+v the results differ from those of one run, %v", r, err)
	}
}

// The default name has the kind of text.
func TestEvalRunDefaultName(t *testing.T) {
	f := evalRunFlags{model: "models/Spatial-LLaNA-7B/", split: "shapenerf_test", text: "detailed_description"}
	f.shard, f.turns = "1/1", eval.TurnsFirst
	f.samplingFlags.register(&cobra.Command{}) // sets the defaults
	f.storageFlags.register(&cobra.Command{})
	task, _, err := f.options(0)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := f.results(task); err != nil || filepath.ToSlash(out) != "evaluation_results/Spatial-LLaNA-7B/shapenerf_test_detailed_description.json" {
		t.Errorf("results go to %s (%v)", out, err)
	}
}

func TestEvalRunUsage(t *testing.T) {
	base := "eval run --model m --data d --split "
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"eval run --model m --data d", []string{`"split" not set`}},
		{base + "pointllm_test", []string{"--split", `"pointllm_test"`, "shapenerf_test, hst, objanerf_pointllm_test, objanerf_gpt4point_test, spatial_objanerf"}},
		{base + "shapenerf_test --text-data nonsense", []string{`"nonsense"`, "brief_description, detailed_description, single_round"}},
		{base + "spatial_objanerf --text-data nonsense", []string{"spatial_descriptions, multi_choice"}},
		{base + "hst --shard 5/4", []string{"--shard", "2/4"}},
		{base + "hst --shard x", []string{"--shard"}},
		{base + "hst --turns all", []string{"--turns", "copy"}},
		{base + "hst --batch -1", []string{"--batch"}},
		{base + "hst --temperature -1", []string{"temperature"}},
		{base + "hst --context -1", []string{"context"}},
		{"eval merge", []string{`"out" not set`}},
	} {
		wantFailure(t, llana(t, "", strings.Fields(c.args)...), exitUsage, c.parts...)
	}
	dir := t.TempDir()
	wantFailure(t, llana(t, "", "eval", "run", "--model", bundled+"/spatial", "--data", dir, "--split", "hst"), exitFailed, "hst_dataset_filtered.json", "missing")
	wantFailure(t, llana(t, "", "eval", "run", "--model", bundled+"/spatial", "--data", dir+"/none", "--split", "hst"), exitFailed, "none", "no such file")
	wantFailure(t, llana(t, "", "eval", "merge", "--out", dir+"/out.json"), exitFailed, "out.json", "no shards")
}
