package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The bundled models are evaluated from questions to page; the scores may not
// fall below what the project promises.
func TestEvalDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	var r evalDemoJSON
	runJSON(t, &r, "eval", "demo", "--out", dir, "--scenes", "40")
	spatial, pooled := r.Models["spatial tokens"], r.Models["one pooled token"]
	if r.Scenes != 40 || spatial.ObjectsNamed < 0.8 || spatial.Spatial < 0.85 || pooled.Spatial > spatial.Spatial-0.2 {
		t.Errorf("%d scenes, spatial tokens %+v, one pooled token %+v", r.Scenes, spatial, pooled)
	}
	for task, records := range map[string]int{"shapenerf_test_brief_description": 40, "shapenerf_test_detailed_description": 40, "shapenerf_test_single_round": 120} {
		m := r.Tasks[task].Models
		if len(m) != 2 || m[0].Records != records || m[1].Shared != records || m[0].Scores["bleu-1"].Mean < 90 ||
			m[1].Scores["rouge-l"].Difference == nil || m[1].Scores["rouge-l"].Difference.High >= 0 {
			t.Errorf("%s: %+v, want two models' scores of %d records, the second surely lower", task, m, records)
		}
	}
	if c := r.Tasks["spatial_objanerf_multi_choice"].Choices; len(c) != 2 || c[0].Questions < 80 || c[1].Difference.P > 0.01 {
		t.Errorf("two-way questions: %+v", c)
	}
	page, err := os.ReadFile(r.Page)
	if err != nil || strings.Count(string(page), "data:image/png;base64,") < 20 || !strings.Contains(string(page), "Wrong answers of one pooled token") {
		t.Errorf("the page of %d bytes, %v", len(page), err)
	}
	testEvalReport(t, dir)
}

// testEvalReport makes reports of what the demo has written.
func testEvalReport(t *testing.T, dir string) {
	at := func(model, name string) string { return filepath.Join(dir, model, name) }
	const brief = "shapenerf_test_brief_description_evaluated_traditional.json"
	a, b := at("spatial-tokens", brief), at("one-pooled-token", brief)
	page, md, csv := filepath.Join(dir, "r", "page.html"), filepath.Join(dir, "t.md"), filepath.Join(dir, "t.csv")
	out := mustRun(t, "eval", "report", a, b, at("one-pooled-token", "spatial_objanerf_multi_choice_evaluated_multi_choice.json"),
		"--html", page, "--markdown", md, "--csv", csv, "--nerfs", bundled+"/heldout", "--examples", "2")
	for _, s := range []string{"SPATIAL-TOKENS", "MINUS SPATIAL-TOKENS", "BLEU-1", "p = 0.0", "40 records", "multiple choice, one pooled token", "left/right"} {
		if !strings.Contains(out, s) {
			t.Errorf("output %s does not say %q", out, s)
		}
	}
	for path, want := range map[string]string{page: "data:image/png;base64,", md: "| BLEU-1 | 9", csv: "bleu-1,one-pooled-token,40,"} {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q (%v)", path, want, err)
		}
	}
	var r reportJSON
	runJSON(t, &r, "eval", "report", a, b, "--name", "x", "--name", "y")
	if len(r.Models) != 2 || r.Models[1].Name != "y" || r.Models[1].Scores["bleu-1"].Difference == nil || r.Models[0].Scores["bleu-1"].Difference != nil {
		t.Errorf("%+v", r)
	}
	other := at("spatial-tokens", "shapenerf_test_single_round_evaluated_traditional.json")
	wantFailure(t, llana(t, "", "eval", "report", a, other), exitFailed, a, other, "not the same questions")
	wantFailure(t, llana(t, "", "eval", "report", a, "--sort-by", "sbert_similarity"), exitFailed, "sbert_similarity", "do not have")
}

func TestEvalReportUsage(t *testing.T) {
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"eval report", []string{"at least 1 arg"}},
		{"eval report a.json --name x --name y", []string{"--name", "2 times for 1"}},
		{"eval report a.json --sort-by nonsense", []string{"--sort-by", "bleu-1", "meteor"}},
		{"eval report a.json --examples -1", []string{"--examples"}},
		{"eval report a.json --nerfs d", []string{"--html"}},
		{"eval demo extra", []string{"extra"}},
		{"eval demo --scenes -1", []string{"--scenes"}},
	} {
		wantFailure(t, llana(t, "", strings.Fields(c.args)...), exitUsage, c.parts...)
	}
	wantFailure(t, llana(t, "", "eval", "report", t.TempDir()+"/none.json"), exitFailed, "none.json", "no such file")
	broken := writeFile(t, "{", t.TempDir(), "f_evaluated_multi_choice.json")
	wantFailure(t, llana(t, "", "eval", "report", broken), exitFailed, broken, "multiple-choice")
}
