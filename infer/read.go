package infer

import (
	"context"
	"fmt"
	"slices"

	"llana/autograd"
	"llana/kernels"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// reader reads prompts into a cache, in pieces of the columns of a batch, so
// that what is in memory at a time does not grow with their length.
type reader struct {
	m     *spatialllana.Model
	cache *llama.Cache
	chunk int // tokens of a piece
	*progress
}

// pieces reads the columns cache.Len to cols-1 and calls each, if not nil, with the hidden
// states (Rows, hi-lo, hidden) of every piece, columns lo to hi-1. Between
// pieces it waits for the device: progress is what was read, and a cancelled
// context stops it there.
func (r *reader) pieces(ctx context.Context, s *spatialllana.Sequences, cols int, each func(h *autograd.Var, lo, hi int) error) error {
	d := r.m.Device()
	for lo := r.cache.Len; lo < cols; lo = r.cache.Len {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(cols, lo+max(1, r.chunk/s.Rows))
		tape := autograd.Inference(d)
		h := r.m.LM.Forward(s.Embed(tape, lo, hi), llama.Options{Cache: r.cache})
		var err error
		if each != nil {
			err = each(h, lo, hi)
		}
		tape.Release()
		if err == nil && hi < cols {
			err = d.Sync(ctx)
		}
		if err != nil {
			return err
		}
		r.add(s.Rows * (hi - lo))
	}
	return nil
}

// last reads all columns and returns the hidden states (Rows, hidden) at each
// row's last position, of lens[row] of them, which the caller frees. What a
// shorter row has behind is read too, and forgotten with Cache.Lens.
func (r *reader) last(ctx context.Context, s *spatialllana.Sequences, lens []int) (*tensor.Tensor, error) {
	d, width := r.m.Device(), r.m.HiddenSize
	last := tensor.New(d, d.Float(), s.Rows, width)
	err := r.pieces(ctx, s, slices.Max(lens), func(h *autograd.Var, lo, hi int) error {
		for row, n := range lens {
			if lo < n && n <= hi {
				from := row*(hi-lo) + n - 1 - lo
				h.Tape().RunInto(kernels.CopyBlock, kernels.AxisBlock(1, width, 1, s.Rows*(hi-lo), from, s.Rows, row),
					[]*tensor.Tensor{h.Value()}, last)
			}
		}
		return nil
	})
	if err != nil {
		last.Free()
		return nil, err
	}
	return last, nil
}

// newCache makes a cache. The error is the device's, mostly that of a lack of
// memory, with what the cache takes.
func newCache(m *spatialllana.Model, rows, tokens int, o Options) (*llama.Cache, error) {
	c := m.LM.NewCacheAs(m.Device(), rows, tokens, o.CacheType)
	if err := cacheError(m, c); err != nil {
		c.Free()
		return nil, err
	}
	return c, nil
}

func cacheError(m *spatialllana.Model, c *llama.Cache) error {
	if err := m.Device().Err(); err != nil {
		return fmt.Errorf("the keys and values of %d tokens take %.1f MiB: %w", c.Rows()*c.Cap(), float64(c.Bytes())/(1<<20), err)
	}
	return nil
}

// Logits returns the logits (len(ids), vocabulary) of a sequence, with an
// object or without (nil). Of the options, only CacheType, Chunk and
// Progress matter.
func Logits(ctx context.Context, m *spatialllana.Model, ids []int32, object *spatialllana.Object, o Options) ([]float32, error) {
	s, err := m.Sequences(oneRow(ids, object))
	if err != nil {
		return nil, err
	}
	if err := m.Config.CheckCacheType(o.CacheType); err != nil {
		return nil, err
	}
	cache, err := newCache(m, 1, len(ids), o)
	if err != nil {
		return nil, err
	}
	defer cache.Free()
	r := &reader{m, cache, o.chunk(), &progress{report: o.Progress, total: len(ids)}}
	logits := make([]float32, 0, len(ids)*m.VocabSize)
	err = r.pieces(ctx, s, len(ids), func(h *autograd.Var, _, _ int) error {
		v, err := m.LM.Logits(m.LM.Norm(h)).Value().ReadFloat32(ctx)
		logits = append(logits, v...)
		return err
	})
	return logits, err
}

func oneRow(ids []int32, object *spatialllana.Object) spatialllana.Batch {
	return spatialllana.Batch{Rows: 1, Cols: len(ids), IDs: ids, Objects: []*spatialllana.Object{object}}
}
