package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/infer/metrics"
	"llana/infer/metrics/wordnet"
	"llana/kernels"
	"llana/models/checkpoint/atomicfile"
	"llana/models/textencoder"
)

type scoreFlags struct {
	results, out           string
	metrics                []string
	fullText               bool
	wordnet, sbert, simcse string
}

// metricNames are the values of --metrics.
var metricNames = []string{"bleu", "rouge", "meteor", "sbert", "simcse"}

// The encoders of the paper, and the revision of SimCSE that it used.
const (
	sbertRepository  = "sentence-transformers/all-mpnet-base-v2"
	simcseRepository = "princeton-nlp/sup-simcse-roberta-large"
	simcseRevision   = "96d164d9950b72f4ce179cb1eb3414de0910953f"
)

func evalScoreCommand(a *app) *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score --results F.json [--metrics bleu,rouge,meteor,sbert,simcse] [--full-text]",
		Short: "Score answers against the truth",
		Long: `Score a model's answers, a JSON file as the reference's evaluation writes it,
with BLEU-1 to 4, ROUGE-1, 2 and L, METEOR, and the similarity of sentences by
Sentence-BERT and SimCSE. F_evaluated_traditional.json is written as the
reference writes it, and a table with bootstrap intervals is printed.

As in the reference, only the first 200 characters of an answer are scored;
--full-text scores whole answers, into F_evaluated_full_text.json. Scores of the
two modes cannot be compared.

METEOR needs WordNet 3.0 (Debian's wordnet-base, or nltk's corpus); the
encoders need their Hugging Face folders, which are looked for in its cache too.
Nothing is downloaded. Without --metrics, everything is scored whose data is
there, and what is left out is said. Scores of the same answers that an earlier
run wrote into the file and this one does not make are kept.`,
		Example: `  llana eval score --results evaluation_results/model/hst.json
  llana eval score --results answers.json --metrics bleu,rouge,meteor --full-text --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error { return a.evalScore(ctx, f) })
	fl := cmd.Flags()
	fl.StringVar(&f.results, "results", "", "file of answers")
	fl.StringVar(&f.out, "out", "", "file to write (default beside the answers)")
	fl.StringSliceVar(&f.metrics, "metrics", nil, "some of "+strings.Join(metricNames, ", ")+" (default what is available)")
	fl.BoolVar(&f.fullText, "full-text", false, "score whole answers instead of their first 200 characters")
	fl.StringVar(&f.wordnet, "wordnet", "", "folder of WordNet 3.0, or nltk's wordnet.zip (default where it is installed)")
	fl.StringVar(&f.sbert, "sbert", "", "folder of "+sbertRepository+" (default Hugging Face's cache)")
	fl.StringVar(&f.simcse, "simcse", "", "folder of "+simcseRepository+" (default Hugging Face's cache)")
	_ = cmd.MarkFlagRequired("results")
	return cmd
}

func (a *app) evalScore(ctx context.Context, f scoreFlags) error {
	if f.metrics != nil && len(f.metrics) == 0 {
		return usagef("--metrics names none; there are %s", strings.Join(metricNames, ", "))
	}
	for _, m := range f.metrics {
		if !slices.Contains(metricNames, m) {
			return usagef("--metrics: no metric %q; there are %s", m, strings.Join(metricNames, ", "))
		}
	}
	if f.out == "" {
		f.out = metrics.EvaluatedName(f.results, f.fullText)
	}
	if filepath.Clean(f.out) == filepath.Clean(f.results) {
		return usagef("--out would replace the answers")
	}
	predictions, err := metrics.ReadPredictions(f.results)
	if err != nil {
		return err
	}
	if err := probe(f.out); err != nil {
		return err
	}
	s := &scorer{app: a, flags: f, options: metrics.Options{FullText: f.fullText}}
	if err := s.wordMetrics(); err != nil {
		return err
	}
	if err := s.findEncoders(); err != nil {
		return err
	}
	run := func() error { return s.run(ctx, predictions) }
	if len(s.folders) == 0 {
		return run()
	}
	return a.withDevice(func(d kernels.Device) error {
		free, err := s.openEncoders(d)
		defer free()
		if err != nil {
			return err
		}
		return run()
	})
}

// probe makes the folder of a file that will be written and tries to write
// there, so that long work does not end for want of a place.
func probe(path string) error {
	if err := makeFolders(path); err != nil {
		return err
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	f.Abort()
	return nil
}

// scorer gathers what the metrics need.
type scorer struct {
	app     *app
	flags   scoreFlags
	options metrics.Options
	folders map[string]string // of the encoders, by metric
	leftOut map[string]string // why, by metric
}

// wants reports whether a metric is asked for: by name, or because none is.
func (s *scorer) wants(metric string) bool {
	return s.flags.metrics == nil || slices.Contains(s.flags.metrics, metric)
}

// skip leaves a metric out that was not asked for by name; else its lack is an
// error.
func (s *scorer) skip(metric string, lack error) error {
	if s.flags.metrics != nil {
		return fmt.Errorf("%s: %w", metric, lack)
	}
	if s.leftOut == nil {
		s.leftOut = map[string]string{}
	}
	s.leftOut[metric] = lack.Error()
	return nil
}

// wordMetrics chooses the metrics that compare words.
func (s *scorer) wordMetrics() error {
	s.options.BLEU, s.options.ROUGE = s.wants("bleu"), s.wants("rouge")
	if !s.wants("meteor") {
		return nil
	}
	var db *wordnet.DB
	var err error
	if s.flags.wordnet != "" {
		db, err = wordnet.Open(s.flags.wordnet)
	} else {
		db, err = wordnet.Find()
	}
	if missing := (*wordnet.NotFoundError)(nil); errors.As(err, &missing) {
		return s.skip("meteor", fmt.Errorf("%w (--wordnet)", err))
	}
	if err != nil {
		return err
	}
	if db.Version != "3.0" {
		s.app.console().Logf("%s is WordNet %q: METEOR of the paper uses 3.0", db.Path, db.Version)
	}
	s.options.METEOR = metrics.NewMETEOR(db)
	return nil
}

// findEncoders chooses the folders of the encoders.
func (s *scorer) findEncoders() error {
	s.folders = map[string]string{}
	for _, e := range []struct {
		metric, dir, repository string
		revisions               []string
	}{
		{"sbert", s.flags.sbert, sbertRepository, nil},
		{"simcse", s.flags.simcse, simcseRepository, []string{simcseRevision}},
	} {
		if !s.wants(e.metric) {
			continue
		}
		dir := e.dir
		if dir == "" {
			var err error
			if dir, err = textencoder.FindCached(e.repository, e.revisions...); err != nil {
				if err := s.skip(e.metric, fmt.Errorf("%w: name its folder with --%s", err, e.metric)); err != nil {
					return err
				}
				continue
			}
		}
		s.folders[e.metric] = dir
	}
	return nil
}

// openEncoders loads the encoders onto d. free gives back their memory.
func (s *scorer) openEncoders(d kernels.Device) (free func(), err error) {
	var opened []*textencoder.Encoder
	free = func() {
		for _, e := range opened {
			e.Free()
		}
	}
	for _, e := range []struct {
		metric, kind, repository string
		into                     *metrics.Similarity
	}{
		{"sbert", textencoder.MPNet, sbertRepository, &s.options.SBERT},
		{"simcse", textencoder.RoBERTa, simcseRepository, &s.options.SimCSE},
	} {
		dir, ok := s.folders[e.metric]
		if !ok {
			continue
		}
		encoder, err := textencoder.Open(d, dir)
		if err != nil {
			return free, fmt.Errorf("%s: expected the folder of %s (--%s): %w", e.metric, e.repository, e.metric, err)
		}
		opened = append(opened, encoder)
		if encoder.Kind != e.kind {
			return free, fmt.Errorf("%s: %s: expected %s, of type %q (--%s), found a model of type %q",
				e.metric, dir, e.repository, e.kind, e.metric, encoder.Kind)
		}
		*e.into = encoder
	}
	return free, nil
}

// run scores the predictions, writes the file and prints the table.
func (s *scorer) run(ctx context.Context, predictions []metrics.Prediction) error {
	console := s.app.console()
	bar, shown := console.Bar("", 0), ""
	defer func() { bar.Close() }()
	s.options.Progress = func(name string, done, total int) {
		if name != shown {
			bar.Close()
			bar, shown = console.Bar(name, total), name
		}
		bar.Set(done)
	}
	e, err := metrics.Evaluate(ctx, predictions, s.options)
	if err != nil {
		return err
	}
	bar.Close()
	// What stands there may be no evaluation: then it is replaced.
	var kept []string
	if earlier, err := metrics.ReadEvaluation(s.flags.out); err == nil {
		kept = e.Keep(earlier)
	}
	if err := e.Write(s.flags.out); err != nil {
		return err
	}
	return s.print(e, kept)
}

// scoreJSON is the result of eval score.
type scoreJSON struct {
	Results     string                      `json:"results"`
	Written     string                      `json:"written"`
	Mode        string                      `json:"mode"` // "parity" or "full_text"
	Predictions int                         `json:"predictions"`
	Cut         int                         `json:"cut"`   // answers longer than what was scored
	Empty       int                         `json:"empty"` // answers without text
	Scores      map[string]metrics.Interval `json:"scores"`
	Kept        []string                    `json:"kept,omitempty"`     // scores that an earlier run wrote into the file
	LeftOut     map[string]string           `json:"left_out,omitempty"` // metric: why
}

func (s *scorer) print(e *metrics.Evaluation, kept []string) error {
	result := scoreJSON{Results: s.flags.results, Written: s.flags.out, Mode: "parity", Predictions: len(e.Results),
		Cut: e.Cut, Empty: e.Empty, Scores: e.Intervals(metrics.Resampling{Seed: s.app.seed}), Kept: kept, LeftOut: s.leftOut}
	if e.FullText {
		result.Mode = "full_text"
	}
	if s.app.json {
		return s.app.writeJSON(result)
	}
	w := tabwriter.NewWriter(s.app.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "SCORE\tMEAN\t95 % FROM\tTO\t")
	for _, name := range e.Names() {
		i := result.Scores[name]
		fmt.Fprintf(w, "%s\t%.4f\t%.2f\t%.2f\t\n", name, i.Mean, i.Low, i.High)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	mode := fmt.Sprintf("parity with the reference: answers cut to %d characters, which shortened %d of %d",
		metrics.CutAt, e.Cut, len(e.Results))
	if e.FullText {
		mode = fmt.Sprintf("full text: %d whole answers, not comparable with scores of answers cut to %d characters", len(e.Results), metrics.CutAt)
	}
	fmt.Fprintf(s.app.out, "\n%s; %d empty\n", mode, e.Empty)
	if len(kept) > 0 {
		fmt.Fprintf(s.app.out, "kept from the earlier file: %s\n", strings.Join(kept, ", "))
	}
	for _, m := range metricNames {
		if why, ok := s.leftOut[m]; ok {
			fmt.Fprintf(s.app.out, "%s is left out: %s\n", m, why)
		}
	}
	_, err := fmt.Fprintf(s.app.out, "written to %s\n", s.flags.out)
	return err
}
