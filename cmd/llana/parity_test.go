package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/infer"
	"llana/models/checkpoint"
	"llana/models/golden"
)

// The commands give PyTorch's numbers for the reference data of the packages.

func TestQueryParity(t *testing.T) {
	g := golden.Open(t, nerfData)
	out := filepath.Join(t.TempDir(), "q.npy")
	mustRun(t, "nerf", "query", "--nerf", g.Path("nerf_weights.pth"), "--points", g.Path("query_points.npy"), "--out", out)
	shape, v := readNPY(t, out)
	if fmt.Sprint(shape) != "[64 4]" {
		t.Fatalf("shape %v, want [64 4]", shape)
	}
	var rgb, density []float32
	for i := 0; i < len(v); i += 4 {
		rgb, density = append(rgb, v[i:i+3]...), append(density, v[i+3])
	}
	g.Check(t, "query_rgb", rgb)
	g.Check(t, "query_density", density)
}

func TestRenderParity(t *testing.T) {
	g := golden.Open(t, nerfData)
	dir := t.TempDir()
	var camera struct {
		TransformMatrix [][]float64 `json:"transform_matrix"`
		CameraAngleX    float64     `json:"camera_angle_x"`
		Width, Height   int
	}
	g.Value(t, "camera", &camera)
	transforms, err := json.Marshal(map[string]any{"camera_angle_x": camera.CameraAngleX,
		"frames": []any{map[string]any{"file_path": "none", "transform_matrix": camera.TransformMatrix}}})
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, string(transforms), dir, "transforms.json")
	bg := strings.Trim(strings.ReplaceAll(fmt.Sprint(g.Floats(t, "bkgd")), " ", ","), "[]")
	raw := filepath.Join(dir, "raw.npy")
	mustRun(t, "nerf", "render", "--nerf", g.Path("nerf_weights.pth"), "--grid", g.Path("grid.pth"), "--transforms", file,
		"--size", fmt.Sprint(camera.Width), "--background", bg, "--out", filepath.Join(dir, "view.png"), "--raw", raw)
	shape, v := readNPY(t, raw)
	if want := []int{camera.Width, camera.Width, 4}; !slices.Equal(shape, want) || camera.Width != camera.Height {
		t.Fatalf("shape %v, want %v", shape, want)
	}
	var colour, opacity []float32
	xy := g.Ints(t, "pixel_xy")
	for i := 0; i < len(xy); i += 2 {
		px := v[4*(int(xy[i+1])*camera.Width+int(xy[i])):]
		colour, opacity = append(colour, px[:3]...), append(opacity, px[3])
	}
	g.Check(t, "render_grid_vis_color", colour)
	g.Check(t, "render_grid_vis_opacity", opacity)
}

func TestEncodeParity(t *testing.T) {
	g := golden.Open(t, encoderData)
	dir := t.TempDir()
	for _, name := range []string{"ckpt.pt", "weights2space.safetensors"} {
		b, err := os.ReadFile(g.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		ckpt := writeFile(t, string(b), dir, name)
		writeFile(t, `{"num_heads": 4}`, dir, "weights2space.json")
		out := filepath.Join(dir, "tokens.npy")
		mustRun(t, "encode", "--weights2space", ckpt, "--matrix", g.Path("matrix.npy"), "--out", out)
		shape, v := readNPY(t, out)
		if want := g.Shape(t, "tokens"); !slices.Equal(shape, want) {
			t.Fatalf("%s: shape %v, want %v", name, shape, want)
		}
		g.Check(t, "tokens", v)
	}
}

// goldenRow writes the ids and the object of the first sequence of the language
// model's reference data.
func goldenRow(t *testing.T, g *golden.Folder, dir string) (ids, vec string) {
	t.Helper()
	n := int(g.Ints(t, "lengths")[0])
	b, err := json.Marshal(g.Ints(t, "input_ids")[:n])
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape(t, "vecs")[1:]
	vec = filepath.Join(dir, "vec.npy")
	if err := checkpoint.WriteNPY(vec, shape, g.Floats(t, "vecs")[:shape[0]*shape[1]]); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(b), dir, "ids.json"), vec
}

func TestLogitsParity(t *testing.T) {
	g := golden.Open(t, modelData)
	dir := t.TempDir()
	ids, vec := goldenRow(t, g, dir)
	out := filepath.Join(dir, "logits.npy")
	mustRun(t, "logits", "--model", modelData+"/hf_model", "--ids", ids, "--vec", vec, "--out", out)
	shape, v := readNPY(t, out)
	tol := g.Arrays["logits"]
	golden.Close(t, "logits", v, g.Floats(t, "logits")[:shape[0]*shape[1]], tol.ATol, tol.RTol)
}

func TestCaptionParity(t *testing.T) {
	b, err := os.ReadFile("../../infer/testdata/generate.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		PromptIDs []int32 `json:"prompt_ids"`
		NewIDs    []int32 `json:"new_ids"`
		Text      string  `json:"text_skip_special"`
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	_, vec := goldenRow(t, golden.Open(t, modelData), t.TempDir())
	ask := []string{"--model", modelData + "/hf_model", "--vec", vec, "--max-new-tokens", fmt.Sprint(len(want.NewIDs))}
	const question = "What color is the chair?"
	var got captionJSON
	runJSON(t, &got, append([]string{"caption", "--prompt", question}, ask...)...)
	if !slices.Equal(got.PromptIDs, want.PromptIDs) || !slices.Equal(got.TokenIDs, want.NewIDs) || got.Text != want.Text {
		t.Errorf("caption %+v, want %+v", got, want)
	}
	if got.Stop != infer.StopLength {
		t.Errorf("the answer stops by %q, want %q", got.Stop, infer.StopLength)
	}
	context := len(want.PromptIDs) + 3
	var short captionJSON
	runJSON(t, &short, append([]string{"caption", "--prompt", question, "--prompt-chunk", "7", "--context", fmt.Sprint(context)}, ask...)...)
	if !slices.Equal(short.TokenIDs, want.NewIDs[:3]) || short.Stop != infer.StopContext {
		t.Errorf("in a context of %d tokens: %+v, want 3 ids of %v", context, short, want.NewIDs)
	}
	r := llana(t, question+"\n/new\n"+question+"\n/quit\n", append([]string{"chat"}, ask...)...)
	lines := strings.Split(r.out, "\n")
	if r.code != exitOK || len(lines) != 3 || strings.TrimSpace(lines[0]) != want.Text || lines[0] != lines[1] {
		t.Errorf("chat: exit status %d, %q, want %q twice: %s", r.code, r.out, want.Text, r.err)
	}
}

// A conversation that gets too long loses its first turns, and says so.
func TestChatContext(t *testing.T) {
	_, vec := goldenRow(t, golden.Open(t, modelData), t.TempDir())
	r := llana(t, "What is it?\nWhat color is the chair?\n", "chat", "--model", modelData+"/hf_model", "--vec", vec, "--max-new-tokens", "5", "--context", "130")
	if r.code != exitOK || strings.Count(r.out, "\n") != 2 || !strings.Contains(r.err, "the first 2 turns no longer fit") {
		t.Errorf("exit status %d, %q, %q", r.code, r.out, r.err)
	}
}

func TestTokenize(t *testing.T) {
	model := []string{"--model", modelData + "/hf_model"}
	run := func(stdin string, args ...string) string {
		r := llana(t, stdin, append(append([]string{"tokenize"}, model...), args...)...)
		if r.code != exitOK {
			t.Fatalf("exit status %d: %s", r.code, r.err)
		}
		return r.out
	}
	const text = "What color is the chair?\n<é>"
	ids := run("", text)
	if back := run("", "--decode", "--skip-special-tokens", ids); back != text+"\n" {
		t.Errorf("%q comes back as %q", text, back)
	}
	if fromInput := run(text); fromInput != ids {
		t.Errorf("from standard input %q, want %q", fromInput, ids)
	}
	line, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if lines := run(string(line)+"\n\n"+string(line)+"\n", "--lines"); lines != ids+ids {
		t.Errorf("by lines %q, want %q twice", lines, ids)
	}
	var back string
	if err := json.Unmarshal([]byte(run(ids, "--lines", "--decode", "--skip-special-tokens")), &back); err != nil || back != text {
		t.Errorf("by lines, %q comes back as %q: %v", text, back, err)
	}
	wantFailure(t, llana(t, "\"a\"\n[1\n", "tokenize", "--model", modelData+"/hf_model", "--lines", "--decode"), exitFailed, "line 1")
}
