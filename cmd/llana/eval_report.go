package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llana/infer/eval"
	"llana/infer/eval/report"
	"llana/infer/metrics"
	"llana/kernels"
	"llana/models/checkpoint/atomicfile"
)

type reportFlags struct {
	names               []string
	html, markdown, csv string
	nerfs, title        string
	sortBy              string
	examples            int
}

func evalReportCommand(a *app) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report F_evaluated_traditional.json... [--html PAGE] [--markdown T.md] [--csv T.csv]",
		Short: "Show evaluations of several models side by side",
		Long: `Print the scores of one or several evaluations of the same benchmark, each with
its bootstrap interval, and of every model after the first the difference to it
on the records they share, with a paired permutation test. Records are the same
if they are the n-th about the same object; it is an error if their true answers
differ.

--html writes a page in one file that needs no network: the table, how the
scores are spread, and the worst and best answers, with pictures of the objects
where --nerfs DIR holds DIR/<object id>/nerf_weights.pth.

Scores of multiple-choice questions (F` + eval.ChoiceSuffix + `) may stand
among the files; they are shown beside the others.`,
		Example: `  llana eval report a/hst_evaluated_traditional.json b/hst_evaluated_traditional.json --name 7B --name 13B --html hst.html
  llana eval report toy_evaluated_traditional.json --html toy.html --nerfs infer/toymodel/data/heldout`,
		Args: cobra.MinimumNArgs(1),
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.names, "name", nil, "what to call a model; once for each evaluation (default: by file or folder)")
	fl.StringVar(&f.html, "html", "", "page to write")
	fl.StringVar(&f.markdown, "markdown", "", "table to write in Markdown")
	fl.StringVar(&f.csv, "csv", "", "table to write as CSV")
	fl.StringVar(&f.nerfs, "nerfs", "", "folder of NeRFs by object id, for pictures on the page")
	fl.StringVar(&f.title, "title", "", "title of the page")
	fl.StringVar(&f.sortBy, "sort-by", "", "score that says which answers are best and worst (default: similarity of sentences, else METEOR, else ROUGE-L)")
	fl.IntVar(&f.examples, "examples", 6, "answers on the page, of the best, the worst and each model's most different")
	cmd.RunE = a.do(func(ctx context.Context, args []string) error { return a.evalReport(ctx, f, args) })
	return cmd
}

// reportInput is what the files hold.
type reportInput struct {
	table   *report.Table
	choices []*report.Choice
}

func (f *reportFlags) check() error {
	switch {
	case f.examples < 0 || f.examples > 1000:
		return usagef("--examples %d: want 0 to 1000", f.examples)
	case f.sortBy != "" && !slices.Contains(metrics.Names(), f.sortBy):
		return usagef("--sort-by %q: want one of %s", f.sortBy, strings.Join(metrics.Names(), ", "))
	case f.nerfs != "" && f.html == "":
		return usagef("--nerfs is for pictures on the page: give --html")
	}
	return nil
}

func (f *reportFlags) read(args []string, seed uint64) (in reportInput, err error) {
	var evaluations, choices []string
	for _, path := range args {
		if strings.HasSuffix(path, eval.ChoiceSuffix) {
			choices = append(choices, path)
		} else {
			evaluations = append(evaluations, path)
		}
	}
	o := metrics.Resampling{Seed: seed}
	if in.choices, err = report.LoadChoices(choices, o); err != nil {
		return in, err
	}
	if f.names != nil && len(f.names) != len(evaluations) {
		return in, usagef("--name is given %d times for %d evaluations", len(f.names), len(evaluations))
	}
	if len(evaluations) == 0 {
		return in, nil
	}
	models, err := report.LoadAll(evaluations, f.names)
	if err != nil {
		return in, err
	}
	in.table, err = report.NewTable(models, o)
	if err == nil && f.sortBy != "" && !slices.Contains(in.table.Metrics, f.sortBy) {
		err = fmt.Errorf("--sort-by %s: the evaluations do not have that score", f.sortBy)
	}
	return in, err
}

func (a *app) evalReport(ctx context.Context, f reportFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	in, err := f.read(args, a.seed)
	if err != nil {
		return err
	}
	if err := makeFolders(f.html, f.markdown, f.csv); err != nil {
		return err
	}
	if in.table == nil && (f.markdown != "" || f.csv != "") {
		return usagef("--markdown and --csv need an evaluation, not only multiple-choice scores")
	}
	if f.markdown != "" {
		if err := atomicfile.Write(f.markdown, in.table.Markdown); err != nil {
			return err
		}
	}
	if f.csv != "" {
		if err := atomicfile.Write(f.csv, in.table.CSV); err != nil {
			return err
		}
	}
	if f.html != "" {
		if err := a.writePage(ctx, f, in); err != nil {
			return err
		}
	}
	return a.printReport(in)
}

func (a *app) writePage(ctx context.Context, f reportFlags, in reportInput) error {
	page := report.Page{Title: f.title, Sections: []report.Section{{Title: "Scores", Table: in.table, Choices: in.choices, Examples: f.examples, SortBy: f.sortBy}}}
	if page.Title == "" {
		page.Title = "Evaluation"
		if in.table != nil {
			var names []string
			for _, m := range in.table.Models {
				names = append(names, m.Name)
			}
			page.Title = "Evaluation of " + strings.Join(names, ", ")
		}
	}
	if f.nerfs == "" {
		return page.Write(ctx, f.html, nil)
	}
	return a.withDevice(func(d kernels.Device) error {
		bar := a.console().Bar("rendering", -1)
		defer bar.Close()
		page.Sections[0].Pictures = report.NeRFs(d, f.nerfs)
		return page.Write(ctx, f.html, bar.Set)
	})
}

// reportJSON is the result of eval report.
type reportJSON struct {
	FullText bool               `json:"full_text"`
	Models   []reportModelJSON  `json:"models"`
	Choices  []reportChoiceJSON `json:"multi_choice,omitempty"`
}

type reportChoiceJSON struct {
	Name string `json:"name"`
	File string `json:"file"`
	eval.Accuracy
	ByRelation map[string]eval.Accuracy `json:"by_relation"`
	NoOption   int                      `json:"no_option"`
	Protocol   string                   `json:"protocol"`
	Difference *metrics.Comparison      `json:"minus_first,omitempty"`
}

type reportModelJSON struct {
	Name    string                     `json:"name"`
	File    string                     `json:"file"`
	Records int                        `json:"records"`
	Shared  int                        `json:"shared"` // with the first
	Scores  map[string]reportScoreJSON `json:"scores"`
}

type reportScoreJSON struct {
	metrics.Interval
	Difference *metrics.Comparison `json:"minus_first,omitempty"`
}

func (a *app) printReport(in reportInput) error {
	if a.json {
		return a.writeJSON(in.json())
	}
	if in.table != nil {
		if err := in.table.Text(a.out); err != nil {
			return err
		}
	}
	for _, c := range in.choices {
		fmt.Fprintf(a.out, "\nmultiple choice, %s: ", c.Model)
		if err := printChoice(a.out, c.ChoiceScore); err != nil {
			return err
		}
		if d := c.Difference(); d != "" {
			fmt.Fprintf(a.out, "minus %s: %s\n", in.choices[0].Model, d)
		}
	}
	return nil
}

func (in reportInput) json() reportJSON {
	r := reportJSON{Models: []reportModelJSON{}}
	for _, c := range in.choices {
		r.Choices = append(r.Choices, reportChoiceJSON{c.Model, c.Path, c.Accuracy, c.ByRelation, c.NoOption, c.Protocol, c.Versus})
	}
	t := in.table
	if t == nil {
		return r
	}
	r.FullText = t.FullText
	for j, m := range t.Models {
		out := reportModelJSON{m.Name, m.Path, len(m.Results), t.Shared[j], map[string]reportScoreJSON{}}
		for i, name := range t.Metrics {
			out.Scores[name] = reportScoreJSON{t.Rows[i][j].Interval, t.Rows[i][j].Versus}
		}
		r.Models = append(r.Models, out)
	}
	return r
}
