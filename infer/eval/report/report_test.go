package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llana/infer/eval"
	"llana/infer/metrics"
)

// evaluate writes predictions and their scores as eval run and eval score do,
// and returns the file of the scores.
func evaluate(t *testing.T, path string, predictions []metrics.Prediction, o metrics.Options) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	err := metrics.WritePredictions(path, func(yield func(metrics.Prediction, error) bool) {
		for _, p := range predictions {
			if !yield(p, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	o.BLEU, o.ROUGE = true, true
	e, err := metrics.Evaluate(t.Context(), predictions, o)
	if err != nil {
		t.Fatal(err)
	}
	out := metrics.EvaluatedName(path, o.FullText)
	if err := e.Write(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// twoModels are a good and a poor model's answers to 40 questions about 20
// objects.
func twoModels() (good, poor []metrics.Prediction) {
	for i := range 40 {
		p := metrics.Prediction{ObjectID: fmt.Sprintf("o%d", i/2), Question: fmt.Sprintf("What is <b> & %d?", i), GroundTruth: fmt.Sprintf("a red chair with %d legs", i)}
		p.ModelOutput = p.GroundTruth
		good = append(good, p)
		if i%4 != 0 {
			p.ModelOutput = "a blue chair <script>alert(1)</script>"
		}
		poor = append(poor, p)
	}
	return good, poor
}

func table(t *testing.T, paths ...string) *Table {
	t.Helper()
	models, err := LoadAll(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	tb, err := NewTable(models, metrics.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func TestTable(t *testing.T) {
	dir := t.TempDir()
	good, poor := twoModels()
	a := evaluate(t, filepath.Join(dir, "good", "hst.json"), good, metrics.Options{})
	b := evaluate(t, filepath.Join(dir, "po|or", "hst.json"), poor, metrics.Options{})
	tb := table(t, a, b)
	if tb.Models[0].Name != "good" || tb.Models[1].Name != "po|or" || tb.Shared[1] != 40 || tb.Models[0].Questions[3] != good[3].Question {
		t.Errorf("models %q and %q share %d", tb.Models[0].Name, tb.Models[1].Name, tb.Shared[1])
	}
	if len(tb.Metrics) != 7 || tb.Metrics[0] != metrics.BLEU1 {
		t.Fatalf("metrics %q, want BLEU and ROUGE", tb.Metrics)
	}
	c := tb.Rows[0][1]
	want := tb.Models[1].Mean(metrics.BLEU1) - tb.Models[0].Mean(metrics.BLEU1)
	if v := c.Versus; v == nil || math.Abs(v.Mean-want) > 1e-9 || !(v.High < 0) || !(v.P < 0.01) || tb.Rows[0][0].Versus != nil {
		t.Errorf("difference %+v, want %v, surely below 0", c.Versus, want)
	}
	var text, md, cs bytes.Buffer
	for _, f := range []struct {
		w     io.Writer
		write func(io.Writer) error
	}{{&text, tb.Text}, {&md, tb.Markdown}, {&cs, tb.CSV}} {
		if err := f.write(f.w); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"GOOD", "BLEU-1", "100.00 [100.00, 100.00]", "p < 0.001", "40 records", "cut to 200"} {
		if !strings.Contains(text.String(), s) {
			t.Errorf("the text %s does not say %q", text.String(), s)
		}
	}
	if lines := strings.Split(md.String(), "\n"); lines[0] != `| metric | good | po\|or | minus good |` || lines[1] != "| --- | --- | --- | --- |" || !strings.HasPrefix(lines[2], "| BLEU-1 | 100.00 ") {
		t.Errorf("Markdown %s", md.String())
	}
	rows, err := csv.NewReader(&cs).ReadAll()
	if err != nil || len(rows) != 1+2*7 || rows[2][1] != "po|or" || rows[2][6] != "40" || rows[1][10] != "" {
		t.Errorf("CSV %q, %v", rows, err)
	}
}

// Records are matched by object and order, whatever the order of the files.
func TestMatch(t *testing.T) {
	dir := t.TempDir()
	good, poor := twoModels()
	reversed := append([]metrics.Prediction(nil), poor[10:]...)
	for i, j := 0, len(reversed)-1; i < j; i, j = i+2, j-2 { // objects, not the questions of one
		reversed[i], reversed[i+1], reversed[j-1], reversed[j] = reversed[j-1], reversed[j], reversed[i], reversed[i+1]
	}
	a := evaluate(t, filepath.Join(dir, "a.json"), good, metrics.Options{})
	b := evaluate(t, filepath.Join(dir, "b.json"), reversed, metrics.Options{})
	tb := table(t, a, b)
	if tb.Shared[1] != 30 || !strings.Contains(strings.Join(tb.Notes(), " "), "b has 30 records and shares 30 with a.") {
		t.Errorf("%d shared, notes %q", tb.Shared[1], tb.Notes())
	}
	same := table(t, a, evaluate(t, filepath.Join(dir, "c.json"), good[10:], metrics.Options{}))
	if v := same.Rows[0][1].Versus; v.Mean != 0 || v.P != 1 {
		t.Errorf("a model against itself: %+v, want no difference", v)
	}

	other := append([]metrics.Prediction(nil), good...)
	other[7].GroundTruth = "a lamp"
	elsewhere := []metrics.Prediction{{ObjectID: "x", GroundTruth: "y", ModelOutput: "z"}}
	for name, c := range map[string]struct {
		path string
		want []string
	}{
		"other truth": {evaluate(t, filepath.Join(dir, "d.json"), other, metrics.Options{}), []string{"a_evaluated", "d_evaluated", `record 1 about object "o3"`, "a lamp", "not the same questions"}},
		"no record":   {evaluate(t, filepath.Join(dir, "e.json"), elsewhere, metrics.Options{}), []string{"e_evaluated", "no record in common"}},
		"whole text":  {evaluate(t, filepath.Join(dir, "f.json"), good, metrics.Options{FullText: true}), []string{"f_evaluated_full_text", "200 characters", "cannot be compared"}},
	} {
		models, err := LoadAll([]string{a, c.path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewTable(models, metrics.Resampling{})
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %v does not say %q", name, err, w)
			}
		}
	}
	if _, err := LoadAll([]string{a, filepath.Join(dir, "none.json")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	broken := filepath.Join(dir, "broken_evaluated_traditional.json")
	if err := os.WriteFile(broken, []byte(`{"results": [{`), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAll([]string{broken}, nil); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("a file cut short: error %v", err)
	}
	if _, err := NewTable(nil, metrics.Resampling{}); err == nil {
		t.Error("no error for no evaluations")
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ paths, want []string }{
		{[]string{"a/hst_evaluated_traditional.json"}, []string{"hst"}},
		{[]string{"a/hst_evaluated_traditional.json", "b/hst_evaluated_traditional.json"}, []string{"a", "b"}},
		{[]string{"x/7b.json", "x/13b_evaluated_full_text.json"}, []string{"7b", "13b"}},
		{[]string{"a/hst.json", "a/hst.json"}, []string{"a (1)", "a (2)"}},
	} {
		if got := NamesOf(c.paths); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q are named %q, want %q", c.paths, got, c.want)
		}
	}
}

// choices writes a score of multiple-choice questions, the first of which are
// answered right.
func choices(t *testing.T, path, model string, questions, right int) string {
	t.Helper()
	s := eval.ChoiceScore{Protocol: "ours", Model: model, Accuracy: eval.Accuracy{Questions: questions, Right: right, Interval: metrics.Interval{Mean: 100 * float64(right) / float64(questions)}},
		ByRelation: map[string]eval.Accuracy{"left/right": {Questions: questions, Right: right}}}
	for i := range questions {
		s.Results = append(s.Results, eval.ChoiceResult{ObjectID: fmt.Sprintf("o%d", i/2), Question: fmt.Sprintf("Where is %d?", i), Truth: "A", Output: "B", Given: "B", Right: i < right})
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestChoices(t *testing.T) {
	dir := t.TempDir()
	a, b := choices(t, filepath.Join(dir, "a.json"), "7B", 40, 36), choices(t, filepath.Join(dir, "b.json"), "13B", 40, 10)
	cs, err := LoadChoices([]string{a, b}, metrics.Resampling{})
	if err != nil || cs[0].Versus != nil || cs[1].Shared != 40 || math.Abs(cs[1].Versus.Mean+65) > 1e-9 || !strings.Contains(cs[1].Difference(), "p < 0.001") {
		t.Fatalf("%+v, %v", cs, err)
	}
	text, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"other questions": {strings.Replace(string(text), "Where is 3?", "What is 3?", 1), "not the same questions"},
		"other objects":   {strings.ReplaceAll(string(text), `"object_id":"o`, `"object_id":"x`), "no question in common"},
		"another file":    {`{"overall_scores": {}}`, "not a score of multiple-choice"},
		"cut short":       {string(text)[:100], "not a score of multiple-choice"},
	} {
		path := filepath.Join(dir, "c.json")
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadChoices([]string{a, path}, metrics.Resampling{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
}

// The page is well formed, needs nothing from elsewhere, and shows what the
// files say as text.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	good, poor := twoModels()
	tb := table(t, evaluate(t, filepath.Join(dir, "good.json"), good, metrics.Options{}), evaluate(t, filepath.Join(dir, "poor.json"), poor, metrics.Options{}))
	cs, err := LoadChoices([]string{choices(t, filepath.Join(dir, "c.json"), "7B", 10, 7)}, metrics.Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]int{}
	p := Page{Title: "A <title>", Lead: "lead", Tiles: []Tile{{Title: "figure", Values: []TileValue{{"good", "95 %"}}}},
		Sections: []Section{{Title: "HST", Table: tb, Choices: cs, Examples: 3, Pictures: func(_ context.Context, id string) (template.URL, error) {
			drawn[id]++
			return "data:image/png;base64,AAAA", nil
		}}, {Title: "choices only", Choices: cs}}}
	path := filepath.Join(dir, "page.html")
	if err := p.Write(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	count := elements(t, b)
	// Worst, best and furthest behind, three each, and the wrong choices.
	if count["article"] != 3+3+3+2 || count["figure"] != 7 || count["img"] != 11 || count["script"] != 0 || count["link"] != 0 {
		t.Errorf("elements %v", count)
	}
	for _, s := range []string{"A &lt;title&gt;", "What is &lt;b&gt; &amp; ", "&lt;script&gt;alert(1)", "Worst answers by ROUGE-L", "Where poor falls furthest behind good", "below: minus good", "Wrong answers of 7B"} {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("the page does not have %q", s)
		}
	}
	for id, n := range drawn {
		if n != 1 {
			t.Errorf("%s was drawn %d times", id, n)
		}
	}
	boom := errors.New("boom")
	p.Sections[0].Pictures = func(context.Context, string) (template.URL, error) { return "", boom }
	if err := p.Write(t.Context(), filepath.Join(dir, "other.html"), nil); !errors.Is(err, boom) {
		t.Errorf("error %v, want that of the picture", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other.html")); err == nil {
		t.Error("a failed page was written")
	}
}

// elements counts a page's elements, checks (as XML, which the page is too) that they are closed, and that no
// attribute leads elsewhere.
func elements(t *testing.T, page []byte) map[string]int {
	t.Helper()
	count := map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(page))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return count
		}
		if err != nil {
			t.Errorf("the page is not well formed: %v", err)
			return count
		}
		if e, ok := tok.(xml.StartElement); ok {
			count[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "//") && !strings.HasPrefix(a.Value, "data:") {
					t.Errorf("%s leads to %s", e.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestHistogram(t *testing.T) {
	h := newHistogram("X", [][]float64{{0, 0, 100, 50}, {-20, 101, 5, 5}}, []float64{37.5, 120})
	if h.Top != "50 %" || len(h.Lines) != 2 || h.Lines[0].MeanX != 90 || h.Lines[1].MeanX != chartWidth {
		t.Errorf("%+v", h)
	}
	if a := h.Lines[0].Area; !strings.HasPrefix(a, "0,96 0,0.0 12,0.0 ") || !strings.HasSuffix(a, " 228,48.0 240,48.0 240,96") || !strings.Contains(a, " 120,48.0 132,48.0 ") {
		t.Errorf("outline %s", a)
	}
}
