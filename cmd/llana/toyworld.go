package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llana/kernels"
	"llana/train/toyworld"
)

func toyworldCommand(a *app) *cobra.Command {
	var dir string
	o := toyworld.DefaultOptions()
	cmd := &cobra.Command{
		Use:   "toyworld --out DIR [--scenes N]",
		Short: "Make the toy world: scenes, their NeRFs, captions and questions",
		Long: `Make the toy world in the published folder layout: scenes of a few coloured
solids, NeRFs fitted to them, captions, questions and answers about them, the
lists that weights2space is trained on, and a tokenizer.

NeRFs that are there are not fitted again: an interrupted run can be repeated,
and a small world can grow.`,
		Example: "  llana toyworld --out toy --scenes 64",
		Args:    cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&dir, "out", "", "folder")
	f.IntVar(&o.Train, "scenes", o.Train, "scenes for training")
	f.IntVar(&o.Val, "val", o.Val, "scenes for validation; a tenth of --scenes if that is less")
	f.IntVar(&o.Test, "test", o.Test, "scenes for testing; a tenth of --scenes if that is less")
	f.IntVar(&o.Texts.TextScenes, "text-scenes", o.Texts.TextScenes, "scenes that exist in words only, for train text")
	_ = cmd.MarkFlagRequired("out")
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		if f.Changed("seed") {
			o.Seed = a.seed
		}
		tenth := max(1, o.Train/10)
		if !f.Changed("val") {
			o.Val = min(o.Val, tenth)
		}
		if !f.Changed("test") {
			o.Test = min(o.Test, tenth)
		}
		if min(o.Train, o.Val, o.Test, o.Texts.TextScenes) < 0 {
			return usagef("--scenes, --val, --test and --text-scenes must not be negative")
		}
		return a.makeToyWorld(ctx, dir, o)
	})
	return cmd
}

func (a *app) makeToyWorld(ctx context.Context, dir string, o toyworld.Options) error {
	bar := a.console().Bar("NeRFs", o.Train+o.Val+o.Test)
	defer bar.Close()
	o.Progress = func(done, _ int) { bar.Set(done) }
	err := a.withDevice(func(d kernels.Device) error { return toyworld.Generate(ctx, d, dir, o) })
	if err != nil {
		return err
	}
	bar.Close()
	if a.json {
		return a.writeJSON(map[string]any{"out": dir, "train": o.Train, "val": o.Val, "test": o.Test, "seed": o.Seed})
	}
	_, err = fmt.Fprintf(a.out, "%s: %d scenes for training, %d for validation, %d for testing\n", dir, o.Train, o.Val, o.Test)
	return err
}
