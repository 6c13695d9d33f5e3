package spatialllana

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/llama"
	"llana/tensor"
)

func reference() kernels.Device { return kernels.NewReference(tensor.F32) }

// copyFolder copies the model folder, without the weights if asked to.
func copyFolder(t *testing.T, weights bool) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/hf_model")))
	if !weights {
		for _, n := range []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"} {
			must(t, os.Remove(filepath.Join(dir, n)))
		}
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// edit replaces a key of config.json; a nil value removes it.
func edit(t *testing.T, dir, key string, value any) {
	t.Helper()
	path := filepath.Join(dir, ConfigName)
	b, err := os.ReadFile(path)
	must(t, err)
	var c map[string]any
	must(t, json.Unmarshal(b, &c))
	c[key] = value
	if value == nil {
		delete(c, key)
	}
	b, err = json.Marshal(c)
	must(t, err)
	must(t, os.WriteFile(path, b, 0o666))
}

// values reads all parameters.
func values(t *testing.T, m *Model) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for _, p := range m.Params.All() {
		v, err := p.Read(context.Background())
		must(t, err)
		out[p.Name] = v
	}
	return out
}

func sameValues(t *testing.T, got, want map[string][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d parameters, want %d", len(got), len(want))
	}
	for name, w := range want {
		if !slices.Equal(got[name], w) {
			t.Errorf("%s differs", name)
		}
	}
}

// PyTorch files hold the weights rounded to float16 and an inv_freq buffer.
func TestOpenTorch(t *testing.T) {
	dir := copyFolder(t, false)
	b, err := os.ReadFile("testdata/pytorch_model.bin")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "pytorch_model.bin"), b, 0o666))
	m, err := Open(reference(), dir, OpenOptions{})
	must(t, err)
	defer m.Free()
	want := values(t, open(t, reference()))
	for name, got := range values(t, m) {
		for i, w := range want[name] {
			if math.Abs(float64(got[i]-w)) > math.Abs(float64(w))/2048+1e-7 {
				t.Errorf("%s: element %d is %v, want %v rounded to float16", name, i, got[i], w)
				break
			}
		}
	}
}

// A model whose layers are packed and partly in host memory is saved like any
// other, as float32.
func TestSaveSplit(t *testing.T) {
	m, err := Open(reference(), copyFolder(t, true), OpenOptions{Weights: Weights{DType: tensor.Q8}, HostLayers: 2})
	must(t, err)
	defer m.Free()
	if m.Params.Freeze(func(string) bool { return true }); m.Params.Get("model.layers.2.mlp.up_proj.weight").Frozen == false {
		t.Error("a packed matrix can be trained")
	}
	dir := filepath.Join(t.TempDir(), "new")
	must(t, m.Save(context.Background(), dir))
	n, err := Open(reference(), dir, OpenOptions{Weights: Weights{AsStored: true}})
	must(t, err)
	defer n.Free()
	sameValues(t, values(t, n), values(t, m))
	for _, p := range n.Params.All() {
		if p.Value.DType() != tensor.F32 {
			t.Errorf("%s is stored as %v", p.Name, p.Value.DType())
		}
	}
}

func TestSave(t *testing.T) {
	m := open(t, reference())
	m.SystemPrompt = "Look."
	dir := filepath.Join(t.TempDir(), "new")
	must(t, m.Save(context.Background(), dir))
	n, err := Open(reference(), dir, OpenOptions{})
	must(t, err)
	defer n.Free()
	sameValues(t, values(t, n), values(t, m))
	if n.SystemPrompt != "Look." || n.Projector.Tokens != 12 || !slices.Equal(n.Projector.Hidden, []int{40}) {
		t.Errorf("system prompt %q and projector %+v after saving", n.SystemPrompt, n.Projector)
	}
	if text := "a <point_start>\nred chair"; !slices.Equal(n.Tokenizer.Encode(text), m.Tokenizer.Encode(text)) {
		t.Error("the saved tokenizer encodes differently")
	}
	// Keys that are not known here are kept.
	if string(n.file["transformers_version"]) != `"4.40.1"` || string(n.generation["do_sample"]) != "false" {
		t.Errorf("configuration %s, generation %s", n.file, n.generation)
	}
}

func TestSaveProjector(t *testing.T) {
	m := open(t, reference())
	dir := t.TempDir()
	must(t, m.SaveProjector(context.Background(), dir))
	src, err := checkpoint.Open(filepath.Join(dir, ProjectorFile))
	must(t, err)
	defer src.Close()
	for _, name := range []string{"model.embed_tokens.weight", "model.vec_proj.0.weight", "model.vec_proj.0.bias", "model.vec_proj.2.weight", "model.vec_proj.2.bias"} {
		x, err := src.Tensor(name)
		must(t, err)
		got, err := x.Float32s()
		must(t, err)
		if want, _ := m.Params.Get(name).Read(context.Background()); !slices.Equal(got, want) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestOpenFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T) string
		want []string
	}{
		{"no folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }, []string{ConfigName}},
		{"no weights", func(t *testing.T) string { return copyFolder(t, false) }, []string{"safetensors"}},
		{"layers", edited("num_hidden_layers", 2), []string{"num_hidden_layers is 2", "3 layers"}},
		{"claim of many layers", edited("num_hidden_layers", 4000), []string{"num_hidden_layers is 4000"}},
		{"claim of a large vocabulary", edited("vocab_size", 1<<24), []string{"embed_tokens", "[603 48]"}},
		{"width of the feed-forward layers", edited("intermediate_size", 1<<20), []string{"gate_proj"}},
		{"end tokens", edited("mm_use_point_start_end", false), []string{"mm_use_point_start_end"}},
		{"patch token", edited("DEFAULT_POINT_PATCH_TOKEN", "<p>"), []string{"<p>"}},
		{"truncated config", withFile(ConfigName, `{"hidden_size": 48,`), []string{ConfigName, "not a model's config"}},
		{"truncated YAML", withFile(ProjectorName, "model : {\n  trans_dim: 28,"), []string{ProjectorName}},
		{"damaged generation config", withFile(GenerationName, "[]"), []string{GenerationName}},
		{"missing and unknown tensors", renamed, []string{"missing", "model.norm.weight", "not known", "model.norm.bias"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(reference(), c.make(t), OpenOptions{})
			for _, w := range c.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %v, want one with %q", err, w)
				}
			}
		})
	}
}

func edited(key string, v any) func(*testing.T) string {
	return func(t *testing.T) string {
		dir := copyFolder(t, true)
		edit(t, dir, key, v)
		return dir
	}
}

func withFile(name, text string) func(*testing.T) string {
	return func(t *testing.T) string {
		dir := copyFolder(t, true)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
		return dir
	}
}

// renamed makes a folder with one tensor under a wrong name.
func renamed(t *testing.T) string {
	dir := copyFolder(t, false)
	src, err := checkpoint.Open("testdata/hf_model")
	must(t, err)
	defer src.Close()
	var ts []*checkpoint.Tensor
	for _, n := range src.Names() {
		x, err := src.Tensor(n)
		must(t, err)
		y := *x
		if n == "model.norm.weight" {
			y.Name = "model.norm.bias"
		}
		ts = append(ts, &y)
	}
	must(t, checkpoint.WriteSafetensors(filepath.Join(dir, "model.safetensors"), ts, nil))
	return dir
}

// The name in config.json is a file of the reference's code tree.
func TestProjectorNamedByConfig(t *testing.T) {
	dir := copyFolder(t, true)
	must(t, os.Rename(filepath.Join(dir, ProjectorName), filepath.Join(dir, "weigths2space.yaml")))
	edit(t, dir, "weights2space_config", "spatial_llana/model/weigths2space")
	c, err := ReadConfig(dir)
	must(t, err)
	if c.Projector == nil || c.Projector.Tokens != 12 {
		t.Errorf("projector %+v, want 12 tokens", c.Projector)
	}
	// Without the file, the sizes come from the weights, and any number of
	// tokens will do.
	must(t, os.Remove(filepath.Join(dir, "weigths2space.yaml")))
	m, err := Open(reference(), dir, OpenOptions{})
	must(t, err)
	defer m.Free()
	if p := m.Projector; p == nil || p.Width != 28 || !slices.Equal(p.Hidden, []int{40}) || p.Tokens != 0 {
		t.Errorf("projector %+v from the weights", p)
	}
	saved := t.TempDir()
	must(t, m.Save(context.Background(), saved))
	if c, err = ReadConfig(saved); err != nil || c.Projector != nil {
		t.Errorf("projector %+v (error %v) after saving, want none described", c.Projector, err)
	}
}

func TestFreshProjector(t *testing.T) {
	for _, c := range []struct {
		want  Projector
		fresh bool
		dims  []int
	}{
		{Projector{Width: 28, Tokens: 12}, false, []int{40}},
		{Projector{Width: 28, Tokens: 7}, false, []int{40}},
		{Projector{Width: 30, Tokens: 12}, true, []int{40}},
		{Projector{Width: 28, Tokens: 12, Hidden: []int{16, 20}}, true, []int{16, 20}},
		{Projector{Width: 28, Tokens: 12, Hidden: []int{}}, true, []int{}},
	} {
		m, err := Open(reference(), "testdata/hf_model", OpenOptions{Projector: &c.want, Seed: 3})
		must(t, err)
		defer m.Free()
		if fresh := len(m.Fresh) > 0; fresh != c.fresh || !slices.Equal(m.Projector.Hidden, c.dims) || m.Projector.Tokens != c.want.Tokens {
			t.Errorf("%+v: fresh %v, projector %+v", c.want, fresh, m.Projector)
		}
		w, err := m.Params.Get(projectorWeight(0)).Read(context.Background())
		must(t, err)
		sum := 0.0
		for _, x := range w {
			sum += float64(x * x)
		}
		if std := math.Sqrt(sum / float64(len(w))); c.fresh && math.Abs(std-llama.InitStd) > 0.003 {
			t.Errorf("%+v: standard deviation of the new weights %v, want %v", c.want, std, llama.InitStd)
		}
	}
}

func TestAddPointTokens(t *testing.T) {
	// A folder before stage 1: 600 tokens, no projector.
	dir := copyFolder(t, false)
	for _, n := range []string{"added_tokens.json", "special_tokens_map.json", "tokenizer_config.json", ProjectorName} {
		must(t, os.Remove(filepath.Join(dir, n)))
	}
	edit(t, dir, "vocab_size", 600)
	m, err := Open(reference(), dir, OpenOptions{Random: true, Seed: 1})
	must(t, err)
	defer m.Free()
	old := values(t, m)
	n, err := m.AddPointTokens(context.Background(), 5)
	must(t, err)
	if n != 3 || m.VocabSize != 603 || m.Tokenizer.VocabSize() != 603 {
		t.Fatalf("%d tokens added, vocabulary of %d", n, m.VocabSize)
	}
	for _, name := range []string{"model.embed_tokens.weight", "lm_head.weight"} {
		v := values(t, m)[name]
		if !slices.Equal(v[:600*48], old[name]) {
			t.Errorf("%s: old rows changed", name)
		}
		patch, mean := v[600*48:601*48], meanRow(v[:601*48], 48)
		if slices.Equal(patch, make([]float32, 48)) || !slices.Equal(v[601*48:602*48], mean) || !slices.Equal(v[602*48:], mean) {
			t.Errorf("%s: new rows %v, want a random one and twice the mean", name, v[600*48:])
		}
	}
	if n, err := m.AddPointTokens(context.Background(), 5); n != 0 || err != nil {
		t.Errorf("%d tokens added again, error %v", n, err)
	}
	// The grown model is whole: it saves, loads and reads its new tokens.
	saved := filepath.Join(t.TempDir(), "grown")
	must(t, m.Save(context.Background(), saved))
	again, err := Open(reference(), saved, OpenOptions{})
	must(t, err)
	defer again.Free()
	sameValues(t, values(t, again), values(t, m))
}

func TestTiedEmbeddings(t *testing.T) {
	dir := copyFolder(t, true)
	edit(t, dir, "tie_word_embeddings", true)
	m, err := Open(reference(), dir, OpenOptions{})
	must(t, err)
	defer m.Free()
	if m.LM.Head() != m.LM.Table() || m.Params.Get("lm_head.weight") != nil {
		t.Error("the output matrix is not the table")
	}
	saved := t.TempDir()
	must(t, m.Save(context.Background(), saved))
	n, err := Open(reference(), saved, OpenOptions{})
	must(t, err)
	n.Free()
}
