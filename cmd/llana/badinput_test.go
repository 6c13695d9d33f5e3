package main

import (
	"strings"
	"testing"

	"llana/models/golden"
)

// Files that are missing, cut short or of another kind fail with one line that
// names them.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	weights := nerfData + "/nerf_weights.pth"
	cut := truncated(t, weights, 5000)
	cutGrid := truncated(t, nerfData+"/grid.pth", 300)
	cutPoints := truncated(t, nerfData+"/query_points.npy", 200)
	cutEncoder := truncated(t, encoderData+"/ckpt.pt", 1000)
	cutTensors := truncated(t, encoderData+"/weights2space.safetensors", 1000)
	noFrames := writeFile(t, `{"camera_angle_x": 0.8, "frames": []}`, dir, "none.json")
	flat := writeFile(t, `{"camera_angle_x": 0.8, "frames": [{"file_path": "a", "transform_matrix": [[1]]}]}`, dir, "flat.json")
	notJSON := writeFile(t, "[1, 2", dir, "ids.json")
	beyond := writeFile(t, "[1, 99999]", dir, "beyond.json")
	misspelt := writeFile(t, "output_dir: x\nlearning_rat: 1\n", dir, "misspelt.yaml")
	lacking := writeFile(t, "output_dir: x\n", dir, "lacking.yaml")
	model, out := modelData+"/hf_model", dir+"/out"
	_, vec := goldenRow(t, golden.Open(t, modelData), t.TempDir())
	for _, c := range []struct {
		name, args string
		parts      []string
	}{
		{"no such NeRF", "nerf query --nerf " + dir + "/none.pth --points p.npy --out " + out, []string{"none.pth", "no such file"}},
		{"NeRF cut short", "nerf query --nerf " + cut + " --points p.npy --out " + out, []string{cut}},
		{"positions cut short", "nerf query --nerf " + weights + " --points " + cutPoints + " --out " + out, []string{cutPoints}},
		{"positions of another shape", "nerf query --nerf " + weights + " --points " + nerfData + "/matrix.npy --out " + out, []string{"matrix.npy", "[336 64]", "(N, 3)"}},
		{"grid cut short", "nerf render --nerf " + weights + " --grid " + cutGrid + " --turntable 1 --out " + out, []string{cutGrid}},
		{"cameras without frames", "nerf render --nerf " + weights + " --transforms " + noFrames + " --out " + out, []string{noFrames, "no frames"}},
		{"camera without pose", "nerf render --nerf " + weights + " --transforms " + flat + " --out " + out, []string{flat, "frame 0", "want 4"}},
		{"views without cameras", "nerf fit --views " + dir + " --out " + out, []string{"transforms_train.json"}},
		{"encoder cut short", "encode --weights2space " + cutEncoder + " --out " + out + ".npy " + weights, []string{cutEncoder}},
		{"tensors cut short", "encode --weights2space " + cutTensors + " --out " + out + ".npy " + weights, []string{cutTensors}},
		{"no NeRF in a folder", "encode --weights2space " + cutTensors + " --out " + out + " " + model, []string{model, "nerf_weights.pth"}},
		{"NeRF of another size", "encode --weights2space " + bundled + "/spatial/weights2space.safetensors --out " + out + ".npy " + weights, []string{weights, "336 x 64", "86 x 64"}},
		{"no model", "caption --model " + dir + " --vec " + modelData + "/vecs.npy", []string{"config.json"}},
		{"model that is nowhere", "caption --model " + dir + "/none --vec " + modelData + "/vecs.npy", []string{dir + "/none", "no such file", "owner/name"}},
		{"repository, offline", "tokenize --model someone/none text", []string{"someone/none: no such file or folder here", "HF_HUB_OFFLINE"}},
		{"no tokens, and the model far away", "caption --model someone/none --vec " + dir + "/none.npy", []string{"none.npy", "no such file"}},
		{"no NeRF, and the model far away", "caption --model someone/none --nerf " + dir + "/none.pth", []string{"none.pth"}},
		{"no ids, and the model far away", "logits --model someone/none --ids " + dir + "/absent.json --out " + out, []string{"absent.json"}},
		{"encoder offline", "encode --weights2space someone/none/w.pt --out " + out + ".npy " + weights, []string{"someone/none/w.pt", "HF_HUB_OFFLINE"}},
		{"no encoder", "caption --model " + model + " --nerf " + weights, []string{model, "--weights2space"}},
		{"tokens of another shape", "caption --model " + model + " --vec " + nerfData + "/matrix.npy", []string{"matrix.npy"}},
		{"prompt beyond the context", "caption --model " + model + " --vec " + vec + " --context 100", []string{"prompt of", "context of 100 tokens"}},
		{"ids cut short", "logits --model " + model + " --ids " + notJSON + " --out " + out, []string{notJSON, "JSON array"}},
		{"ids beyond the vocabulary", "logits --model " + model + " --ids " + beyond + " --out " + out, []string{beyond, "99999", "602"}},
		{"no tokenizer", "tokenize --model " + dir + " text", []string{"tokenizer.model"}},
		{"ids to decode beyond the vocabulary", "tokenize --model " + bundled + "/spatial --decode [1,99999]", []string{"id 99999 at 1", "619"}},
		{"no configuration", "train text --config " + dir + "/none.yaml", []string{"none.yaml", "no such file"}},
		{"misspelt key", "train stage1 --config " + misspelt, []string{misspelt, "line 2", "learning_rat"}},
		{"missing key", "train weights2space --config " + lacking, []string{lacking, "train_json"}},
		{"missing key of a stage", "train stage1 --config " + lacking, []string{"model_name_or_path"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, llana(t, "", strings.Fields(c.args)...), exitFailed, c.parts...)
		})
	}
}
