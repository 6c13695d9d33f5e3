package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/infer/eval"
	"llana/kernels"
	"llana/models/hub"
	"llana/models/spatialllana"
)

type evalRunFlags struct {
	dataFlags
	samplingFlags
	storageFlags
	model, root, split, text string
	out, shard, turns        string
	batch                    int
	overwrite                bool
}

// resultsFolder is where the reference puts results.
const resultsFolder = "evaluation_results"

func evalRunCommand(a *app) *cobra.Command {
	var f evalRunFlags
	cmd := &cobra.Command{
		Use:   "run --model MODEL --data ROOT --split S [--text-data T] [--out F.json]",
		Short: "Ask a model the questions of a benchmark",
		Long: `Ask a model all questions of a split of a data folder in the published layout
and write its answers beside the true ones, as the reference's evaluation does.

Splits are ` + strings.Join(eval.Splits(), ", ") + `.
Texts of train, val and shapenerf_test are brief_description (the default),
detailed_description, single_round and multi_round; of spatial_objanerf,
spatial_descriptions (the default) and multi_choice.

Every answer goes to a journal beside F.json at once. The same command goes on
where an interrupted run was; with other settings, it refuses. --shard 2/4 asks
the second quarter of the questions and writes F.shard2of4.json; when all
shards are done, llana eval merge puts them together.`,
		Example: `  llana eval run --model Spatial-LLaNA-7B --data data/spatial_llana_dataset --split shapenerf_test --text-data detailed_description
  llana eval run --model infer/toymodel/data/spatial --data llana-eval-demo/data --split spatial_objanerf --text-data multi_choice --out toy.json`,
		Args: cobra.NoArgs,
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", modelHelp)
	fl.StringVar(&f.root, "data", "", "data folder")
	fl.StringVar(&f.split, "split", "", "part of the data that is asked about")
	fl.StringVar(&f.text, "text-data", "", "kind of questions, where the split has several")
	fl.StringVar(&f.out, "out", "", "results (default "+resultsFolder+"/MODEL/SPLIT_TEXT.json)")
	fl.StringVar(&f.shard, "shard", "1/1", "ask only this part of the questions, as 2/4")
	fl.IntVar(&f.batch, "batch", 0, "prompts read together at most; 0: as many as fit into 1 GiB of cache")
	fl.StringVar(&f.turns, "turns", eval.TurnsFirst, "of a record of several questions: first (asked and written), or copy (all written with the first's answer, as the reference does)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "begin anew, whatever is there")
	f.dataFlags.register(cmd)
	f.samplingFlags.register(cmd)
	f.storageFlags.register(cmd)
	for _, name := range []string{"model", "data", "split"} {
		_ = cmd.MarkFlagRequired(name)
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error { return a.evalRun(ctx, f) })
	return cmd
}

// options checks the flags.
func (f *evalRunFlags) options(seed uint64) (t eval.Task, o eval.Options, err error) {
	if t, err = eval.NewTask(f.split, f.text); err != nil {
		return t, o, usageError{fmt.Errorf("--split: %w", err)}
	}
	o = eval.Options{Turns: f.turns, Batch: f.batch, Overwrite: f.overwrite}
	if o.Options, err = f.samplingFlags.options(seed); err != nil {
		return t, o, err
	}
	if o.CacheType, err = f.cacheType(); err != nil {
		return t, o, err
	}
	if err := f.storageFlags.check(); err != nil {
		return t, o, err
	}
	n, err := fmt.Sscanf(f.shard+"\n", "%d/%d\n", &o.Shard, &o.Shards)
	switch {
	case err != nil || n != 2 || o.Shard < 1 || o.Shard > o.Shards || o.Shards > eval.MaxShards:
		return t, o, usagef("--shard %q: want part/parts, as 2/4", f.shard)
	case f.turns != eval.TurnsFirst && f.turns != eval.TurnsCopy:
		return t, o, usagef("--turns %q: want %s or %s", f.turns, eval.TurnsFirst, eval.TurnsCopy)
	case f.batch < 0:
		return t, o, usagef("--batch %d: want 0 or more", f.batch)
	}
	return t, o, nil
}

// results returns the file that the results go to.
func (f *evalRunFlags) results(t eval.Task) (string, error) {
	if f.out != "" {
		return f.out, nil
	}
	whole, err := filepath.Abs(f.model)
	return filepath.Join(resultsFolder, filepath.Base(whole), t.FileName()), err
}

func (a *app) evalRun(ctx context.Context, f evalRunFlags) error {
	t, o, err := f.options(a.seed)
	if err != nil {
		return err
	}
	l, err := f.open(f.root)
	if err != nil {
		return err
	}
	s, err := l.Source(t)
	if err != nil {
		return err
	}
	out, err := f.results(t)
	if err != nil {
		return err
	}
	if err := makeFolders(out); err != nil {
		return err
	}
	if f.model, err = a.locate(ctx, f.model, hub.Model); err != nil {
		return err
	}
	id, err := eval.Identify(f.model)
	if err != nil {
		return err
	}
	id.Weights = f.weights
	var r eval.Result
	err = a.withDevice(func(d kernels.Device) error {
		m, err := a.open(d, f.storageFlags, f.model, o.Options)
		if err != nil {
			return err
		}
		defer m.Free()
		var answered int
		r, answered, err = a.runTask(ctx, m, id, s, out, o)
		if errors.Is(err, context.Canceled) && answered >= 0 {
			return interruptedRun(answered, eval.JournalName(eval.ShardName(out, o.Shard, o.Shards)), o.Overwrite, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.printRun(r)
}

// interruptedRun says where the answers of an interrupted run are, and how it
// goes on.
func interruptedRun(answered int, journal string, overwrite bool, err error) error {
	how := "the same command goes on from there"
	if overwrite {
		how = "the same command without --overwrite goes on from there"
	}
	return fmt.Errorf("interrupted after %d answers, which %s holds; %s: %w", answered, journal, how, err)
}

// runTask runs a task with a progress bar. It also returns how many questions
// are answered, -1 if it did not come to them.
func (a *app) runTask(ctx context.Context, m *spatialllana.Model, id eval.ModelID, s eval.Source, out string, o eval.Options) (eval.Result, int, error) {
	answered, began := -1, -1
	bar := a.console().Bar(s.Task.String(), -1)
	o.Progress = func(done, total int) {
		if began < 0 {
			began = done
			bar.Close()
			// Counted from here on, so that the time left is not estimated from
			// answers of earlier runs.
			bar = a.console().Bar(s.Task.String(), total-done)
		}
		answered = done
		bar.Set(done - began)
	}
	defer func() { bar.Close() }()
	r, err := eval.Run(ctx, m, id, s, out, o)
	return r, answered, err
}

func (a *app) printRun(r eval.Result) error {
	if a.json {
		return a.writeJSON(r)
	}
	s := fmt.Sprintf("%s: %d answers", r.Out, r.Questions)
	for _, part := range []struct {
		n    int
		text string
	}{{r.Resumed, "from an earlier run"}, {r.CutOff, "cut off at the limit"}, {r.LeftOut, "later questions of records left out"}} {
		if part.n > 0 {
			s += fmt.Sprintf(", %d %s", part.n, part.text)
		}
	}
	if _, err := fmt.Fprintln(a.out, s); err != nil || r.Choice == nil {
		return err
	}
	fmt.Fprint(a.out, r.ChoiceOut+": ")
	return printChoice(a.out, r.Choice)
}

// printChoice prints the score of multiple-choice questions.
func printChoice(out io.Writer, c *eval.ChoiceScore) error {
	fmt.Fprintf(out, "%d of %d right\n\n", c.Right, c.Questions)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RELATION\tQUESTIONS\tRIGHT\t95 % INTERVAL")
	row := func(name string, c eval.Accuracy) {
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%.1f to %.1f\n", name, c.Questions, c.Mean, c.Low, c.High)
	}
	for _, name := range slices.Sorted(maps.Keys(c.ByRelation)) {
		row(name, c.ByRelation[name])
	}
	row("all", c.Accuracy)
	if err := w.Flush(); err != nil {
		return err
	}
	if c.NoOption > 0 {
		fmt.Fprintf(out, "\n%d answers choose no option.", c.NoOption)
	}
	_, err := fmt.Fprintf(out, "\n%s.\n", c.Protocol)
	return err
}

func evalMergeCommand(a *app) *cobra.Command {
	var out string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "merge --out F.json [SHARD...]",
		Short: "Put the shards of a run together",
		Long: `Put the shards of an eval run together, in the order of the questions. Every
shard must be there once, finished, and of the same model, data and settings.
Without SHARDs, those that --shard made beside F.json are taken.`,
		Example: "  llana eval merge --out results.json\n  llana eval merge --out results.json a/results.shard1of2.json b/results.shard2of2.json",
	}
	cmd.Flags().StringVar(&out, "out", "", "results of the whole run")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace results that are there")
	_ = cmd.MarkFlagRequired("out")
	cmd.RunE = a.do(func(_ context.Context, args []string) error {
		if len(args) == 0 {
			var err error
			if args, err = eval.FindShards(out); err != nil {
				return err
			}
		}
		if err := makeFolders(out); err != nil {
			return err
		}
		r, err := eval.Merge(out, args, overwrite)
		if err != nil {
			return err
		}
		return a.printRun(r)
	})
	return cmd
}
