package eval

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"llana/infer"
	"llana/infer/metrics"
	"llana/infer/toymodel"
	"llana/kernels/cpu"
	"llana/models/checkpoint"
	"llana/models/conversation"
	"llana/models/spatialllana"
)

var toyID = ModelID{Name: "spatial", Digest: "bundled"}

// A model folder is known by its content, wherever it lies.
func TestIdentify(t *testing.T) {
	a, err := Identify("../toymodel/data/spatial")
	if err != nil || a.Name != "spatial" {
		t.Fatal(a, err)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS("../toymodel/data/spatial")); err != nil {
		t.Fatal(err)
	}
	write(t, at(dir, "notes.txt"), "not part of the model")
	b, err := Identify(dir)
	if err != nil || b.Name != "copy" || b.Digest != a.Digest {
		t.Errorf("a copy is %v (%v), the original %v", b, err, a)
	}
	weights := at(dir, "model.safetensors")
	f, err := os.OpenFile(weights, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{77}, 500000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if c, err := Identify(dir); err != nil || c.Digest == a.Digest {
		t.Errorf("with another weight it is %v (%v)", c, err)
	}
	if p, err := Identify("../toymodel/data/pooled"); err != nil || p.Digest == a.Digest {
		t.Errorf("another model is %v (%v)", p, err)
	}
	if _, err := Identify(at(dir, "none")); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}

// toyTask writes a data folder of some bundled scenes with their tokens.
func toyTask(t *testing.T, m *toymodel.Models, scenes int) Layout {
	t.Helper()
	held, err := toymodel.Scenes()
	if err != nil {
		t.Fatal(err)
	}
	held = held[:scenes]
	objects, err := m.Encode(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	var brief []conversation.Record
	for i, h := range held {
		for _, q := range []string{"what is this?", "describe the scene in detail.", "how many objects are there?"} {
			brief = append(brief, rec(h.ID, Brief, q, "a box."))
		}
		o := objects[i]
		path := at(root, ShapeTest, "vecs", h.ID+".npy")
		write(t, path, "")
		if err := checkpoint.WriteNPY(path, []int{o.Tokens, o.Width}, o.Data); err != nil {
			t.Fatal(err)
		}
	}
	writeRecords(t, at(root, ShapeTest, "texts", briefName), brief...)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A batch, a session and single prompts give the same answers, in order; so do
// sampled answers whatever was asked before.
func TestBatchesAnswerAlike(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m, err := toymodel.Open(d, spatialllana.Weights{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := toyTask(t, m, 6).Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []infer.Options{{MaxNewTokens: 40}, {MaxNewTokens: 40, Sampling: infer.Sampling{Temperature: 1, Seed: 4}}} {
		var want string
		for i, c := range []struct{ batch, shards int }{{1, 1}, {4, 1}, {0, 3}} {
			out := filepath.Join(t.TempDir(), "out.json")
			for shard := range c.shards {
				_, err := Run(t.Context(), m.Spatial, toyID, s, out, Options{Options: o, Batch: c.batch, Shard: shard + 1, Shards: c.shards})
				if err != nil {
					t.Fatal(err)
				}
			}
			if c.shards > 1 {
				found, err := FindShards(out)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Merge(out, found, false); err != nil {
					t.Fatal(err)
				}
			}
			got := readFile(t, out)
			if i == 0 {
				want = got
			} else if got != want {
				t.Errorf("temperature %v, %+v: answers differ from those of single prompts", o.Temperature, c)
			}
		}
		p, err := metrics.ParsePredictions([]byte(want))
		if err != nil || len(p) != 18 || slices.ContainsFunc(p, func(p metrics.Prediction) bool { return p.ModelOutput == "" }) {
			t.Errorf("%d predictions, %v: %+v", len(p), err, p[:min(3, len(p))])
		}
	}
}

// Answers that rounding could have changed are asked for again, alone.
func TestSmallMargins(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m, err := toymodel.Open(d, spatialllana.Weights{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := toyTask(t, m, 4).Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	var items []Item
	for item, err := range s.Items() {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	live := d.Stats().Live
	var want []infer.Answer
	for _, rows := range []int{1, 4} {
		for _, sure := range []float32{tolerance, float32(math.Inf(1))} {
			a, stop := NewAnswerer(m.Spatial, s, infer.Options{MaxNewTokens: 40}, rows)
			a.(*asker).sure = sure
			got, err := a.Answer(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			if stop(); d.Stats().Live != live {
				t.Errorf("batch %d: %d bytes in use, %d before", rows, d.Stats().Live, live)
			}
			if want == nil {
				want = got
			}
			for i := range got {
				if got[i].Text != want[i].Text || got[i].Text == "" {
					t.Errorf("batch %d, margin %v: answer %q, want %q", rows, sure, got[i].Text, want[i].Text)
				}
			}
		}
	}
}

// The answers that a run writes are those of a session asked by hand.
func TestAnswersAreTheModels(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m, err := toymodel.Open(d, spatialllana.Weights{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := toyTask(t, m, 2).Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.json")
	r, err := Run(t.Context(), m.Spatial, toyID, s, out, Options{})
	if err != nil || r.ModelName != "spatial" || r.MaxNewTokens != infer.DefaultNewTokens {
		t.Fatalf("%+v, %v", r, err)
	}
	got, err := metrics.ReadPredictions(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		path, err := s.VecPath(p.ObjectID)
		if err != nil {
			t.Fatal(err)
		}
		o, err := m.Spatial.Projector.ReadObject(path)
		if err != nil {
			t.Fatal(err)
		}
		session, err := infer.NewSession(m.Spatial, o)
		if err != nil {
			t.Fatal(err)
		}
		a, err := session.Ask(t.Context(), p.Question, infer.Options{}, nil)
		session.Close()
		if err != nil || a.Text != p.ModelOutput {
			t.Errorf("%s %q: answer %q, a session says %q (%v)", p.ObjectID, p.Question, p.ModelOutput, a.Text, err)
		}
	}
}

// Missing and malformed tokens are found before the first question.
func TestRunChecksObjects(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m, err := toymodel.Open(d, spatialllana.Weights{})
	if err != nil {
		t.Fatal(err)
	}
	l := toyTask(t, m, 3)
	s, err := l.Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	vec := at(l.Root, ShapeTest, "vecs", "test000001.npy")
	out := filepath.Join(t.TempDir(), "out.json")
	run := func(want ...string) {
		t.Helper()
		_, err := Run(t.Context(), m.Spatial, toyID, s, out, Options{})
		if err == nil || !contains(err.Error(), want...) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(JournalName(out)); err == nil {
			t.Error("a journal was begun")
		}
	}
	writeVec(t, vec, "<f4", 1024)
	run(vec, "global vector of LLaNA", "want (108, 64)")
	remove(t, vec)
	run("1 of 3 objects", "record 3", `"test000001"`, vec)
	write(t, s.Path, readFile(t, s.Path)[:300])
	run(s.Path, "EOF")
	write(t, s.Path, "[]")
	run(s.Path, "no questions")
}
