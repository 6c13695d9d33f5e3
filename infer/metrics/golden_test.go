package metrics

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/infer/metrics/wordnet"
)

// load reads a JSON file of testdata.
func load[T any](t testing.TB, name string) T {
	t.Helper()
	var v T
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eachWordNet runs f with the part of WordNet that testdata has, and with the
// whole one if it is installed.
func eachWordNet(t *testing.T, f func(t *testing.T, db *wordnet.DB)) {
	t.Run("part", func(t *testing.T) { f(t, partOfWordNet(t)) })
	t.Run("whole", func(t *testing.T) {
		db, err := wordnet.Find()
		if missing := (*wordnet.NotFoundError)(nil); errors.As(err, &missing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		f(t, db)
	})
}

func partOfWordNet(t testing.TB) *wordnet.DB {
	t.Helper()
	db, err := wordnet.Open("testdata/wordnet.zip")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// goldenScores are the reference's evaluation of golden/predictions.json.
type goldenScores struct {
	Overall map[string]string `json:"overall_scores"`
	Results []struct {
		GroundTruth string `json:"ground_truth"`
		ModelOutput string `json:"model_output"`
		Scores      Scores `json:"scores"`
	} `json:"results"`
}

func TestGoldenScores(t *testing.T) {
	predictions := load[[]Prediction](t, "golden/predictions.json")
	want := load[goldenScores](t, "golden/scores.json")
	eachWordNet(t, func(t *testing.T, db *wordnet.DB) {
		e, err := Evaluate(context.Background(), predictions, Options{BLEU: true, ROUGE: true, METEOR: NewMETEOR(db)})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Results) != len(want.Results) {
			t.Fatalf("%d results, want %d", len(e.Results), len(want.Results))
		}
		for i, r := range e.Results {
			if w := want.Results[i]; r.ModelOutput != w.ModelOutput {
				t.Errorf("%s: scored %q, want %q", r.ObjectID, r.ModelOutput, w.ModelOutput)
			}
			compare(t, r.ObjectID, r.Scores, want.Results[i].Scores)
		}
		for _, name := range e.Names() {
			if got := fmt.Sprintf("%.4f", e.Mean(name)); got != want.Overall[name] {
				t.Errorf("mean of %s is %s, want %s", name, got, want.Overall[name])
			}
		}
	})
}

// compare fails unless got has exactly the scores wanted, within 1e-6.
func compare(t *testing.T, label string, got, want Scores) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d scores, want %d", label, len(got), len(want))
	}
	for name, w := range want {
		if g, ok := got[name]; !ok || !(math.Abs(g-w) <= 1e-6) {
			t.Errorf("%s: %s is %v, want %v", label, name, g, w)
		}
	}
}

// Texts of nothing but periods make the package rouge fail; they score 0.
func TestEdgeCases(t *testing.T) {
	cases := load[[]struct {
		Truth  string         `json:"ground_truth"`
		Answer string         `json:"model_output"`
		Scores map[string]any `json:"scores"`
	}](t, "golden/edge_cases.json")
	var predictions []Prediction
	for _, c := range cases {
		predictions = append(predictions, Prediction{GroundTruth: c.Truth, ModelOutput: c.Answer})
	}
	e, err := Evaluate(context.Background(), predictions, Options{BLEU: true, ROUGE: true, METEOR: NewMETEOR(partOfWordNet(t))})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		want := Scores{}
		for name, v := range c.Scores {
			if v == true {
				want[ROUGE1], want[ROUGE2], want[ROUGEL] = 0, 0, 0
			} else {
				want[name] = v.(float64)
			}
		}
		compare(t, fmt.Sprintf("%q with %q", c.Answer, c.Truth), e.Results[i].Scores, want)
	}
}

func TestAlignment(t *testing.T) {
	predictions := load[[]Prediction](t, "golden/predictions.json")
	want := load[[]struct {
		ObjectID string   `json:"object_id"`
		Matches  [][2]int `json:"matches"`
		Chunks   int      `json:"chunks"`
	}](t, "golden/meteor_alignments.json")
	m := NewMETEOR(partOfWordNet(t))
	for i := range want {
		p := predictions[i]
		answer := Cut(p.ModelOutput, CutAt)
		if answer == "" {
			answer = emptyAnswer
		}
		matches := m.Align(Words(answer), Words(p.GroundTruth))
		got := make([][2]int, len(matches))
		for k, x := range matches {
			got[k] = [2]int{x.Answer, x.Truth}
		}
		if fmt.Sprint(got) != fmt.Sprint(want[i].Matches) || Chunks(matches) != want[i].Chunks {
			t.Errorf("%s: matches %v in %d chunks, want %v in %d", p.ObjectID, got, Chunks(matches), want[i].Matches, want[i].Chunks)
		}
	}
}

// randomCase is a line of random.jsonl.gz; scores are in the order of Names.
type randomCase struct {
	Truth, Answer string
	Cut, Full     []float64
}

func randomCases(t testing.TB) []randomCase {
	t.Helper()
	f, err := os.Open("testdata/random.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	var cases []randomCase
	for d := json.NewDecoder(z); ; {
		var c randomCase
		if err := d.Decode(&c); err == io.EOF {
			return cases
		} else if err != nil {
			t.Fatal(err)
		}
		if c.Full == nil {
			c.Full = c.Cut
		}
		cases = append(cases, c)
	}
}

// nltk's BLEU and METEOR, and ROUGE as its package defines it, on thousands of
// generated answers, cut and whole.
func TestRandomAnswers(t *testing.T) {
	cases := randomCases(t)
	var predictions []Prediction
	for _, c := range cases {
		predictions = append(predictions, Prediction{GroundTruth: c.Truth, ModelOutput: c.Answer})
	}
	eachWordNet(t, func(t *testing.T, db *wordnet.DB) {
		for _, full := range []bool{false, true} {
			e, err := Evaluate(context.Background(), predictions, Options{BLEU: true, ROUGE: true, METEOR: NewMETEOR(db), FullText: full})
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range cases {
				values := c.Cut
				if full {
					values = c.Full
				}
				want := Scores{}
				for k, v := range values {
					want[Names()[k]] = v
				}
				compare(t, fmt.Sprintf("case %d (full text %v)", i, full), e.Results[i].Scores, want)
			}
		}
	})
}

func TestSynonyms(t *testing.T) {
	want := load[map[string][]string](t, "golden/wordnet_synonyms.json")
	eachWordNet(t, func(t *testing.T, db *wordnet.DB) {
		if db.Version != "3.0" {
			t.Errorf("version %q, want 3.0", db.Version)
		}
		for word, w := range want {
			if got := db.Synonyms(word); fmt.Sprint(got) != fmt.Sprint(w) {
				t.Errorf("synonyms of %q are %q, want %q", word, got, w)
			}
		}
	})
}

// The file is the reference's, character by character but for scores.
func TestWriteGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/evaluated.json")
	if err != nil {
		t.Fatal(err)
	}
	e, err := Evaluate(context.Background(), load[[]Prediction](t, "predictions.json"),
		Options{BLEU: true, ROUGE: true, METEOR: NewMETEOR(partOfWordNet(t))})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.json")
	if err := e.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	if len(g) != len(w) {
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
	for i := range w {
		if !bytes.Equal(g[i], w[i]) && !closeLine(g[i], w[i]) {
			t.Errorf("line %d is %s, want %s", i+1, g[i], w[i])
		}
	}
}

// closeLine reports whether two lines `"name": number,` differ in the last
// digits of the number only.
func closeLine(got, want []byte) bool {
	var name, name2, end, end2 string
	var x, y float64
	n, _ := fmt.Sscanf(string(got), "%s %g%s", &name, &x, &end)
	m, _ := fmt.Sscanf(string(want), "%s %g%s", &name2, &y, &end2)
	return n >= 2 && n == m && name == name2 && end == end2 && math.Abs(x-y) < 1e-9
}
