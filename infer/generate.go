package infer

import (
	"context"
	"math"

	"llana/autograd"
	"llana/kernels"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// generator continues the rows of a batch whose prompts are read.
type generator struct {
	m        *spatialllana.Model
	cache    *llama.Cache
	o        Options
	samplers []*sampler // of each row
}

// token is a chosen token and, where margins are asked for, its margin.
type token struct {
	id     int32
	margin float32
}

// run continues each row behind the hidden state (rows, hidden) of its last
// token. It calls emit with each row's next token until emit has returned true
// for every row. Rows that are done go on silently: a batch is as long as its
// longest answer.
func (g *generator) run(ctx context.Context, last *tensor.Tensor, emit func(row int, t token) (done bool)) error {
	rows := len(g.samplers)
	done, left := make([]bool, rows), rows
	next, err := g.first(ctx, last)
	for ; err == nil; next, err = g.step(ctx, next) {
		for i, t := range next {
			if !done[i] && emit(i, t) {
				done[i] = true
				left--
			}
		}
		if left == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// A row of its own length that is done stays as long as it is.
		if g.cache.Lens != nil {
			for i, d := range done {
				if d {
					g.cache.Lens[i]--
				}
			}
		}
	}
	return err
}

func (g *generator) first(ctx context.Context, last *tensor.Tensor) ([]token, error) {
	tape := autograd.Inference(g.m.Device())
	defer tape.Release()
	return g.choose(ctx, tape.Const(last))
}

// step reads each row's newest token and returns the one that follows. As in the
// reference, a token of the point vocabulary that a model writes is a word like
// others: no object is put there.
func (g *generator) step(ctx context.Context, newest []token) ([]token, error) {
	tape := autograd.Inference(g.m.Device())
	defer tape.Release()
	ids := make([]int32, len(newest))
	for i, t := range newest {
		ids[i] = t.id
	}
	x := g.m.LM.Embed(tape, tape.Int32(ids, len(ids), 1))
	h := g.m.LM.Forward(x, llama.Options{Cache: g.cache})
	return g.choose(ctx, h.View(len(ids), g.m.HiddenSize))
}

// choose returns the token that follows each of some hidden states (rows,
// hidden).
func (g *generator) choose(ctx context.Context, h *autograd.Var) ([]token, error) {
	logits := g.m.LM.Logits(g.m.LM.Norm(h)).Value()
	next := make([]token, len(g.samplers))
	if g.o.greedy() && !g.o.penalizes() && !g.o.Margins {
		ids, err := h.Tape().Run1(kernels.Argmax, kernels.None{}, logits).ReadInt32(ctx)
		for i, id := range ids {
			next[i].id = id
		}
		return next, err
	}
	v, err := logits.ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	for i, s := range g.samplers {
		if next[i], err = s.choose(v[i*g.m.VocabSize : (i+1)*g.m.VocabSize]); err != nil {
			return nil, err
		}
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
