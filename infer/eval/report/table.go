package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"llana/infer/metrics"
)

// Table is the comparison of some models' evaluations.
type Table struct {
	Models  []*Model
	Metrics []string // that all models have
	Shared  []int    // how many records each model shares with the first
	Rows    [][]Cell // by metric and model
	// FullText says that whole answers were scored, not their beginnings.
	FullText bool
}

// Cell is a model's score.
type Cell struct {
	metrics.Interval                     // of all its records
	Versus           *metrics.Comparison // this model minus the first, on the records that they share; nil for the first
}

// NewTable compares models with the first one, record by record: records are
// the same if they are the n-th about the same object. It is an error if the
// true answers of a shared record differ, if a model shares no record or no
// metric with the first, or if whole answers were scored for some models only.
func NewTable(models []*Model, o metrics.Resampling) (*Table, error) {
	if len(models) == 0 {
		return nil, errors.New("no evaluations")
	}
	t := &Table{Models: models, FullText: models[0].FullText, Metrics: models[0].Names()}
	pairs := make([][][2]int, len(models))
	for i, m := range models {
		if m.FullText != t.FullText {
			return nil, fmt.Errorf("%s and %s: one scores whole answers, the other their first %d characters: they cannot be compared", models[0].Path, m.Path, metrics.CutAt)
		}
		var err error
		if pairs[i], err = match(models[0], m); err != nil {
			return nil, err
		}
		t.Shared = append(t.Shared, len(pairs[i]))
		names := m.Names()
		t.Metrics = slices.DeleteFunc(t.Metrics, func(n string) bool { return !slices.Contains(names, n) })
	}
	if len(t.Metrics) == 0 {
		return nil, errors.New("the evaluations have no metric in common")
	}
	for _, name := range t.Metrics {
		row := make([]Cell, len(models))
		for i, m := range models {
			row[i].Interval = metrics.MeanInterval(m.Scores(name), o)
			if i == 0 {
				continue
			}
			mine, first := make([]float64, len(pairs[i])), make([]float64, len(pairs[i]))
			for n, p := range pairs[i] {
				first[n], mine[n] = models[0].Results[p[0]].Scores[name], m.Results[p[1]].Scores[name]
			}
			c, err := metrics.Compare(mine, first, o)
			if err != nil {
				return nil, err
			}
			row[i].Versus = &c
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// match returns the numbers of the records that two models share, in the order
// of the first.
func match(first, m *Model) ([][2]int, error) {
	var pairs [][2]int
	for i, k := range first.keys {
		j, ok := m.index[k]
		if !ok {
			continue
		}
		if a, b := first.Results[i].GroundTruth, m.Results[j].GroundTruth; a != b {
			return nil, fmt.Errorf("%s and %s: record %d about object %q has the true answers %.60q and %.60q: these are not the same questions",
				first.Path, m.Path, k.n, k.object, a, b)
		}
		pairs = append(pairs, [2]int{i, j})
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s and %s: no record in common", first.Path, m.Path)
	}
	return pairs, nil
}

// titles are the metrics' names as papers write them.
var titles = map[string]string{
	metrics.BLEU1: "BLEU-1", metrics.BLEU2: "BLEU-2", metrics.BLEU3: "BLEU-3", metrics.BLEU4: "BLEU-4",
	metrics.ROUGE1: "ROUGE-1", metrics.ROUGE2: "ROUGE-2", metrics.ROUGEL: "ROUGE-L", metrics.Meteor: "METEOR",
	metrics.SBERT: "Sentence-BERT", metrics.SimCSE: "SimCSE",
}

func (c Cell) interval() string { return fmt.Sprintf("%.2f [%.2f, %.2f]", c.Mean, c.Low, c.High) }

// difference is "-3.10 [-4.20, -2.00], p < 0.001".
func (c Cell) difference() string {
	if c.Versus == nil {
		return ""
	}
	v := c.Versus
	return fmt.Sprintf("%+.2f [%+.2f, %+.2f], %s", v.Mean, v.Low, v.High, pValue(v.P))
}

func pValue(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p = %.3f", p)
}

// grid returns the table's cells as text, the header first.
func (t *Table) grid() [][]string {
	head := []string{"metric"}
	for i, m := range t.Models {
		head = append(head, m.Name)
		if i > 0 {
			head = append(head, "minus "+t.Models[0].Name)
		}
	}
	rows := [][]string{head}
	for i, name := range t.Metrics {
		row := []string{titles[name]}
		for j, c := range t.Rows[i] {
			row = append(row, c.interval())
			if j > 0 {
				row = append(row, c.difference())
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// Notes says what the numbers are of, one sentence a line.
func (t *Table) Notes() []string {
	mode := fmt.Sprintf("answers cut to %d characters, as the reference does", metrics.CutAt)
	if t.FullText {
		mode = "whole answers"
	}
	notes := []string{fmt.Sprintf("%d records; %s. Means with bootstrap intervals of 95 %%.", len(t.Models[0].Results), mode)}
	if len(t.Models) == 1 {
		return notes
	}
	notes = append(notes, "Differences on the records that a model shares with the first, with paired bootstrap intervals and paired permutation tests.")
	for i, m := range t.Models[1:] {
		if n := t.Shared[i+1]; n != len(m.Results) || n != len(t.Models[0].Results) {
			notes = append(notes, fmt.Sprintf("%s has %d records and shares %d with %s.", m.Name, len(m.Results), n, t.Models[0].Name))
		}
	}
	return notes
}

// Text writes the table for a terminal.
func (t *Table) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for i, row := range t.grid() {
		if i == 0 {
			for j := range row {
				row[j] = strings.ToUpper(row[j])
			}
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(t.Notes(), "\n"))
	return err
}

// Markdown writes the table in Markdown.
func (t *Table) Markdown(w io.Writer) error {
	var b strings.Builder
	for i, row := range t.grid() {
		for j := range row {
			row[j] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(row[j])
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
	}
	b.WriteString("\n" + strings.Join(t.Notes(), " ") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// CSV writes one line for each metric and model.
func (t *Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"metric", "model", "records", "mean", "low", "high", "shared", "difference", "difference_low", "difference_high", "p"}}
	f := func(v float64) string { return fmt.Sprintf("%.6g", v) }
	for i, name := range t.Metrics {
		for j, c := range t.Rows[i] {
			row := []string{name, t.Models[j].Name, fmt.Sprint(len(t.Models[j].Results)), f(c.Mean), f(c.Low), f(c.High), "", "", "", "", ""}
			if v := c.Versus; v != nil {
				copy(row[6:], []string{fmt.Sprint(t.Shared[j]), f(v.Mean), f(v.Low), f(v.High), f(v.P)})
			}
			rows = append(rows, row)
		}
	}
	return out.WriteAll(rows)
}
