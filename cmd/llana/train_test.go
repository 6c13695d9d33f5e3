package main

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"llana/models/nerf"
	"llana/models/tokenizer"
	"llana/train"
)

// TestToyWorld goes the whole way in small: scenes, weights2space, tokens,
// language model, both stages, an answer. It checks that every step takes what
// the one before has made, not that anything is learnt.
func TestToyWorld(t *testing.T) {
	dir := t.TempDir()
	world := filepath.Join(dir, "toy")
	mustRun(t, "toyworld", "--out", world, "--scenes", "6", "--text-scenes", "8", "--seed", "5")
	vecs, nerfs := filepath.Join(world, "train", "vecs"), filepath.Join(world, "train", "nerfs")

	encoder := filepath.Join(dir, "w2s")
	config := writeFile(t, encoderConfig(world, encoder), dir, "w2s.yaml")
	var r trainingJSON
	runJSON(t, &r, "train", "weights2space", "--config", config, "--set", "num_epochs=2", "--set", "model.layers=1")
	if r.OutputDir != encoder || r.Last == nil || r.Last.Step != 5 {
		t.Fatalf("result %+v, want 6 steps in %s", r, encoder)
	}
	checkCurves(t, encoder)
	mustRun(t, "encode", "--weights2space", filepath.Join(encoder, "weights2space.safetensors"), "--out", vecs, nerfs)

	tok, err := tokenizer.Load(filepath.Join(world, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, fmt.Sprintf(`{"model_type": "llama", "hidden_act": "silu", "hidden_size": 16, "intermediate_size": 24,
		"num_hidden_layers": 1, "num_attention_heads": 2, "rms_norm_eps": 1e-5, "max_position_embeddings": 512,
		"vocab_size": %d, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}`, tok.VocabSize()), world, "tokenizer", "config.json")
	model := filepath.Join(world, "tokenizer")
	for _, stage := range []string{"text", "stage1", "stage2"} {
		out := filepath.Join(dir, stage)
		settings := []string{"model_name_or_path=" + model, "output_dir=" + out, "max_steps=2", "per_device_train_batch_size=2"}
		if stage == "text" {
			settings = append(settings, "train_file="+filepath.Join(world, "text_only.json"), "from_scratch=true")
		} else {
			settings = append(settings, "root="+world)
		}
		args := []string{"train", stage, "--config", writeFile(t, "logging_steps: 1\n", dir, stage+".yaml")}
		for _, s := range settings {
			args = append(args, "--set", s)
		}
		wantFailure(t, llana(t, "", append(args, "--set", "model_name_or_path=someone/none")...), exitFailed, "someone/none", "HF_HUB_OFFLINE")
		mustRun(t, args...)
		checkCurves(t, out)
		model = out
	}

	var answer captionJSON
	first := filepath.Join(nerfs, "train000000")
	runJSON(t, &answer, "caption", "--model", model, "--nerf", first, "--weights2space", filepath.Join(encoder, "weights2space.safetensors"), "--max-new-tokens", "3")
	var same captionJSON
	runJSON(t, &same, "caption", "--model", model, "--vec", filepath.Join(vecs, "train000000.npy"), "--max-new-tokens", "3")
	if len(answer.TokenIDs) == 0 || !slices.Equal(answer.TokenIDs, same.TokenIDs) {
		t.Errorf("from the NeRF %v, from its tokens %v: want the same", answer, same)
	}
}

func encoderConfig(world, out string) string {
	return fmt.Sprintf(`train_json: %s/train.json
output_dir: %s
supervision: points
batch_size: 2
num_points: 16
lr: 1e-3
logging_steps: 1
model: {hidden: [8], memory: 8, width: 8, num_heads: 2, ffn: 8, layers: 2, resolution: 2, decoder: 8, octaves: 2, dropout: 0}
`, world, out)
}

// checkCurves checks that a folder has a picture of its metrics.
func checkCurves(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "curves.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
}

// An interrupted training ends with 130 and draws its curves; resumed, it has
// the losses of one that was not interrupted.
func TestInterruptAndResume(t *testing.T) {
	dir := t.TempDir()
	world := filepath.Join(dir, "toy")
	mustRun(t, "toyworld", "--out", world, "--scenes", "4", "--text-scenes", "0")
	out, whole := filepath.Join(dir, "out"), filepath.Join(dir, "whole")
	const epochs = 400
	args := func(out string, more ...string) []string {
		config := writeFile(t, encoderConfig(world, out)+fmt.Sprintf("num_epochs: %d\n", epochs), out+".yaml")
		return append([]string{"train", "weights2space", "--config", config}, more...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		// The first lines are written while the training runs.
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			if m, err := train.ReadMetrics(filepath.Join(out, train.MetricsName)); err == nil && len(m) > 3 {
				return
			}
		}
	}()
	wantFailure(t, llanaContext(ctx, "", args(out)...), exitInterrupted, "interrupted after", "of 800 steps", out)
	checkCurves(t, out)
	mustRun(t, args(out, "--resume")...)
	mustRun(t, args(whole)...)
	got, want := losses(t, out), losses(t, whole)
	if len(want) != 2*epochs || !slices.Equal(got, want) {
		t.Errorf("%d losses after resuming, %d without an interruption, or they differ", len(got), len(want))
	}
}

func losses(t *testing.T, dir string) []float64 {
	t.Helper()
	metrics, err := train.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		t.Fatal(err)
	}
	var v []float64
	for _, m := range metrics {
		v = append(v, m.Loss)
	}
	return v
}

func TestNestedSetting(t *testing.T) {
	for in, want := range map[string]string{
		"lr=1e-3":           "lr=1e-3",
		"model.width=64":    "model={width: 64}",
		"a.b.c=[1, 2]":      "a={b: {c: [1, 2]}}",
		"output_dir=a=b.c":  "output_dir=a=b.c",
		"output_dir=x.yaml": "output_dir=x.yaml",
	} {
		if got, err := nestedSetting(in); err != nil || got != want {
			t.Errorf("%q becomes %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "lr", "=1"} {
		if got, err := nestedSetting(in); err == nil {
			t.Errorf("%q becomes %q, want an error", in, got)
		}
	}
}

// TestFitViews renders a bundled NeRF from a few sides and fits another NeRF
// to the pictures.
func TestFitViews(t *testing.T) {
	dir := t.TempDir()
	source := bundled + "/heldout/test000001"
	const size, views = 32, 6
	tr := nerf.Transforms{CameraAngleX: nerf.ShapeNetAngleX}
	for i := range views {
		c := nerf.Orbit(60*float64(i), 20, 2, size)
		var pose [][]float64
		for _, row := range c.Pose {
			pose = append(pose, row[:])
		}
		tr.Frames = append(tr.Frames, nerf.Frame{FilePath: fmt.Sprintf("train/%d", i), TransformMatrix: pose})
	}
	file := filepath.Join(dir, "transforms_train.json")
	if err := tr.Write(file); err != nil {
		t.Fatal(err)
	}
	for i := range views {
		mustRun(t, "nerf", "render", "--nerf", source, "--transforms", file, "--frame", fmt.Sprint(i), "--size", fmt.Sprint(size),
			"--out", filepath.Join(dir, "train", fmt.Sprintf("%d.png", i)))
	}
	weights, grid := filepath.Join(dir, "w.pth"), filepath.Join(dir, "g.pth")
	var r fitJSON
	runJSON(t, &r, "nerf", "fit", "--views", dir, "--out", weights, "--grid", grid, "--network", "toy",
		"--steps", "40", "--rays", "512", "--grid-resolution", "16", "--eval-views", "2")
	if psnr := r.PSNR["train"]; len(r.PSNR) != 1 || !(psnr > 10) {
		t.Errorf("PSNR %v, want one for the training views, above 10 dB", r.PSNR)
	}
	if _, err := nerf.ReadWeights(weights); err != nil {
		t.Error(err)
	}
	if _, err := nerf.ReadGrid(grid); err != nil {
		t.Error(err)
	}
	if out := strings.TrimSpace(mustRun(t, "nerf", "render", "--nerf", weights, "--grid", grid, "--turntable", "1", "--size", "8",
		"--out", filepath.Join(dir, "again.png"))); out != filepath.Join(dir, "again.png") {
		t.Errorf("output %q", out)
	}
}
