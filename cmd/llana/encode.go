package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llana/autograd"
	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/hub"
	"llana/models/nerf"
	"llana/models/weights2space"
)

type encodeFlags struct {
	checkpoint, out, matrix string
	overwrite               bool
}

func encodeCommand(a *app) *cobra.Command {
	var f encodeFlags
	cmd := &cobra.Command{
		Use:   "encode --weights2space CKPT --out PATH (NERF... | --matrix M.npy)",
		Short: "Turn the weights of NeRFs into spatial tokens",
		Long: `Turn the weights of NeRFs into spatial tokens: (3072, 516) of the published
encoder, float32.

A NeRF is a file, a folder with nerf_weights.pth, or a folder of such folders. One
NeRF is written to --out V.npy; several, or a folder of NeRFs, to --out DIR as
DIR/<object id>.npy, the id being the name of the NeRF's folder, or of the file.
What is whole in DIR already is left out, unless --overwrite is given.

--matrix takes weight matrices (B, rows, row width) as they enter the encoder and
writes (B, tokens, width).`,
		Example: `  llana encode --weights2space infer/toymodel/data/spatial/weights2space.safetensors --out v.npy infer/toymodel/data/heldout/test000003
  llana encode --weights2space infer/toymodel/data/spatial/weights2space.safetensors --out vecs infer/toymodel/data/heldout`,
		RunE: a.do(func(ctx context.Context, args []string) error {
			switch {
			case f.matrix != "" && len(args) > 0:
				return usagef("give NeRFs or --matrix, not both")
			case f.matrix != "":
				return a.encodeMatrix(ctx, f)
			case len(args) == 0:
				return usagef("give a NeRF or --matrix")
			}
			return a.encodeNeRFs(ctx, f, args)
		}),
	}
	cmd.Flags().StringVar(&f.checkpoint, "weights2space", "", encoderHelp)
	cmd.Flags().StringVar(&f.out, "out", "", "V.npy, or a folder for several NeRFs")
	cmd.Flags().StringVar(&f.matrix, "matrix", "", "weight matrices instead of NeRFs (.npy)")
	cmd.Flags().BoolVar(&f.overwrite, "overwrite", false, "encode again what is already there")
	_ = cmd.MarkFlagRequired("weights2space")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func (a *app) encodeMatrix(ctx context.Context, f encodeFlags) error {
	t, err := checkpoint.ReadNPY(f.matrix)
	if err != nil {
		return err
	}
	x, err := t.Float32s()
	if err != nil {
		return fmt.Errorf("%s: %w", f.matrix, err)
	}
	if err := makeFolders(f.out); err != nil {
		return err
	}
	return a.withEncoder(ctx, f, func(m *weights2space.Model) error {
		s := t.Shape
		if len(s) != 3 {
			return fmt.Errorf("%s: shape %v, want (B, rows, %d)", f.matrix, s, m.RowWidth)
		}
		if err := fits(m, s[1], s[2]); err != nil {
			return fmt.Errorf("%s: %w", f.matrix, err)
		}
		per, tokens := s[1]*s[2], make([]float32, 0, s[0]*m.Config.Tokens()*m.Width)
		bar := a.console().Bar("encoding", s[0])
		defer bar.Close()
		for at := 0; at < s[0]; {
			end := min(s[0], at+encoderBatch(m))
			y, err := encodeBatch(ctx, m, x[at*per:end*per], s[1])
			if err != nil {
				return err
			}
			tokens, at = append(tokens, y...), end
			bar.Set(at)
		}
		shape := []int{s[0], m.Config.Tokens(), m.Width}
		if err := checkpoint.WriteNPY(f.out, shape, tokens); err != nil {
			return err
		}
		bar.Close()
		return a.printEncoded(encodedJSON{Out: f.out, Encoded: s[0], Shape: shape})
	})
}

func (a *app) encodeNeRFs(ctx context.Context, f encodeFlags, args []string) error {
	jobs, many, err := nerfArguments(args)
	if err != nil {
		return err
	}
	isFile := strings.EqualFold(filepath.Ext(f.out), ".npy")
	if many && isFile {
		return usagef("--out %s: %d NeRFs need a folder", f.out, len(jobs))
	}
	for i := range jobs {
		jobs[i].out = f.out
		if !isFile {
			jobs[i].out = filepath.Join(f.out, jobs[i].id+".npy")
			jobs[i].keep = !f.overwrite
		}
	}
	if err := makeFolders(jobs[0].out); err != nil {
		return err
	}
	return a.withEncoder(ctx, f, func(m *weights2space.Model) error { return a.encodeJobs(ctx, f, m, jobs) })
}

func (a *app) encodeJobs(ctx context.Context, f encodeFlags, m *weights2space.Model, jobs []encodeJob) error {
	bar := a.console().Bar("encoding", len(jobs))
	defer bar.Close()
	done := encodedJSON{Out: f.out, Shape: []int{m.Config.Tokens(), m.Width}}
	for at := 0; at < len(jobs); {
		var batch []encodeJob
		var x []float32
		rows := 0 // of all NeRFs in the batch
		for ; at < len(jobs) && len(batch) < encoderBatch(m); at++ {
			j := jobs[at]
			if j.keep && holds(j.out, done.Shape) {
				done.Skipped++
				continue
			}
			matrix, err := weightMatrix(m, j.path)
			if err != nil {
				return err
			}
			if n := len(matrix) / m.RowWidth; rows == 0 {
				rows = n
			} else if n != rows {
				break
			}
			batch, x = append(batch, j), append(x, matrix...)
		}
		tokens, err := encodeBatch(ctx, m, x, rows)
		if err != nil {
			return err
		}
		per := m.Config.Tokens() * m.Width
		for i, j := range batch {
			if err := checkpoint.WriteNPY(j.out, done.Shape, tokens[i*per:(i+1)*per]); err != nil {
				return err
			}
		}
		done.Encoded += len(batch)
		bar.Set(at)
	}
	bar.Close()
	return a.printEncoded(done)
}

// holds reports whether a file is a whole array of the given shape.
func holds(path string, shape []int) bool {
	t, err := checkpoint.ReadNPY(path)
	return err == nil && fmt.Sprint(t.Shape) == fmt.Sprint(shape)
}

// weightMatrix reads a NeRF as the encoder takes it.
func weightMatrix(m *weights2space.Model, path string) ([]float32, error) {
	f, err := nerf.ReadWeights(path)
	if err != nil {
		return nil, err
	}
	if err := fits(m, f.Rows(), f.Width); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f.Matrix(f.Weights), nil
}

// fits reports whether the encoder reads matrices of rows x width. It takes any
// number of rows, unless it normalises each weight on its own.
func fits(m *weights2space.Model, rows, width int) error {
	if width == m.RowWidth && (rows == m.Rows || !m.Normalize) {
		return nil
	}
	return fmt.Errorf("a weight matrix of %d x %d, but the encoder reads %d x %d", rows, width, m.Rows, m.RowWidth)
}

// encoderBatch is how many NeRFs are encoded at a time: one at the published
// size, more of small ones.
func encoderBatch(m *weights2space.Model) int {
	const values = 1 << 20 // of tokens
	return min(64, max(1, values/(m.Config.Tokens()*m.Width)))
}

// encodeBatch encodes weight matrices (B, rows, row width), flat, to tokens
// (B, tokens, width).
func encodeBatch(ctx context.Context, m *weights2space.Model, x []float32, rows int) ([]float32, error) {
	if len(x) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t := autograd.Inference(m.Params.Device())
	defer t.Release()
	return m.Tokens(t.Float32(x, len(x)/(rows*m.RowWidth), rows, m.RowWidth), nil).Value().ReadFloat32(ctx)
}

func (a *app) withEncoder(ctx context.Context, f encodeFlags, work func(m *weights2space.Model) error) error {
	path, err := a.locate(ctx, f.checkpoint, hub.Encoder)
	if err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		m, err := weights2space.Open(d, path)
		if err != nil {
			return err
		}
		defer m.Free()
		m.Fix()
		return work(m)
	})
}

// encodedJSON is the result of encode.
type encodedJSON struct {
	Out     string `json:"out"`
	Encoded int    `json:"encoded"`
	Skipped int    `json:"skipped"`
	Shape   []int  `json:"shape"`
}

func (a *app) printEncoded(r encodedJSON) error {
	if a.json {
		return a.writeJSON(r)
	}
	s := fmt.Sprintf("%s: %d encoded", r.Out, r.Encoded)
	if r.Skipped > 0 {
		s += fmt.Sprintf(", %d were there", r.Skipped)
	}
	_, err := fmt.Fprintf(a.out, "%s, shape %v\n", s, r.Shape)
	return err
}
