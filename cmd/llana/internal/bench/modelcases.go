package bench

import (
	"context"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/llama"
	"llana/models/nerf"
	"llana/models/weights2space"
	"llana/nn"
	"llana/tensor"
	"llana/train"
	w2s "llana/train/weights2space"
)

// modelCases are whole models with random weights.
func modelCases() []Case {
	all := []Case{
		{Name: "llama110m/forward512", Large: true, tokens: 512, prepare: llamaForward},
		{Name: "llama110m/train512", Large: true, tokens: 512, prepare: llamaTrain},
	}
	for _, stored := range []string{"f32", "bf16", "int8", "int4"} {
		d, _ := nn.Storage(stored)
		all = append(all,
			Case{Name: "llama110m/prompt256/" + stored, Large: true, tokens: 256, prepare: llamaPrompt(d)},
			Case{Name: "llama110m/generate32/" + stored, Large: true, tokens: 32, prepare: llamaGenerate(d)})
	}
	all = append(all,
		Case{Name: "weights2space/encode", Large: true, prepare: encode(false)},
		Case{Name: "weights2space/encode_next", Large: true, prepare: encode(true)},
		Case{Name: "weights2space/train", Large: true, prepare: encoderTrain})
	return append(all, nerfCases()...)
}

// llama110m are the sizes of Llama 2's smallest sibling.
var llama110m = llama.Config{HiddenSize: 768, IntermediateSize: 2048, Layers: 12, Heads: 12, KeyHeads: 12,
	NormEps: 1e-5, RopeTheta: 10000, MaxPositions: 2048, VocabSize: 32000, InitRange: 0.02}

// language is a model with random weights, and some random ids.
type language struct {
	*llama.Model
	set *nn.Set
	ids *tensor.Tensor // (1, n)
}

// newLanguage stores its matrices as stored.
func newLanguage(d kernels.Device, stored tensor.DType, n int) language {
	l := language{set: nn.NewSet(d)}
	l.Model = llama.New(l.set.StoredAs(llama.Storage(stored)), llama110m)
	r := rand.New(rand.NewPCG(3, 4))
	l.Init(r)
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(r.IntN(l.VocabSize))
	}
	l.ids = tensor.Int32(d, ids, 1, n)
	return l
}

func (l language) free() {
	l.set.Free()
	l.ids.Free()
}

// read runs the decoder on ids, behind what is in the cache.
func (l language) read(t *autograd.Tape, ids *tensor.Tensor, cache *llama.Cache) *autograd.Var {
	return l.Norm(l.Forward(l.Embed(t, ids), llama.Options{Cache: cache}))
}

func llamaForward(_ context.Context, d kernels.Device) (work, error) {
	l := newLanguage(d, tensor.Invalid, 512)
	return work{free: l.free, run: func(context.Context) error {
		t := autograd.Inference(d)
		defer t.Release()
		l.Logits(l.read(t, l.ids, nil))
		return nil
	}}, nil
}

func llamaTrain(_ context.Context, d kernels.Device) (work, error) {
	l := newLanguage(d, tensor.Invalid, 512)
	opt := train.NewAdamW(d, l.set.Trainable())
	opt.MaxNorm = 1
	free := func() {
		opt.Free()
		l.free()
	}
	return work{free: free, run: func(context.Context) error {
		t := autograd.New(d, autograd.Options{Record: true, Training: true})
		defer t.Release()
		opt.ZeroGrad()
		logits := l.Logits(l.read(t, l.ids, nil)).View(-1, l.VocabSize)
		t.Backward(autograd.CrossEntropy(logits, l.ids.View(-1)))
		opt.Step(1e-4)
		return nil
	}}, nil
}

// next returns the likeliest token behind the last of some hidden states.
func (l language) next(t *autograd.Tape, h *autograd.Var) *tensor.Tensor {
	last := autograd.Slice(h, 1, h.Dim(1)-1, h.Dim(1))
	return t.Run1(kernels.Argmax, kernels.None{}, l.Logits(last).Value().View(1, l.VocabSize))
}

func llamaPrompt(stored tensor.DType) prepareFunc {
	return func(_ context.Context, d kernels.Device) (work, error) {
		l := newLanguage(d, stored, 256)
		cache := l.NewCache(d, 1, 256)
		free := func() {
			cache.Free()
			l.free()
		}
		return work{free: free, run: func(context.Context) error {
			t := autograd.Inference(d)
			defer t.Release()
			cache.Len = 0
			l.next(t, l.read(t, l.ids, cache))
			return nil
		}}, nil
	}
}

// llamaGenerate writes 32 tokens behind a prompt of 256, reading each back as
// an answer does.
func llamaGenerate(stored tensor.DType) prepareFunc {
	return func(_ context.Context, d kernels.Device) (work, error) {
		l := newLanguage(d, stored, 256)
		cache := l.NewCache(d, 1, 256+32)
		t := autograd.Inference(d)
		l.read(t, l.ids, cache)
		t.Release()
		free := func() {
			cache.Free()
			l.free()
		}
		return work{free: free, run: func(ctx context.Context) (err error) {
			cache.Len = 256
			for id, i := int32(1), 0; i < 32; i++ {
				if id, err = l.step(ctx, d, id, cache); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}
}

// step reads a token and returns the next one.
func (l language) step(ctx context.Context, d kernels.Device, id int32, cache *llama.Cache) (int32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	ids, err := l.next(t, l.read(t, t.Int32([]int32{id}, 1, 1), cache)).ReadInt32(ctx)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// newEncoder returns an encoder of the published size, and a NeRF's matrix.
func newEncoder(d kernels.Device) (*weights2space.Model, []float32) {
	m := weights2space.New(d, weights2space.Published())
	m.Init(5, weights2space.QueryStd)
	a := nerf.Published
	return m, a.Matrix(a.Init(nerf.SharedSeed))
}

// encode encodes a NeRF: the first one, or with fixed one of many, whose first
// self-attention is done.
func encode(fixed bool) prepareFunc {
	return func(_ context.Context, d kernels.Device) (work, error) {
		m, matrix := newEncoder(d)
		if fixed {
			m.Fix()
		}
		return work{free: m.Free, run: func(context.Context) error {
			t := autograd.Inference(d)
			defer t.Release()
			m.Tokens(t.Float32(matrix, 1, m.Rows, m.RowWidth), nil)
			return nil
		}}, nil
	}
}

// encoderTrain is a step of the published training on one NeRF: 512 rays of 48
// samples, and as many positions in empty space as fill up 35,000.
func encoderTrain(_ context.Context, d kernels.Device) (work, error) {
	m, matrix := newEncoder(d)
	opt := train.NewAdamW(d, m.Params.Trainable())
	batch := randomRays(512, 48, 35000, m.Half)
	free := func() {
		opt.Free()
		m.Free()
	}
	return work{free: free, run: func(context.Context) error {
		t := autograd.New(d, autograd.Options{Record: true, Training: true, Seed: 6})
		defer t.Release()
		opt.ZeroGrad()
		loss, _, _ := w2s.Loss(m, m.Tokens(t.Float32(matrix, 1, m.Rows, m.RowWidth), nil), batch, 0.2)
		t.Backward(loss)
		opt.Step(1e-5)
		return nil
	}}, nil
}

// randomRays makes supervision for one NeRF of random positions and colours.
func randomRays(rays, samples, positions int, half float32) w2s.RayBatch {
	r := rand.New(rand.NewPCG(7, 8))
	floats := func(n int, lo, hi float32) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = lo + (hi-lo)*r.Float32()
		}
		return v
	}
	b := w2s.RayBatch{Positions: floats(3*positions, -half, half), Foreground: []int{rays * samples},
		Target: floats(3*rays, 0, 1), Background: floats(3*rays, 0, 1)}
	for i := range rays + 1 {
		b.Offsets = append(b.Offsets, int32(i*samples))
	}
	for i := range rays * samples {
		at := 1 + float32(i%samples)*kernels.PublishedStep
		b.Spans = append(b.Spans, at, at+kernels.PublishedStep)
	}
	return b
}
