package infer

import (
	"context"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/llama"
	"llana/models/spatialllana"
)

// Options of an answer.
type Options struct {
	MaxNewTokens int // 0: DefaultNewTokens
	Sampling
}

// DefaultNewTokens is the length that the reference cuts answers off at.
const DefaultNewTokens = 512

func (o Options) limit() int {
	if o.MaxNewTokens > 0 {
		return o.MaxNewTokens
	}
	return DefaultNewTokens
}

// generate reads a batch of prompts, of one length each, behind what is in the
// cache, and continues them. It calls emit with each row's next token until
// emit has returned true for every row. Rows that are done go on silently: a
// batch is as long as its longest answer.
func generate(ctx context.Context, m *spatialllana.Model, cache *llama.Cache, b spatialllana.Batch, s Sampling, emit func(row, id int) (done bool)) error {
	rows := b.Rows
	random := make([]*rand.Rand, rows)
	for i := range random {
		random[i] = rand.New(rand.NewPCG(s.Seed, uint64(i)))
	}
	done, left := make([]bool, rows), rows
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := step(ctx, m, cache, b, s, random)
		if err != nil {
			return err
		}
		for i, id := range next {
			if !done[i] && emit(i, int(id)) {
				done[i] = true
				left--
			}
		}
		if left == 0 {
			return nil
		}
		b = spatialllana.Batch{Rows: rows, Cols: 1, IDs: next}
	}
}

// step reads a batch and returns the token that follows each row.
func step(ctx context.Context, m *spatialllana.Model, cache *llama.Cache, b spatialllana.Batch, s Sampling, random []*rand.Rand) ([]int32, error) {
	tape := autograd.Inference(m.Device())
	defer tape.Release()
	h, err := m.Forward(tape, b, spatialllana.Options{Options: llama.Options{Cache: cache}})
	if err != nil {
		return nil, err
	}
	last := make([]int32, b.Rows)
	for i := range last {
		last[i] = int32((i+1)*b.Cols - 1)
	}
	logits := m.Logits(h, last)
	if s.greedy() {
		return tape.Run1(kernels.Argmax, kernels.None{}, logits.Value()).ReadInt32(ctx)
	}
	v, err := logits.Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	next := make([]int32, b.Rows)
	for i := range next {
		id, err := s.choose(v[i*m.VocabSize:(i+1)*m.VocabSize], random[i])
		if err != nil {
			return nil, err
		}
		next[i] = int32(id)
	}
	return next, nil
}

// Logits returns the logits (len(ids), vocabulary) of a sequence, with an
// object or without (nil).
func Logits(ctx context.Context, m *spatialllana.Model, ids []int32, object *spatialllana.Object) ([]float32, error) {
	tape := autograd.Inference(m.Device())
	defer tape.Release()
	h, err := m.Forward(tape, oneRow(ids, object), spatialllana.Options{})
	if err != nil {
		return nil, err
	}
	return m.LM.Logits(m.LM.Norm(h)).Value().ReadFloat32(ctx)
}

func oneRow(ids []int32, object *spatialllana.Object) spatialllana.Batch {
	return spatialllana.Batch{Rows: 1, Cols: len(ids), IDs: ids, Objects: []*spatialllana.Object{object}}
}
