package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	metricsData = "../../infer/metrics/testdata"
	textData    = "../../models/textencoder/testdata"
	partOfWN    = metricsData + "/wordnet.zip"
)

// answers copies the golden predictions into a folder of their own.
func answers(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(metricsData + "/golden/predictions.json")
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(b), t.TempDir(), "hst.json")
}

// evaluated is a file of eval score.
type evaluated struct {
	FullText *bool             `json:"full_text"`
	Overall  map[string]string `json:"overall_scores"`
	Results  []struct {
		ObjectID    string             `json:"object_id"`
		ModelOutput string             `json:"model_output"`
		Scores      map[string]float64 `json:"scores"`
	} `json:"results"`
}

func readEvaluated(t *testing.T, path string) evaluated {
	t.Helper()
	var e evaluated
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// All ten scores, on the golden predictions: words against the reference, the
// encoders (small ones) by their means.
func TestEvalScore(t *testing.T) {
	file := answers(t)
	var got scoreJSON
	runJSON(t, &got, "eval", "score", "--results", file, "--metrics", "bleu,rouge,meteor,sbert,simcse", "--wordnet", partOfWN,
		"--sbert", textData+"/mpnet", "--simcse", textData+"/roberta")
	want := strings.Replace(file, ".json", "_evaluated_traditional.json", 1)
	if got.Written != want || got.Mode != "parity" || got.Predictions != 61 || got.Cut != 14 || got.Empty != 1 || len(got.LeftOut) != 0 {
		t.Errorf("result is %+v", got)
	}
	e := readEvaluated(t, want)
	golden := readEvaluated(t, metricsData+"/golden/scores.json")
	if len(e.Overall) != 10 || len(got.Scores) != 10 || e.FullText != nil {
		t.Errorf("%d means in the file, %d in the table, full text %v", len(e.Overall), len(got.Scores), e.FullText)
	}
	for name, w := range golden.Overall {
		if e.Overall[name] != w {
			t.Errorf("mean of %s is %s, want %s", name, e.Overall[name], w)
		}
	}
	for i, w := range golden.Results {
		g := e.Results[i]
		if g.ObjectID != w.ObjectID || g.ModelOutput != w.ModelOutput {
			t.Errorf("result %d is of %s, %q, want %s, %q", i, g.ObjectID, g.ModelOutput, w.ObjectID, w.ModelOutput)
		}
		for name, s := range w.Scores {
			if math.Abs(g.Scores[name]-s) > 1e-6 {
				t.Errorf("%s: %s is %v, want %v", g.ObjectID, name, g.Scores[name], s)
			}
		}
	}
	// The first answer is the truth.
	for _, name := range []string{"sbert_similarity", "simcse_similarity"} {
		if s := e.Results[0].Scores[name]; math.Abs(s-100) > 1e-4 {
			t.Errorf("%s of equal texts is %v", name, s)
		}
		if i := got.Scores[name]; !(i.Low < i.Mean && i.Mean < i.High && i.High <= 100.001) {
			t.Errorf("%s is %+v", name, i)
		}
	}
}

// The table says in which mode the scores were made, and what they lack.
func TestEvalScoreModes(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	file := answers(t)
	out := mustRun(t, "eval", "score", "--results", file, "--wordnet", partOfWN)
	for _, part := range []string{"parity with the reference", "cut to 200 characters", "shortened 14 of 61", "1 empty", "bleu-4", "meteor",
		"sbert is left out: sentence-transformers/all-mpnet-base-v2", "--sbert", "simcse is left out: princeton-nlp/sup-simcse-roberta-large", "--simcse"} {
		if !strings.Contains(out, part) {
			t.Errorf("output does not say %q:\n%s", part, out)
		}
	}
	out = mustRun(t, "eval", "score", "--results", file, "--metrics", "rouge,bleu", "--full-text")
	for _, part := range []string{"full text", "not comparable", "61 whole answers", "hst_evaluated_full_text.json"} {
		if !strings.Contains(out, part) {
			t.Errorf("output does not say %q:\n%s", part, out)
		}
	}
	for _, part := range []string{"meteor", "sbert", "left out"} {
		if strings.Contains(out, part) {
			t.Errorf("output says %q:\n%s", part, out)
		}
	}
	full := readEvaluated(t, strings.Replace(file, ".json", "_evaluated_full_text.json", 1))
	cut := readEvaluated(t, strings.Replace(file, ".json", "_evaluated_traditional.json", 1))
	if full.FullText == nil || !*full.FullText || len(full.Overall) != 7 {
		t.Errorf("full text %v, %d means", full.FullText, len(full.Overall))
	}
	longer := 0
	for i, r := range full.Results {
		if len(r.ModelOutput) > len(cut.Results[i].ModelOutput) {
			longer++
		}
	}
	if longer != 14 {
		t.Errorf("%d answers are longer than what was cut, want 14", longer)
	}
}

// An encoder that is run later adds to the file; other answers begin anew.
func TestEvalScoreKeeps(t *testing.T) {
	file := answers(t)
	mustRun(t, "eval", "score", "--results", file, "--metrics", "bleu")
	var got scoreJSON
	runJSON(t, &got, "eval", "score", "--results", file, "--metrics", "sbert", "--sbert", textData+"/mpnet")
	if len(got.Kept) != 4 || len(got.Scores) != 5 {
		t.Errorf("result is %+v", got)
	}
	if e := readEvaluated(t, got.Written); len(e.Overall) != 5 || len(e.Results[0].Scores) != 5 {
		t.Errorf("means are %v", e.Overall)
	}
	out := mustRun(t, "eval", "score", "--results", file, "--metrics", "bleu")
	if !strings.Contains(out, "kept from the earlier file: sbert_similarity") {
		t.Errorf("output does not say what is kept:\n%s", out)
	}
	if out := mustRun(t, "eval", "score", "--results", file, "--metrics", "bleu,sbert", "--sbert", textData+"/mpnet"); strings.Contains(out, "kept") {
		t.Errorf("nothing is kept, but the output says so:\n%s", out)
	}
	writeFile(t, `[{"object_id": "a", "ground_truth": "b", "model_output": "c"}]`, file)
	var anew scoreJSON
	runJSON(t, &anew, "eval", "score", "--results", file, "--metrics", "rouge")
	if anew.Kept != nil || len(anew.Scores) != 3 {
		t.Errorf("result is %+v", anew)
	}
}

func TestEvalScoreFailures(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	file, dir := answers(t), t.TempDir()
	cut := truncated(t, file, 3000)
	untyped := writeFile(t, `[{"object_id": "a", "ground_truth": "b", "model_output": 3}]`, dir, "untyped.json")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, args string
		code       int
		parts      []string
	}{
		{"no such metric", "--results " + file + " --metrics bleu,spice", exitUsage, []string{"spice", "bleu, rouge, meteor, sbert, simcse"}},
		{"no metric", "--results " + file + " --metrics=", exitUsage, []string{"--metrics", "bleu, rouge, meteor, sbert, simcse"}},
		{"no file", "", exitUsage, []string{"results"}},
		{"over the answers", "--results " + file + " --out " + file, exitUsage, []string{"--out"}},
		{"no such file", "--results " + dir + "/none.json", exitFailed, []string{"none.json", "no such file"}},
		{"cut short", "--results " + cut, exitFailed, []string{cut, "byte 3000"}},
		{"of another type", "--results " + untyped, exitFailed, []string{untyped, "record 0", "model_output", "a number"}},
		{"no WordNet there", "--results " + file + " --wordnet " + empty, exitFailed, []string{empty, "data.noun"}},
		{"encoder is not cached", "--results " + file + " --metrics sbert", exitFailed, []string{"sbert", "sentence-transformers/all-mpnet-base-v2", "--sbert"}},
		{"other encoder is not cached", "--results " + file + " --metrics simcse", exitFailed, []string{"simcse", "princeton-nlp/sup-simcse-roberta-large", "--simcse"}},
		{"encoder's folder is empty", "--results " + file + " --metrics sbert --sbert " + empty, exitFailed, []string{empty, "config.json", "sentence-transformers/all-mpnet-base-v2", "--sbert"}},
		{"encoder of another kind", "--results " + file + " --metrics simcse --simcse " + textData + "/mpnet", exitFailed, []string{"mpnet", "roberta", "--simcse"}},
		{"nowhere to write", "--results " + file + " --metrics bleu --out " + file + "/x.json", exitFailed, []string{file, "not a directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, llana(t, "", append([]string{"eval", "score"}, strings.Fields(c.args)...)...), c.code, c.parts...)
		})
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the answers: %q, %v", left, err)
	}
}
