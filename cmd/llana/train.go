package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/curves"
	"llana/kernels"
	"llana/models/hub"
	"llana/train"
	"llana/train/language"
	w2s "llana/train/weights2space"
)

// trainFlags are the flags of every training.
type trainFlags struct {
	config string
	set    []string
	resume bool
}

func trainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "train",
		Short:   "Train weights2space and the language model",
		Example: "  llana train weights2space --config train/recipes/toyworld/weights2space.yaml\n  llana train stage1 --config train/recipes/toyworld/stage1.yaml --resume",
	}
	cmd.AddCommand(
		trainingCommand(a, "weights2space", "Train the encoder of NeRF weights",
			"The configuration has the reference's names in lower case: train_json,\nvalidation_json, output_dir, num_epochs, batch_size, lr, wd, …", a.trainWeights2Space),
		trainingCommand(a, "text", "Train the language model on text alone", "", a.trainLanguage(language.Text)),
		trainingCommand(a, "stage1", "Align the projector with the language model frozen",
			"The configuration has the reference's names: model_name_or_path, root,\ndata_folder, anno_folder, output_dir, conversation_types, …\nmodel_name_or_path is a folder, or a repository of the Hugging Face Hub.", a.trainLanguage(language.Stage1)),
		trainingCommand(a, "stage2", "Fine-tune the projector and the language model",
			"The configuration has the reference's names; model_name_or_path is what stage1\nwrote.", a.trainLanguage(language.Stage2)),
	)
	return group(cmd)
}

type training func(ctx context.Context, f trainFlags) error

func trainingCommand(a *app, name, short, long string, work training) *cobra.Command {
	var f trainFlags
	if long != "" {
		long += "\n\n"
	}
	cmd := &cobra.Command{
		Use:   name + " --config C.yaml [--set key=value]...",
		Short: short,
		Long: short + ".\n\n" + long + `Checkpoints, metrics.jsonl and its curves (curves.png) go to output_dir. After
Ctrl-C the state is saved, and --resume goes on from there.`,
		Example: fmt.Sprintf("  llana train %s --config train/recipes/toyworld/%[1]s.yaml\n  llana train %[1]s --config train/recipes/toyworld/%[1]s.yaml --set output_dir=out/other --resume", name),
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		if cmd.Flags().Changed("seed") {
			f.set = append(f.set, fmt.Sprintf("seed=%d", a.seed))
		}
		return work(ctx, f)
	})
	cmd.Flags().StringVar(&f.config, "config", "", "configuration file (YAML)")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "override a key of the configuration; the value is YAML; a.b=v reaches into a")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "go on from the last checkpoint in output_dir, if there is one")
	_ = cmd.MarkFlagRequired("config")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// nestedSetting turns "a.b=v" into "a={b: v}", as train.ReadConfig wants it.
func nestedSetting(s string) (string, error) {
	key, value, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(key) == "" {
		return "", usagef("--set %q: want key=value", s)
	}
	parts := strings.Split(key, ".")
	for i := len(parts) - 1; i > 0; i-- {
		value = "{" + parts[i] + ": " + value + "}"
	}
	return parts[0] + "=" + value, nil
}

// read reads the configuration file over the defaults in c, then the settings.
func (f trainFlags) read(c any) error {
	if err := train.ReadConfig(f.config, nil, c); err != nil {
		return err
	}
	for _, s := range f.set {
		nested, err := nestedSetting(s)
		if err != nil {
			return err
		}
		if err := train.ReadConfig("", []string{nested}, c); err != nil {
			return usageError{err}
		}
	}
	return nil
}

func (a *app) trainWeights2Space(ctx context.Context, f trainFlags) error {
	c := w2s.Defaults()
	if err := f.read(&c); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%s: %w", f.config, err)
	}
	return a.withDevice(func(d kernels.Device) error {
		tr, err := w2s.New(d, c, f.resume)
		if err != nil {
			return err
		}
		p := a.trainingProgress()
		defer p.close()
		return a.finishTraining(c.OutputDir, tr.Run(ctx, p.update))
	})
}

func (a *app) trainLanguage(s language.Stage) training {
	return func(ctx context.Context, f trainFlags) error {
		c := language.Defaults(s)
		if err := f.read(&c); err != nil {
			return err
		}
		return a.withDevice(func(d kernels.Device) error {
			p := a.trainingProgress()
			defer p.close()
			err := language.Run(ctx, d, s, c, language.RunOptions{Resume: f.resume, Progress: p.update,
				Log: func(line string) { p.console.Logf("%s", line) },
				Locate: func(ctx context.Context, name string) (string, error) {
					part := hub.Model
					if c.FromScratch {
						part = hub.Tokenizer // the weights are not read
					}
					return a.locate(ctx, name, part)
				}})
			return a.finishTraining(c.OutputDir, err)
		})
	}
}

// finishTraining draws the curves of a training that ended, or was interrupted,
// with err, and prints where it ended.
func (a *app) finishTraining(dir string, err error) error {
	if err != nil && !errors.Is(err, train.ErrInterrupted) {
		return err
	}
	metrics, readErr := train.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
		return errors.Join(err, readErr)
	}
	if len(metrics) > 0 {
		if drawErr := curves.Write(filepath.Join(dir, "curves.png"), metrics); drawErr != nil {
			return errors.Join(err, drawErr)
		}
	}
	if err != nil {
		return err
	}
	return a.printTraining(dir, metrics)
}

// trainingJSON is the result of a training.
type trainingJSON struct {
	OutputDir string         `json:"output_dir"`
	Last      *train.Metrics `json:"last,omitempty"`
}

func (a *app) printTraining(dir string, metrics []train.Metrics) error {
	res := trainingJSON{OutputDir: dir}
	if n := len(metrics); n > 0 {
		res.Last = &metrics[n-1]
	}
	if a.json {
		return a.writeJSON(res)
	}
	if res.Last == nil {
		_, err := fmt.Fprintln(a.out, dir)
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s: step %d, loss %.4f\n", dir, res.Last.Step, res.Last.Loss)
	return err
}
