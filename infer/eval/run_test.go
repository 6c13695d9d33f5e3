package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"llana/infer"
	"llana/infer/metrics"
	"llana/infer/toymodel"
	"llana/kernels/cpu"
	"llana/models/checkpoint"
	"llana/models/conversation"
)

// echo answers with the question and its number. After stop answers it fails
// with err.
type echo struct {
	window, answered, stop int
	err                    error
}

func (e *echo) Window() int { return e.window }

func (e *echo) Answer(_ context.Context, items []Item) ([]infer.Answer, error) {
	answers := make([]infer.Answer, len(items))
	for i, item := range items {
		if e.err != nil && e.answered == e.stop {
			return nil, e.err
		}
		e.answered++
		answers[i] = infer.Answer{Text: fmt.Sprintf(" %d: %s\n", item.Index, item.Pairs[0].Question), TokenIDs: []int32{1, 2}, Ended: item.Index%5 != 0}
	}
	return answers, nil
}

// source makes a task of n questions.
func source(t testing.TB, n int) (Source, Settings) {
	t.Helper()
	root := t.TempDir()
	var records []conversation.Record
	for i := range n {
		records = append(records, rec(fmt.Sprintf("o%03d", i/3), Single, fmt.Sprintf("Question %d?", i), "Yes."))
	}
	writeRecords(t, at(root, ShapeTest, "texts", complexName), records...)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{ShapeTest, Single})
	if err != nil {
		t.Fatal(err)
	}
	return s, Settings{Split: s.Split, Text: s.Text, Annotations: "x", Items: n, Model: "m", Turns: TurnsFirst, MaxNewTokens: 512, Shard: 1, Shards: 1}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// whole runs a task without interruption and returns its results.
func whole(t testing.TB, s Source, set Settings) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "whole.json")
	if _, err := Answers(t.Context(), &echo{window: 7}, set, s, out, Options{}); err != nil {
		t.Fatal(err)
	}
	return readFile(t, out)
}

// The results are the reference's, character by character.
func TestResults(t *testing.T) {
	root := t.TempDir()
	writeRecords(t, at(root, ShapeTest, "texts", briefName),
		rec("a\"b", "", "  What is this? ", " A \"chair\".\n"),
		rec("ü", Single, "Wie heißt 椅子 \U0001f600?\t", "Stuhl\\"),
		rec("c", Multi, "First?", "One.", "Second?", "Two."))
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{Split: s.Split, Text: s.Text, Items: 3, Turns: TurnsFirst, Shard: 1, Shards: 1}
	const first = `[
  {
    "object_id": "a\"b",
    "question": "What is this?",
    "ground_truth": "A \"chair\".",
    "model_output": "0: What is this?"
  },
  {
    "object_id": "\u00fc",
    "question": "Wie hei\u00dft \u6905\u5b50 \ud83d\ude00?",
    "ground_truth": "Stuhl\\",
    "model_output": "1: Wie hei\u00dft \u6905\u5b50 \ud83d\ude00?"
  },
  {
    "object_id": "c",
    "question": "First?",
    "ground_truth": "One.",
    "model_output": "2: First?"
  }`
	const second = `,
  {
    "object_id": "c",
    "question": "Second?",
    "ground_truth": "Two.",
    "model_output": "2: First?"
  }`
	for turns, want := range map[string]string{TurnsFirst: first + "\n]", TurnsCopy: first + second + "\n]"} {
		out := filepath.Join(t.TempDir(), "out.json")
		set.Turns = turns
		r, err := Answers(t.Context(), &echo{window: 2}, set, s, out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, out); got != want {
			t.Errorf("turns %s: results %s, want %s", turns, got, want)
		}
		if left := map[string]int{TurnsFirst: 1}[turns]; r.Questions != 3 || r.LeftOut != left || r.CutOff != 1 {
			t.Errorf("turns %s: %+v, want 3 questions, %d left out, 1 cut off", turns, r, left)
		}
	}
}

// However often a run is interrupted, and wherever the journal was torn, the
// results are those of one that was not: no record is lost or repeated.
func TestInterruptedRun(t *testing.T) {
	const n = 40
	s, set := source(t, n)
	want := whole(t, s, set)
	for _, window := range []int{1, 4, 100} {
		for stop := 0; stop < 12; stop += 3 {
			out := filepath.Join(t.TempDir(), "out.json")
			runs, answered := 0, 0
			for {
				a := &echo{window: window, stop: stop + runs, err: context.Canceled}
				if runs > 3 {
					a.err = nil
				}
				r, err := Answers(t.Context(), a, set, s, out, Options{})
				answered += a.answered
				if err == nil {
					if r.Questions != n {
						t.Errorf("%d questions, want %d", r.Questions, n)
					}
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if _, err := os.Stat(out); err == nil {
					t.Fatal("an interrupted run has results")
				}
				tear(t, JournalName(out), runs)
				runs++
			}
			if got := readFile(t, out); got != want {
				t.Errorf("window %d, stop %d: the results after %d interruptions differ", window, stop, runs)
			}
			if window == 1 && answered > n+2*runs+4 {
				t.Errorf("stop %d: %d answers were asked for, want about %d", stop, answered, n)
			}
		}
	}
}

// tear cuts a journal inside its last line, or appends half a line, as crashes
// do.
func tear(t *testing.T, path string, how int) {
	t.Helper()
	text := readFile(t, path)
	switch how % 4 {
	case 1:
		text = text[:len(text)-3]
	case 2:
		text += `{"item":7,"rec`
	case 3:
		text += strings.Repeat("\x00", 50) + "\n"
	}
	write(t, path, text)
}

// A run that is done is not done again; one of other settings is refused.
func TestResumeOtherSettings(t *testing.T) {
	s, set := source(t, 10)
	out := filepath.Join(t.TempDir(), "out.json")
	if _, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err != nil {
		t.Fatal(err)
	}
	want := readFile(t, out)
	again := &echo{window: 3}
	r, err := Answers(t.Context(), again, set, s, out, Options{})
	if err != nil || again.answered != 0 || r.Resumed != 10 || readFile(t, out) != want {
		t.Errorf("a finished run: %d asked again, %+v, %v", again.answered, r, err)
	}
	for name, change := range map[string]func(s *Settings){
		"model_digest": func(s *Settings) { s.Model = "other" }, "annotations": func(s *Settings) { s.Annotations = "y" },
		"temperature": func(s *Settings) { s.Temperature = 0.7 }, "max_new_tokens": func(s *Settings) { s.MaxNewTokens = 3 },
		"text_data": func(s *Settings) { s.Text = Detailed }, "split": func(s *Settings) { s.Split = HST },
		"turns": func(s *Settings) { s.Turns = TurnsCopy }, "shard": func(s *Settings) { s.Shard, s.Shards = 2, 2 },
	} {
		other := set
		change(&other)
		_, err := Answers(t.Context(), &echo{window: 3}, other, s, out, Options{})
		if err == nil || !contains(err.Error(), JournalName(out), "other settings", name+" is ", "--overwrite") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	other := set
	other.MaxNewTokens = 3
	if r, err := Answers(t.Context(), &echo{window: 3}, other, s, out, Options{Overwrite: true}); err != nil || r.Resumed != 0 {
		t.Errorf("with overwrite: %+v, %v", r, err)
	}
	if err := os.Remove(JournalName(out)); err != nil {
		t.Fatal(err)
	}
	if _, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err == nil || !contains(err.Error(), out, "there already") {
		t.Errorf("results without a journal: error %v", err)
	}
}

// Shards put together are the whole run.
func TestShardsAndMerge(t *testing.T) {
	const n, shards = 23, 4
	s, set := source(t, n)
	want := whole(t, s, set)
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	run := func(i, of int, change func(*Settings)) string {
		set := set
		set.Shard, set.Shards = i, of
		if change != nil {
			change(&set)
		}
		name := ShardName(out, i, of)
		if _, err := Answers(t.Context(), &echo{window: 3}, set, s, name, Options{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var names []string
	for _, i := range []int{3, 1, 4, 2} {
		names = append(names, run(i, shards, nil))
	}
	found, err := FindShards(out)
	if err != nil || len(found) != shards {
		t.Fatalf("found %q, %v", found, err)
	}
	for _, list := range [][]string{names, found} {
		r, err := Merge(out, list, true)
		if err != nil || r.Questions != n || r.Shards != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if readFile(t, out) != want {
			t.Errorf("merged results %s differ from those of one run", readFile(t, out))
		}
	}
	// The merged journal is one that a run can go on from.
	if r, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err != nil || r.Resumed != n {
		t.Errorf("going on from merged shards: %+v, %v", r, err)
	}
	if _, err := Merge(out, names, false); err == nil || !contains(err.Error(), out[:len(out)-5], "there already") {
		t.Errorf("merging over results: error %v", err)
	}

	other := filepath.Join(dir, "other.json")
	for name, c := range map[string]struct {
		list []string
		want []string
	}{
		"missing":  {names[:3], []string{"shard 2 of 4 is missing"}},
		"twice":    {append([]string{names[0]}, names...), []string{"shard 3 of 4", "twice"}},
		"none":     {nil, []string{"no shards"}},
		"no file":  {[]string{other}, []string{"other.journal.jsonl", "no such file"}},
		"of three": {[]string{names[0], run(1, 3, nil)}, []string{"another run", "shards is 3, not 4"}},
	} {
		if _, err := Merge(other, c.list, false); err == nil || !contains(err.Error(), c.want...) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(other); err == nil {
			t.Errorf("%s: a failed merge left results", name)
		}
	}
	run(2, shards, func(s *Settings) { s.Temperature = 1 })
	if _, err := Merge(other, names, false); err == nil || !contains(err.Error(), "another run", "temperature is 1, not 0") {
		t.Errorf("other settings: error %v", err)
	}
	half := set
	half.Shard, half.Shards = 2, shards
	if _, err := Answers(t.Context(), &echo{window: 1, stop: 2, err: errors.New("stop")}, half, s, ShardName(out, 2, shards), Options{Overwrite: true}); err == nil {
		t.Fatal("no error")
	}
	if _, err := Merge(other, names, false); err == nil || !contains(err.Error(), "shard 2 of 4 has 2 answers, want 6", "not finished") {
		t.Errorf("unfinished shard: error %v", err)
	}
}

// Shards cover every item once.
func TestParts(t *testing.T) {
	for _, items := range []int{0, 1, 5, 97} {
		for shards := 1; shards < 9; shards++ {
			next := 0
			for i := range shards {
				lo, hi := (&Settings{Items: items, Shard: i + 1, Shards: shards}).part()
				if lo != next || hi < lo {
					t.Errorf("shard %d of %d of %d items is [%d, %d), want it to begin at %d", i+1, shards, items, lo, hi, next)
				}
				next = hi
			}
			if next != items {
				t.Errorf("%d shards end at %d of %d items", shards, next, items)
			}
		}
	}
}

var toyID = ModelID{"spatial", "bundled"}

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
	m, err := toymodel.Open(d)
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
	m, err := toymodel.Open(d)
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
	m, err := toymodel.Open(d)
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
	m, err := toymodel.Open(d)
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

// A run of ten thousand records takes no more memory than one of a thousand.
func TestRunMemory(t *testing.T) {
	const n = 10000
	s, set := source(t, n)
	live := map[int]uint64{}
	o := Options{Progress: func(done, _ int) {
		if done%2000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live[done] = m.HeapAlloc
		}
	}}
	out := filepath.Join(t.TempDir(), "out.json")
	r, err := Answers(t.Context(), &echo{window: 50}, set, s, out, o)
	if err != nil || r.Questions != n {
		t.Fatalf("%+v, %v", r, err)
	}
	if live[n] > live[2000]+(1<<18) {
		t.Errorf("live bytes %v grow with the records", live)
	}
}

// Multiple-choice questions are scored over a run and its shards.
func TestChoiceRun(t *testing.T) {
	root := world(t)
	var records []conversation.Record
	for i := range 40 {
		q := fmt.Sprintf("What is %s the seat?\nA. legs\nB. back", []string{"above", "left of"}[i%2])
		records = append(records, rec("4-b", "", q, string(rune('A'+i%4/3))))
	}
	writeRecords(t, at(root, "..", Spatial, "texts", choiceName), records...)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{Spatial, MultiChoice})
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{Split: s.Split, Text: s.Text, Items: 40, Turns: TurnsFirst, Shard: 1, Shards: 1, ModelName: "m"}
	out := filepath.Join(t.TempDir(), "out.json")
	r, err := Answers(t.Context(), always("(A) legs"), set, s, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Choice
	if c == nil || c.Questions != 40 || c.Right != 30 || c.Mean != 75 || !(c.Low < 75 && c.High > 75) || !c.Greedy || c.Protocol != ChoiceProtocol {
		t.Errorf("score %+v, want 30 of 40", c)
	}
	if a, l := c.ByRelation["above/below"], c.ByRelation["left/right"]; a.Right != 20 || a.Questions != 20 || l.Right != 10 || l.Questions != 20 {
		t.Errorf("by relation %+v", c.ByRelation)
	}
	file, err := ReadChoiceScore(r.ChoiceOut)
	if err != nil {
		t.Fatal(err)
	}
	want := ChoiceResult{"4-b", "What is left of the seat?\nA. legs\nB. back", "B", "(A) legs", "left/right", "A", false}
	if len(file.Results) != 40 || file.Results[3] != want {
		t.Errorf("%d results, the fourth %+v, want %+v", len(file.Results), file.Results[3], want)
	}
	if file.Results = nil; !reflect.DeepEqual(file, c) {
		t.Errorf("the file has %+v, want %+v", file, c)
	}
	if p, err := metrics.ReadPredictions(out); err != nil || p[3].GroundTruth != "B" || p[3].ModelOutput != "(A) legs" {
		t.Errorf("predictions %+v, %v", p, err)
	}
}

// always gives one answer.
type always string

func (a always) Window() int { return 1 }

func (a always) Answer(context.Context, []Item) ([]infer.Answer, error) {
	return []infer.Answer{{Text: string(a)}}, nil
}
