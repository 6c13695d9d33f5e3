package infer

import (
	"context"
	"math"
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
	Margins bool // ask for Answer.Margin
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
func generate(ctx context.Context, m *spatialllana.Model, cache *llama.Cache, b spatialllana.Batch, o Options, emit func(row int, t token) (done bool)) error {
	rows := b.Rows
	random := make([]*rand.Rand, rows)
	for i := range random {
		random[i] = rand.New(rand.NewPCG(o.Seed, uint64(i)))
	}
	done, left := make([]bool, rows), rows
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := step(ctx, m, cache, b, o, random)
		if err != nil {
			return err
		}
		ids := make([]int32, rows)
		for i, t := range next {
			if ids[i] = t.id; !done[i] && emit(i, t) {
				done[i] = true
				left--
			}
		}
		if left == 0 {
			return nil
		}
		b = spatialllana.Batch{Rows: rows, Cols: 1, IDs: ids}
	}
}

// token is a chosen token and, where margins are asked for, its margin.
type token struct {
	id     int32
	margin float32
}

// step reads a batch and returns the token that follows each row.
func step(ctx context.Context, m *spatialllana.Model, cache *llama.Cache, b spatialllana.Batch, o Options, random []*rand.Rand) ([]token, error) {
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
	next := make([]token, b.Rows)
	if o.greedy() && !o.Margins {
		ids, err := tape.Run1(kernels.Argmax, kernels.None{}, logits.Value()).ReadInt32(ctx)
		for i, id := range ids {
			next[i].id = id
		}
		return next, err
	}
	v, err := logits.Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	for i := range next {
		row := v[i*m.VocabSize : (i+1)*m.VocabSize]
		if o.greedy() {
			next[i] = likeliest(row)
			continue
		}
		id, err := o.choose(row, random[i])
		if err != nil {
			return nil, err
		}
		next[i].id = int32(id)
	}
	return next, nil
}

// likeliest returns the first of the largest logits, as kernels.Argmax does,
// and its margin.
func likeliest(logits []float32) token {
	best, second := 0, float32(math.Inf(-1))
	certain := logits[0] == logits[0]
	for i, l := range logits[1:] {
		switch {
		case l != l:
			certain = false
		case l > logits[best]:
			best, second = i+1, logits[best]
		case l > second:
			second = l
		}
	}
	if !certain { // a logit is not a number
		return token{int32(best), 0}
	}
	top := logits[best]
	return token{int32(best), (top - second) / max(1, float32(math.Abs(float64(top))))}
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
