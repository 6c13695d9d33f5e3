package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/nerf"
)

func nerfCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "nerf",
		Short:   "Fit, render and query NeRFs",
		Example: "  llana nerf render --nerf infer/toymodel/data/heldout/test000003 --turntable 4 --size 128 --out views.png",
	}
	cmd.AddCommand(nerfFitCommand(a), nerfRenderCommand(a), nerfQueryCommand(a))
	return group(cmd)
}

func nerfQueryCommand(a *app) *cobra.Command {
	var path, points, out string
	cmd := &cobra.Command{
		Use:     "query --nerf F --points P.npy --out Q.npy",
		Short:   "Colour and density of a NeRF at some positions",
		Long:    "Evaluate a NeRF at positions (N, 3) in the world's coordinates: (N, 4) red, green,\nblue and density.",
		Example: "  llana nerf query --nerf infer/toymodel/data/heldout/test000003 --points p.npy --out q.npy",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(ctx context.Context, _ []string) error { return a.queryNeRF(ctx, path, points, out) }),
	}
	f := cmd.Flags()
	f.StringVar(&path, "nerf", "", "NeRF: file or folder")
	f.StringVar(&points, "points", "", "positions (N, 3), .npy")
	f.StringVar(&out, "out", "", "where (N, 4) goes, .npy")
	for _, name := range []string{"nerf", "points", "out"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (a *app) queryNeRF(ctx context.Context, path, points, out string) error {
	field, _, err := readNeRF(path, "")
	if err != nil {
		return err
	}
	t, err := checkpoint.ReadNPY(points)
	if err != nil {
		return err
	}
	if len(t.Shape) != 2 || t.Shape[1] != 3 {
		return fmt.Errorf("%s: shape %v, want (N, 3)", points, t.Shape)
	}
	p, err := t.Float32s()
	if err != nil {
		return fmt.Errorf("%s: %w", points, err)
	}
	if err := makeFolders(out); err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		v, err := field.Query(ctx, d, p)
		if err != nil {
			return err
		}
		if err := checkpoint.WriteNPY(out, []int{len(v) / 4, 4}, v); err != nil {
			return err
		}
		if a.json {
			return a.writeJSON(map[string]any{"out": out, "shape": []int{len(v) / 4, 4}})
		}
		_, err = fmt.Fprintf(a.out, "%s: %d positions\n", out, len(v)/4)
		return err
	})
}

// readNeRF reads a NeRF given as a file or a folder, and its occupancy grid:
// the one of the given path, else a folder's own. There may be none.
func readNeRF(path, gridPath string) (*nerf.Field, *nerf.Grid, error) {
	weights, beside, err := nerf.Find(path)
	if err != nil {
		return nil, nil, err
	}
	field, err := nerf.ReadWeights(weights)
	if err != nil {
		return nil, nil, err
	}
	if gridPath == "" && !isFile(path) {
		gridPath = beside
	}
	if gridPath == "" {
		return field, nil, nil
	}
	grid, err := nerf.ReadGrid(gridPath)
	if err != nil {
		return nil, nil, err
	}
	field.Half = grid.Half
	return field, grid, nil
}
