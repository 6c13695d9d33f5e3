package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/infer/eval"
	"llana/models/hub"
	"llana/models/spatialllana"
)

func dataCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "data",
		Short:   "Data folders in the published layout",
		Long:    "Data folders in the published layout.",
		Example: "  llana data check data/spatial_llana_dataset",
	})
	cmd.AddCommand(dataCheckCommand(a))
	return cmd
}

// dataFlags say which data folder is read and how its parts are named.
type dataFlags struct {
	data, anno string
}

func (f *dataFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.data, "data-folder", "vecs", "folder of the object tokens in a split")
	cmd.Flags().StringVar(&f.anno, "anno-folder", "texts", "folder of the annotations in a split")
}

func (f *dataFlags) open(root string) (eval.Layout, error) {
	l, err := eval.Open(root)
	l.DataFolder, l.AnnoFolder = f.data, f.anno
	return l, err
}

type checkFlags struct {
	dataFlags
	splits []string
	tokens string
	model  string
	faults int
}

func dataCheckCommand(a *app) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check ROOT",
		Short: "Is a data folder complete and well formed?",
		Long: `Read every annotation file of a data folder in the published layout and the
header of every object's tokens; count what there is, and name every fault with
its file, record and object. Records are counted from 0.

Tokens must be (3072, 516), or what --model or --tokens says; in a toy world,
all like the first. An object without tokens is no fault where the whole folder
of tokens is still to be made and its NeRF is there (llana encode).

Exit status 1 if anything that is needed is missing or malformed.`,
		Example: `  llana data check data/spatial_llana_dataset
  llana data check data --split shapenerf_test --split hst --json
  llana data check toy --model infer/toymodel/data/spatial`,
		Args: cobra.ExactArgs(1),
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.splits, "split", nil, "only this split; may be given several times (default: all of the layout)")
	fl.StringVar(&f.tokens, "tokens", "", "shape of the tokens, as 3072x516")
	fl.StringVar(&f.model, "model", "", "model that says what shape it reads: a folder, or owner/name[@revision]")
	fl.IntVar(&f.faults, "max-faults", 50, "faults printed for each file; 0: all. --json always has all")
	f.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("tokens", "model")
	cmd.RunE = a.do(func(ctx context.Context, args []string) error { return a.checkData(ctx, f, args[0]) })
	return cmd
}

// shape returns what the tokens are to be.
func (f *checkFlags) shape(l eval.Layout) (s eval.Shape, uniform bool, err error) {
	switch {
	case f.tokens != "":
		n, err := fmt.Sscanf(f.tokens+"\n", "%dx%d\n", &s.Tokens, &s.Width)
		if err != nil || n != 2 || s.Tokens < 1 || s.Width < 1 {
			return s, false, usagef("--tokens %q: want tokens x width, as 3072x516", f.tokens)
		}
		return s, false, nil
	case f.model != "":
		c, err := spatialllana.ReadConfig(f.model)
		if err != nil {
			return s, false, err
		}
		if c.Projector == nil {
			return s, true, nil // any, as long as all are alike
		}
		if s = (eval.Shape{Tokens: c.Projector.Tokens, Width: c.Projector.Width}); c.Projector.Pool != "" {
			s.Tokens = 0
		}
		return s, false, nil
	case l.ToyWorld():
		return s, true, nil
	}
	return eval.PublishedShape, false, nil
}

func (a *app) checkData(ctx context.Context, f checkFlags, root string) error {
	if f.faults < 0 {
		return usagef("--max-faults %d: want 0 or more", f.faults)
	}
	if f.model != "" {
		var err error
		if f.model, err = a.locate(ctx, f.model, hub.Tokenizer); err != nil {
			return err
		}
	}
	for _, s := range f.splits {
		if _, err := eval.NewTask(s, ""); err != nil {
			return usageError{fmt.Errorf("--split: %w", err)}
		}
	}
	l, err := f.open(root)
	if err != nil {
		return err
	}
	o := eval.CheckOptions{Splits: f.splits}
	if o.Shape, o.Uniform, err = f.shape(l); err != nil {
		return err
	}
	bar := a.console().Bar("records", -1)
	defer bar.Close()
	o.Progress = bar.Set
	p := faultPrinter{w: a.out, json: a.json, limit: f.faults}
	p.open(l.Root)
	o.Fault = p.fault
	counts, err := l.Check(ctx, o)
	if err != nil {
		return err
	}
	bar.Close()
	if err := p.close(counts); err != nil {
		return err
	}
	if p.total > 0 {
		return fmt.Errorf("%s: %s", l.Root, p.sum())
	}
	return nil
}

// faultPrinter prints faults as they come, so that none has to be kept, and
// the counts behind them: as one JSON object, or for people.
type faultPrinter struct {
	w     io.Writer
	json  bool
	limit int // faults printed for each file; 0: all
	file  string
	here  int // in this file
	total int
	err   error // the first of writing
}

func (p *faultPrinter) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *faultPrinter) open(root string) {
	if p.json {
		p.printf("{\n  \"root\": %s,\n  \"faults\": [", jsonText(root))
	}
}

func (p *faultPrinter) fault(f eval.Fault) {
	if p.total++; p.json {
		comma := ","
		if p.total == 1 {
			comma = ""
		}
		p.printf("%s\n    %s", comma, jsonText(f))
		return
	}
	if f.File != p.file {
		p.omitted()
		p.file, p.here = f.File, 0
	}
	if p.here++; p.limit == 0 || p.here <= p.limit {
		p.printf("%s\n", f)
	}
}

// omitted says how many faults of a file were not printed.
func (p *faultPrinter) omitted() {
	if p.limit > 0 && p.here > p.limit {
		p.printf("%s: %d more (--max-faults 0 prints all)\n", p.file, p.here-p.limit)
	}
}

func (p *faultPrinter) close(counts []eval.FileCount) error {
	if p.json {
		if p.total > 0 {
			p.printf("\n  ")
		}
		p.printf("],\n  \"files\": %s,\n  \"ok\": %v\n}\n", jsonText(counts), p.total == 0)
		return p.err
	}
	p.omitted()
	if p.total > 0 {
		p.printf("\n")
	}
	w := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SPLIT\tRECORDS\tOBJECTS\tTOKENS\tFAULTS\tTYPES\tFILE")
	for _, c := range counts {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", c.Split, c.Records, c.Objects, c.Tokens, c.Faults, types(c), c.File)
	}
	if err := w.Flush(); err != nil && p.err == nil {
		p.err = err
	}
	verdict := "complete and well formed"
	if p.total > 0 {
		verdict = p.sum()
	}
	p.printf("\n%s\n", verdict)
	return p.err
}

// sum is "1 fault" or "3 faults".
func (p *faultPrinter) sum() string {
	if p.total == 1 {
		return "1 fault"
	}
	return fmt.Sprintf("%d faults", p.total)
}

// types lists what a file's records are.
func types(c eval.FileCount) string {
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(c.Types)) {
		name := t
		if name == "" {
			name = "without type"
		}
		parts = append(parts, fmt.Sprintf("%d %s", c.Types[t], name))
	}
	if c.TextOnly > 0 {
		parts = append(parts, fmt.Sprintf("%d text only", c.TextOnly))
	}
	if c.NeRFs > 0 {
		parts = append(parts, fmt.Sprintf("%d objects to encode", c.NeRFs))
	}
	return strings.Join(parts, ", ")
}

// jsonText returns a value that always has a JSON form, on one line.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
