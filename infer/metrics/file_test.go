package metrics

import (
	"bufio"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadPredictions(t *testing.T) {
	const good = `{"object_id": "a", "question": "q", "ground_truth": "t", "model_output": "m"}`
	path := filepath.Join(t.TempDir(), "p.json")
	for _, c := range []struct {
		name, content string
		want          []string // of the error; none: it is read
	}{
		{"as the reference", "[\n  " + good + "\n]", nil},
		{"another order and more", `[{"extra": [1], "model_output": "m", "ground_truth": "t", "object_id": "a", "scores": {}}]`, nil},
		{"empty file", "", []string{"array of predictions", "empty file"}},
		{"cut short", "[" + good + `, {"object_id": "b", "grou`, []string{"array of predictions", "byte 104"}},
		{"not JSON", "object_id,question", []string{"byte 1"}},
		{"an object", good, []string{"expected an array of predictions, found an object"}},
		{"null", "null", []string{"found null"}},
		{"no record", "[]", []string{"empty array"}},
		{"record is a text", "[" + good + `, "b"]`, []string{"record 1", "expected an object, found a text"}},
		{"record is null", "[" + good + `, null]`, []string{"record 1", "found null"}},
		{"key is missing", "[" + good + `, {"object_id": "b", "question": "q", "model_output": "m"}]`, []string{"record 1", "ground_truth is missing"}},
		{"key of another case", `[{"object_id": "b", "Ground_Truth": "q", "model_output": "m"}]`, []string{"record 0", "ground_truth is missing"}},
		{"number for a text", `[{"object_id": 7, "ground_truth": "t", "model_output": "m"}]`, []string{"record 0", "object_id: expected a text, found a number"}},
		{"null for a text", `[{"object_id": "b", "ground_truth": "t", "model_output": null}]`, []string{"record 0", "model_output", "null"}},
		{"list for a text", `[{"object_id": "b", "ground_truth": ["t"], "model_output": "m"}]`, []string{"record 0", "ground_truth", "an array"}},
		{"bytes of Latin-1", "[{\"object_id\": \"caf\xe9\", \"ground_truth\": \"t\", \"model_output\": \"m\"}]", []string{"UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
				t.Fatal(err)
			}
			p, err := ReadPredictions(path)
			if c.want == nil {
				if err != nil || len(p) != 1 || p[0].ObjectID != "a" || p[0].GroundTruth != "t" || p[0].ModelOutput != "m" {
					t.Errorf("read %+v, %v", p, err)
				}
				return
			}
			wantError(t, err, append(c.want, path)...)
		})
	}
	_, err := ReadPredictions(filepath.Join(t.TempDir(), "none.json"))
	wantError(t, err, "none.json", "no such file")
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}

func evaluation(t *testing.T) *Evaluation {
	t.Helper()
	e, err := Evaluate(context.Background(), load[[]Prediction](t, "predictions.json"), Options{BLEU: true, ROUGE: true})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What was written is read back, and so is the reference's file.
func TestReadEvaluation(t *testing.T) {
	e := evaluation(t)
	path := filepath.Join(t.TempDir(), "e.json")
	for _, full := range []bool{false, true} {
		e.FullText = full
		if err := e.Write(path); err != nil {
			t.Fatal(err)
		}
		back, err := ReadEvaluation(path)
		if err != nil {
			t.Fatal(err)
		}
		if back.FullText != full || len(back.Results) != len(e.Results) {
			t.Errorf("read %d results (full text %v), want %d (%v)", len(back.Results), back.FullText, len(e.Results), full)
		}
		for i, r := range back.Results {
			if w := e.Results[i]; r.ObjectID != w.ObjectID || r.GroundTruth != w.GroundTruth || r.ModelOutput != w.ModelOutput {
				t.Errorf("result %d is %+v, want %+v", i, r, w)
			}
			for name, s := range r.Scores {
				if s != e.Results[i].Scores[name] {
					t.Errorf("result %d: %s is %v, want %v", i, name, s, e.Results[i].Scores[name])
				}
			}
		}
	}
	reference, err := ReadEvaluation("testdata/evaluated.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(reference.Names()); n != 8 {
		t.Errorf("%d scores, want 8", n)
	}
}

func TestReadEvaluationFaults(t *testing.T) {
	const texts = `"object_id": "a", "ground_truth": "t", "model_output": "m"`
	path := filepath.Join(t.TempDir(), "e.json")
	for content, want := range map[string]string{
		"[]":                             "expected an evaluation, found an array",
		`{"results": []}`:                "expected results, found none",
		`{"results": [{` + texts + `}]}`: "result 0: expected scores",
		`{"results": [{` + texts + `, "scores": {"bleu-1": "x"}}]}`:                                                      "result 0: expected scores that are numbers",
		`{"results": [{` + texts + `, "scores": {"bleu-1": 1}}, {` + texts + `, "scores": {"bleu-2": 1}}]}`:              "result 1 (a): expected the scores of result 0, bleu-1 is missing",
		`{"results": [{"object_id": "a", "ground_truth": "t", "scores": {"bleu-1": 1}}]}`:                                "result 0: model_output is missing",
		`{"overall_scores": {"bleu-1": "1.0000"}, "results": [{` + texts + `, "scores": {"bleu-1": 1}}, {` + texts + `,`: "byte",
	} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadEvaluation(path)
		wantError(t, err, path, want)
	}
}

// fullDisk fails after some bytes.
type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		n := d.room
		d.room = 0
		return n, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

// A write that fails is an error, wherever it fails, and an older file stays.
func TestWriteFails(t *testing.T) {
	e := evaluation(t)
	for _, room := range []int{0, 1, 5000, 12000} {
		b := bufio.NewWriter(&fullDisk{room})
		e.encode(b)
		if err := b.Flush(); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	wantError(t, e.Write(filepath.Join(dir, "none", "e.json")), "none")
	wantError(t, e.Write(filepath.Join(old, "e.json")), "old.json")
	if err := os.MkdirAll(filepath.Join(dir, "folder", "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, e.Write(filepath.Join(dir, "folder")), "folder")
	if b, err := os.ReadFile(old); err != nil || string(b) != "old" {
		t.Errorf("the older file is %q, %v", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Scores made at different times come together, if the texts are the same.
func TestKeep(t *testing.T) {
	p := load[[]Prediction](t, "predictions.json")
	all := evaluation(t)
	score := func(p []Prediction, o Options) *Evaluation {
		e, err := Evaluate(context.Background(), p, o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := score(p, Options{ROUGE: true})
	e.Results[0].Scores[ROUGE1] = 12 // newer than what is kept
	if kept := e.Keep(all); !slices.Equal(kept, []string{BLEU1, BLEU2, BLEU3, BLEU4}) {
		t.Errorf("kept %q", kept)
	}
	if !slices.Equal(e.Scores(BLEU2), all.Scores(BLEU2)) || e.Results[0].Scores[ROUGE1] != 12 {
		t.Error("scores are not those of both")
	}
	other := slices.Clone(p)
	other[3].GroundTruth += "."
	for _, e := range []*Evaluation{score(other, Options{ROUGE: true}), score(p[1:], Options{ROUGE: true}), score(p, Options{ROUGE: true, FullText: true})} {
		if kept := e.Keep(all); kept != nil || len(e.Names()) != 3 {
			t.Errorf("kept %q of other texts", kept)
		}
	}
}

func TestEvaluatedName(t *testing.T) {
	for _, c := range []struct {
		results string
		full    bool
		want    string
	}{
		{"a/b.json", false, "a/b_evaluated_traditional.json"},
		{"a.json/b.json", false, "a.json/b_evaluated_traditional.json"},
		{"b.json", true, "b_evaluated_full_text.json"},
		{"a/b", false, "a/b_evaluated_traditional.json"},
	} {
		if got := EvaluatedName(c.results, c.full); got != c.want {
			t.Errorf("%s goes to %s, want %s", c.results, got, c.want)
		}
	}
}

// A broken encoder's similarity is an error that names the record.
func TestSimilarities(t *testing.T) {
	p := load[[]Prediction](t, "predictions.json")[:3]
	fake := similarityFunc(func(a, b []string) ([]float64, error) { return []float64{1, 0.5, -0.25}, nil })
	e, err := Evaluate(context.Background(), p, Options{SimCSE: fake})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Scores(SimCSE); got[0] != 100 || got[1] != 50 || got[2] != -25 {
		t.Errorf("similarities are %v", got)
	}
	if got := e.Names(); len(got) != 1 || got[0] != SimCSE {
		t.Errorf("scores are %q", got)
	}
	fake = func(a, b []string) ([]float64, error) { return []float64{1, nan(), 0}, nil }
	_, err = Evaluate(context.Background(), p, Options{SBERT: fake})
	wantError(t, err, SBERT, "record 1", p[1].ObjectID, "not a number")
	fake = func(a, b []string) ([]float64, error) { return nil, errFull }
	if _, err = Evaluate(context.Background(), p, Options{SBERT: fake}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err = Evaluate(ctx, p, Options{BLEU: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a cancelled evaluation", err)
	}
}

type similarityFunc func(a, b []string) ([]float64, error)

func (f similarityFunc) Similarities(_ context.Context, a, b []string, _ func(int)) ([]float64, error) {
	return f(a, b)
}

func nan() float64 { return math.NaN() }

// FuzzParse gives hostile files to both parsers; what is read can be scored
// and written.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"predictions.json", "evaluated.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(`[{"object_id": "\ud800", "ground_truth": "..", "model_output": "\u0000"}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePredictions(b); err == nil {
			e, err := Evaluate(context.Background(), p, Options{BLEU: true, ROUGE: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range e.Names() {
				for _, s := range e.Scores(name) {
					if !(s >= 0 && s <= 100.0000001) {
						t.Errorf("%s is %v", name, s)
					}
				}
			}
		}
		_, _ = parseEvaluation(b)
	})
}
