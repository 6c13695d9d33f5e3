package textencoder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
)

// copyFolder copies a test model's folder without one kind of weights.
func copyFolder(t *testing.T, kind, without string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), kind)
	if err := os.CopyFS(dir, os.DirFS("testdata/"+kind)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, without)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every form of the weights gives the same vectors: safetensors and
// pytorch_model.bin, with a prefix and without.
func TestOpenForms(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	for _, kind := range []string{MPNet, RoBERTa} {
		dirs := []string{copyFolder(t, kind, "pytorch_model.bin"), copyFolder(t, kind, "model.safetensors"), copyFolder(t, kind, "pytorch_model.bin")}
		rewrite(t, filepath.Join(dirs[2], "model.safetensors"), func(x *checkpoint.Tensor) *checkpoint.Tensor {
			x.Name = kind + "." + x.Name
			return x
		})
		var first []float32
		for _, dir := range dirs {
			e, err := Open(d, dir)
			if err != nil {
				t.Fatal(err)
			}
			v, err := e.Embed(context.Background(), []string{"A small red chair."}, nil)
			e.Free()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = v[0]
			} else if !slices.Equal(v[0], first) {
				t.Errorf("%s: another vector", dir)
			}
		}
	}
}

// rewrite changes the tensors of a file; those that become nil are left out.
func rewrite(t *testing.T, path string, change func(*checkpoint.Tensor) *checkpoint.Tensor) {
	t.Helper()
	src, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out []*checkpoint.Tensor
	for _, n := range src.Names() {
		x, err := src.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		if x = change(x); x != nil {
			out = append(out, x)
		}
	}
	if err := checkpoint.WriteSafetensors(path, out, nil); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := strings.Replace(string(b), old, new, 1)
	if s == string(b) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(s), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A broken folder is an error that names it, the file and the fault.
func TestOpenFaults(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	edit := func(name, old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { replace(t, filepath.Join(dir, name), old, new) }
	}
	write := func(name, content string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(_ *testing.T, dir string) { os.Remove(filepath.Join(dir, name)) }
	}
	truncate := func(name string, n int64) func(*testing.T, string) {
		return func(_ *testing.T, dir string) { os.Truncate(filepath.Join(dir, name), n) }
	}
	const weights = "model.safetensors"
	for _, c := range []struct {
		name, kind string
		damage     func(t *testing.T, dir string)
		want       []string
	}{
		{"no config", MPNet, remove("config.json"), []string{"config.json", "no such file"}},
		{"config is cut short", MPNet, truncate("config.json", 40), []string{"config.json"}},
		{"another model", MPNet, edit("config.json", `"mpnet"`, `"bert"`), []string{"config.json", `model_type is "bert"`, "mpnet", "roberta"}},
		{"another activation", RoBERTa, edit("config.json", `"gelu"`, `"relu"`), []string{"hidden_act", "relu"}},
		{"relative positions", RoBERTa, edit("config.json", `"absolute"`, `"relative_key"`), []string{"position_embedding_type", "relative_key"}},
		{"heads do not divide", MPNet, edit("config.json", `"num_attention_heads": 4`, `"num_attention_heads": 5`), []string{"hidden_size 32", "5 heads"}},
		{"huge claim", MPNet, edit("config.json", `"vocab_size": 238`, `"vocab_size": 4000000`), []string{"embeddings.word_embeddings.weight", "[238 32]", "[4000000 32]"}},
		{"token types claimed", RoBERTa, edit("config.json", `"type_vocab_size": 1`, `"type_vocab_size": 10000`), []string{"embeddings.token_type_embeddings.weight", "[10000 32]"}},
		{"buckets claimed", MPNet, edit("config.json", `"relative_attention_num_buckets": 32`, `"relative_attention_num_buckets": 40000`), []string{"relative_attention_bias.weight", "[40000 4]"}},
		{"layers claimed", MPNet, edit("config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 3`), []string{"num_hidden_layers is 3", "2 layers"}},
		{"no room for a text", MPNet, edit("sentence_bert_config.json", "24", "1"), []string{"1 tokens"}},
		{"another pooling", MPNet, edit("1_Pooling/config.json", `"pooling_mode_cls_token": false`, `"pooling_mode_cls_token": true`), []string{"1_Pooling/config.json", "mean"}},
		{"settings are no JSON", RoBERTa, write("tokenizer_config.json", "["), []string{"tokenizer_config.json"}},
		{"no vocabulary", MPNet, remove("vocab.txt"), []string{"vocab.txt", "no such file"}},
		{"vocabulary without [UNK]", MPNet, edit("vocab.txt", "[UNK]", "[OTHER]"), []string{"vocab.txt", "[UNK]"}},
		{"vocabulary without <s>", MPNet, edit("vocab.txt", "<s>", "[CLS]"), []string{"vocab.txt", "<s>", "id 0"}},
		{"piece is there twice", MPNet, edit("vocab.txt", "<unk>", "<s>"), []string{"vocab.txt", "line 4", "line 1"}},
		{"vocabulary is too long", MPNet, func(t *testing.T, dir string) { appendTo(t, filepath.Join(dir, "vocab.txt"), "onemore\n") }, []string{"vocab.txt", "onemore", "id 238", "vocab_size 238"}},
		{"no vocab.json", RoBERTa, remove("vocab.json"), []string{"vocab.json", "no such file"}},
		{"vocab.json is a list", RoBERTa, write("vocab.json", "[1]"), []string{"vocab.json", "object"}},
		{"negative id", RoBERTa, edit("vocab.json", `"<unk>": 3`, `"<unk>": -3`), []string{"vocab.json", "<unk>", "-3"}},
		{"no merges.txt", RoBERTa, remove("merges.txt"), []string{"merges.txt", "no such file"}},
		{"merge of one token", RoBERTa, edit("merges.txt", "h e\n", "he\n"), []string{"merges.txt", "line 2", "two tokens"}},
		{"merge beyond the vocabulary", RoBERTa, edit("merges.txt", "h e\n", "h \u0120\n"), []string{"merges.txt", "line 2", "h\u0120"}},
		{"merge is there twice", RoBERTa, edit("merges.txt", "is\n", "is\nh e\n"), []string{"merges.txt", "twice"}},
		{"no weights", RoBERTa, remove(weights), []string{"model.safetensors", "pytorch_model.bin"}},
		{"weights are cut short", MPNet, truncate(weights, 50000), []string{weights}},
		{"weights are a pointer", MPNet, write(weights, "version https://git-lfs.github.com/spec/v1\n"), []string{weights, "LFS"}},
		{"tensor is missing", RoBERTa, changed(weights, "pooler.dense.bias", nil), []string{"missing", "pooler.dense.bias"}},
		{"tensor is misshapen", MPNet, changed(weights, "encoder.layer.1.attention.attn.q.weight", []int{16, 64}), []string{"encoder.layer.1.attention.attn.q.weight", "[16 64]", "[32 32]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, c.kind, "pytorch_model.bin")
			c.damage(t, dir)
			e, err := Open(d, dir)
			if err == nil {
				e.Free()
				t.Fatal("opened")
			}
			for _, part := range append(c.want, dir) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if live := d.Stats().Live; live != 0 {
				t.Errorf("%d bytes are held", live)
			}
		})
	}
	if _, err := Open(d, filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// changed gives a tensor another shape, or takes it out.
func changed(file, name string, shape []int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		rewrite(t, filepath.Join(dir, file), func(x *checkpoint.Tensor) *checkpoint.Tensor {
			if x.Name != name {
				return x
			}
			if shape == nil {
				return nil
			}
			x.Shape = shape
			return x
		})
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Memory comes back, whatever the number of texts; a text's vector does not
// depend on the texts beside it; progress ends at 1.
func TestEmbedMany(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, kind := range []string{MPNet, RoBERTa} {
			e, err := Open(d, "testdata/"+kind)
			if err != nil {
				t.Fatal(err)
			}
			before := d.Stats().Live
			var texts []string
			for i := range 150 {
				texts = append(texts, strings.Repeat("a small red chair ", i%7)+string(rune('a'+i%26)))
			}
			last := 0.0
			many, err := e.Embed(context.Background(), texts, func(share float64) {
				if share <= last {
					t.Errorf("progress goes from %v to %v", last, share)
				}
				last = share
			})
			if err != nil {
				t.Fatal(err)
			}
			if last != 1 {
				t.Errorf("progress ends at %v", last)
			}
			for _, i := range []int{0, 6, 149} {
				one, err := e.Embed(context.Background(), texts[i:i+1], nil)
				if err != nil {
					t.Fatal(err)
				}
				if c := Cosine(one[0], many[i]); c < 1-1e-6 {
					t.Errorf("%s: text %d has cosine %v with itself alone", kind, i, c)
				}
			}
			if after := d.Stats().Live; after != before {
				t.Errorf("%s: %d bytes before, %d after", kind, before, after)
			}
			ctx, stop := context.WithCancel(context.Background())
			stop()
			if _, err := e.Embed(ctx, texts, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			e.Free()
		}
	})
}

func TestFindCached(t *testing.T) {
	const repository, folder = "owner/name", "models--owner--name"
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	_, err := FindCached(repository)
	missing := (*NotCachedError)(nil)
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), repository) || !strings.Contains(err.Error(), filepath.Join(home, ".cache", "huggingface", "hub", folder)) {
		t.Errorf("error %v", err)
	}
	make := func(cache, revision string, age time.Duration) string {
		dir := filepath.Join(cache, folder, "snapshots", revision)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(dir, at, at); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	want := func(dir string, revisions ...string) {
		t.Helper()
		if got, err := FindCached(repository, revisions...); err != nil || got != dir {
			t.Errorf("found %q, %v, want %q", got, err, dir)
		}
	}
	hub := filepath.Join(home, ".cache", "huggingface", "hub")
	old, newer := make(hub, "old", time.Hour), make(hub, "newer", time.Minute)
	want(newer)
	want(old, "old")
	want(newer, "other", "")
	if err := os.MkdirAll(filepath.Join(hub, folder, "refs"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hub, folder, "refs", "main"), []byte("old\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	want(old)
	want(newer, "newer")
	for _, c := range [][2]string{{"XDG_CACHE_HOME", "huggingface/hub"}, {"HF_HOME", "hub"}, {"HUGGINGFACE_HUB_CACHE", ""}, {"HF_HUB_CACHE", ""}} {
		dir := t.TempDir()
		t.Setenv(c[0], dir)
		want(make(filepath.Join(dir, c[1]), "x", 0))
	}
}
