package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/ui"
	"llana/infer"
	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/hub"
	"llana/models/llama"
	"llana/models/nerf"
	"llana/models/spatialllana"
	"llana/models/weights2space"
)

// objectFlags say which model is asked, and about which object.
type objectFlags struct {
	storageFlags
	model, nerf, vec, weights2space string
}

func (f *objectFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", modelHelp)
	fl.StringVar(&f.nerf, "nerf", "", "NeRF: file or folder")
	fl.StringVar(&f.vec, "vec", "", "spatial tokens of a NeRF (.npy)")
	fl.StringVar(&f.weights2space, "weights2space", "", encoderHelp+" (default: the model's)")
	f.storageFlags.register(cmd)
	_ = cmd.MarkFlagRequired("model")
	cmd.MarkFlagsMutuallyExclusive("nerf", "vec")
}

// encoderNames are the files a model folder may hold its encoder in.
var encoderNames = hub.EncoderNames

// encoder returns the encoder's checkpoint.
func (f *objectFlags) encoder() (string, error) {
	if f.weights2space != "" {
		return f.weights2space, nil
	}
	for _, name := range encoderNames {
		if path := filepath.Join(f.model, name); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: holds neither %s nor %s: give the encoder with --weights2space", f.model, encoderNames[0], encoderNames[1])
}

// withSession opens the model and the object, if there is one, and does the work
// on a session about it, which is to answer with the given options.
func (a *app) withSession(ctx context.Context, f objectFlags, o infer.Options, work func(*infer.Session) error) error {
	if err := f.locate(ctx, a); err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		// The object first: its errors are quick, and its encoder's memory is
		// free again when the model comes.
		t, err := f.object(ctx, d, a.console())
		if err != nil {
			return err
		}
		m, err := a.open(d, f.storageFlags, f.model, o)
		if err != nil {
			return err
		}
		defer m.Free()
		if t == nil {
			return a.onSession(m, nil, work)
		}
		if m.Projector == nil {
			return fmt.Errorf("%s: a language model without a projector: it cannot read objects", f.model)
		}
		object, err := m.Projector.Object(t)
		if err != nil {
			return fmt.Errorf("%s: %w", f.vec+f.nerf, err)
		}
		return a.onSession(m, object, work)
	})
}

func (a *app) onSession(m *spatialllana.Model, object *spatialllana.Object, work func(*infer.Session) error) error {
	s, err := infer.NewSession(m, object)
	if err != nil {
		return err
	}
	defer s.Close()
	return work(s)
}

// object returns the object's tokens, nil if no object is given.
func (f *objectFlags) object(ctx context.Context, d kernels.Device, c *ui.Console) (*checkpoint.Tensor, error) {
	if f.vec == "" && f.nerf == "" {
		return nil, nil
	}
	if f.vec != "" {
		return checkpoint.ReadNPY(f.vec)
	}
	path, err := f.encoder()
	if err != nil {
		return nil, err
	}
	weights, _, err := nerf.Find(f.nerf)
	if err != nil {
		return nil, err
	}
	m, err := weights2space.Open(d, path)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	matrix, err := weightMatrix(m, weights)
	if err != nil {
		return nil, err
	}
	bar := c.Bar("encoding", m.Layers)
	defer bar.Close()
	tokens, err := encodeBatch(ctx, m, matrix, len(matrix)/m.RowWidth)
	if err != nil {
		return nil, err
	}
	return checkpoint.FromFloat32(f.nerf, []int{m.Config.Tokens(), m.Width}, tokens), nil
}

// samplingFlags say how answers are drawn.
type samplingFlags struct{ infer.Options }

func (f *samplingFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&f.MaxNewTokens, "max-new-tokens", infer.DefaultNewTokens, "longest answer")
	fl.Float64Var(&f.Temperature, "temperature", 0, "0: always the likeliest token")
	fl.Float64Var(&f.TopP, "top-p", 1, "only the likeliest tokens whose probabilities add up to this")
	fl.IntVar(&f.TopK, "top-k", 0, "only this many of the likeliest tokens; 0: all")
	fl.Float64Var(&f.RepetitionPenalty, "repetition-penalty", 1, "above 1, tokens that were there become less likely")
	fl.IntVar(&f.Context, "context", 0, fmt.Sprintf("most tokens of prompt and answer (default: the model's limit, at least %d)", llama.MinContext))
	fl.IntVar(&f.Chunk, "prompt-chunk", infer.DefaultChunk, "tokens of the prompt that are read at a time")
}

// options returns checked options.
func (f *samplingFlags) options(seed uint64) (infer.Options, error) {
	o := f.Options
	o.Seed = seed
	err := o.Validate()
	switch {
	case o.MaxNewTokens < 1:
		err = errors.New("--max-new-tokens must be at least 1")
	case o.Chunk < 1:
		err = errors.New("--prompt-chunk must be at least 1")
	case o.TopP == 0: // "all" in the options' zero value
		err = errors.New("--top-p must be more than 0")
	case o.RepetitionPenalty == 0:
		err = errors.New("--repetition-penalty must be more than 0")
	}
	if err != nil {
		return o, usageError{err}
	}
	return o, nil
}
