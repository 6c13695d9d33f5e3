package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"llana/kernels"
	"llana/models/nerf"
	"llana/train"
	"llana/train/fit"
)

type fitFlags struct {
	views, out, grid string
	scale            float64
	network          string
	evalViews        int
	options          fit.ViewOptions
}

// networks are the networks that can be fitted, by name.
var networks = map[string]nerf.Arch{"published": nerf.Published, "toy": nerf.Toy}

func nerfFitCommand(a *app) *cobra.Command {
	f := fitFlags{options: fit.DefaultViews()}
	cmd := &cobra.Command{
		Use:   "fit --views DIR --out nerf_weights.pth [--grid grid.pth]",
		Short: "Fit a NeRF to posed views",
		Long: `Fit a NeRF to posed views in the NeRF-synthetic layout: transforms_train.json and
PNGs with alpha, of any size. It starts from the shared initialisation and keeps
an occupancy grid, which --grid writes. --scale multiplies the cameras' positions,
to bring their world into the box from -0.7 to 0.7.

It prints the PSNR over the training views, and over those of
transforms_test.json and transforms_val.json where there are such files, of
--eval-views evenly spread views each.`,
		Example: "  llana nerf fit --views lego --scale 0.5 --out nerf_weights.pth --grid grid.pth",
		Args:    cobra.NoArgs,
	}
	fl := cmd.Flags()
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		if fl.Changed("seed") {
			f.options.Seed = a.seed
		}
		return a.fitNeRF(ctx, f)
	})
	fl.StringVar(&f.views, "views", "", "folder with transforms_train.json")
	fl.StringVar(&f.out, "out", "", "where the weights go (.pth)")
	fl.StringVar(&f.grid, "grid", "", "where the occupancy grid goes (.pth)")
	fl.Float64Var(&f.scale, "scale", 1, "factor of the cameras' positions")
	fl.StringVar(&f.network, "network", "published", "published or toy")
	fl.IntVar(&f.evalViews, "eval-views", 8, "views for each PSNR; 0: all")
	fl.IntVar(&f.options.Steps, "steps", f.options.Steps, "steps of Adam")
	fl.IntVar(&f.options.Rays, "rays", f.options.Rays, "rays in a step, at most")
	fl.Float64Var(&f.options.LR, "lr", f.options.LR, "learning rate at its highest")
	fl.IntVar(&f.options.GridRes, "grid-resolution", f.options.GridRes, "cells of the occupancy grid along an axis")
	_ = cmd.MarkFlagRequired("views")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// fitJSON is the result of nerf fit: the PSNR in decibels by split.
type fitJSON struct {
	Out   string             `json:"out"`
	Grid  string             `json:"grid,omitempty"`
	Steps int                `json:"steps"`
	PSNR  map[string]float64 `json:"psnr"`
}

func (a *app) fitNeRF(ctx context.Context, f fitFlags) error {
	arch, ok := networks[f.network]
	if !ok {
		return usagef("--network %q: want published or toy", f.network)
	}
	if !(f.scale > 0) || f.evalViews < 0 || f.options.Steps < 1 {
		return usagef("--scale and --steps must be above 0, and --eval-views not below 0")
	}
	views, err := f.read("train", 0)
	if err != nil {
		return err
	}
	if err := makeFolders(f.out, f.grid); err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		p := a.trainingProgress()
		defer p.close()
		f.options.Progress = func(done int, m train.Metrics) { p.update(done, f.options.Steps, m) }
		field, grid, err := fit.Views(ctx, d, arch, views, f.options)
		if field == nil {
			return err
		}
		p.close()
		// An interrupted fit leaves what it came to.
		if err := errors.Join(err, f.write(field, grid)); err != nil {
			return err
		}
		return a.printFit(ctx, d, f, field, grid)
	})
}

// read reads the views of a split, at most limit if that is above 0.
func (f *fitFlags) read(split string, limit int) ([]nerf.View, error) {
	path := f.transforms(split)
	t, err := nerf.ReadTransforms(path)
	if err != nil {
		return nil, err
	}
	if err := t.Scale(f.scale); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t.ReadViews(path, limit)
}

func (f *fitFlags) transforms(split string) string {
	return filepath.Join(f.views, "transforms_"+split+".json")
}

func (f *fitFlags) write(field *nerf.Field, grid *nerf.Grid) error {
	if err := nerf.WriteWeights(f.out, field.Weights); err != nil {
		return err
	}
	if f.grid == "" {
		return nil
	}
	return grid.Write(f.grid)
}

// printFit measures and prints how close the NeRF is to the views.
func (a *app) printFit(ctx context.Context, d kernels.Device, f fitFlags, field *nerf.Field, grid *nerf.Grid) error {
	r := fitJSON{f.out, f.grid, f.options.Steps, map[string]float64{}}
	for _, split := range []string{"train", "test", "val"} {
		if !isFile(f.transforms(split)) {
			continue
		}
		views, err := f.read(split, f.evalViews)
		if err != nil {
			return err
		}
		if r.PSNR[split], err = a.psnr(ctx, d, split, field, grid, views); err != nil {
			return err
		}
		if !a.json {
			if _, err := fmt.Fprintf(a.out, "PSNR on %d %s views: %.2f dB\n", len(views), split, r.PSNR[split]); err != nil {
				return err
			}
		}
	}
	if a.json {
		return a.writeJSON(r)
	}
	return nil
}

func (a *app) psnr(ctx context.Context, d kernels.Device, split string, field *nerf.Field, grid *nerf.Grid, views []nerf.View) (float64, error) {
	pixels := 0
	for i := range views {
		pixels += views[i].W * views[i].H
	}
	bar := a.console().Bar("rendering "+split, pixels)
	defer bar.Close()
	o := nerf.RenderOptions{Grid: grid, MinTransmittance: 1e-4}
	return fit.PSNR(ctx, d, field, views, o, bar.Set)
}
