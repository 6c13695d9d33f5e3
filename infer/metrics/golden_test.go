package metrics

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/infer/metrics/porter"
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

// openWordNet opens the whole WordNet if it is installed.
func openWordNet(t testing.TB) *wordnet.DB {
	t.Helper()
	db, err := wordnet.Find()
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestGoldenScores(t *testing.T) {
	predictions := load[[]Prediction](t, "golden/predictions.json")
	want := load[struct {
		Overall map[string]string `json:"overall_scores"`
		Results []struct {
			ModelOutput string `json:"model_output"`
			Scores      Scores
		}
	}](t, "golden/scores.json")
	e, err := Evaluate(context.Background(), predictions, Options{BLEU: true, ROUGE: true, METEOR: NewMETEOR(openWordNet(t))})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range e.Results {
		w := want.Results[i]
		if r.ModelOutput != w.ModelOutput {
			t.Errorf("%s: scored %q, want %q", r.ObjectID, r.ModelOutput, w.ModelOutput)
		}
		for name, score := range w.Scores {
			if got, ok := r.Scores[name]; !ok || math.Abs(got-score) > 1e-6 {
				t.Errorf("%s: %s is %v, want %v", r.ObjectID, name, got, score)
			}
		}
	}
}

func TestPorter(t *testing.T) {
	for word, want := range load[map[string]string](t, "golden/porter_stems.json") {
		if got := porter.Stem(word); got != want {
			t.Errorf("stem of %q is %q, want %q", word, got, want)
		}
	}
}
