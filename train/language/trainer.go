package language

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/spatialllana"
	"llana/tensor"
	"llana/train"
)

// trainer is a training at some step.
type trainer struct {
	c        *Config
	stage    Stage
	m        *spatialllana.Model
	data     *dataset
	enc      *encoder
	opt      train.Optimiser
	schedule train.Schedule
	total    int // steps in all

	objects [][]int // samples of each, with questions_per_object

	epoch int // whose order is held
	order []int

	loss *tensor.Tensor // [1], of the last step
	rate train.Rate
}

func newTrainer(s Stage, c *Config, m *spatialllana.Model, data *dataset, warn func(string)) (*trainer, error) {
	t := &trainer{c: c, stage: s, m: m, data: data, epoch: -1}
	t.enc = &encoder{c: c, m: m, template: m.Template(), data: data, warn: warn, objects: map[string]*spatialllana.Object{}}
	var err error
	if c.QuestionsPerObject > 0 {
		if t.objects, err = data.byObject(); err != nil {
			return nil, err
		}
	}
	t.total = c.MaxSteps
	if t.total <= 0 {
		t.total = int(math.Ceil(c.Epochs * float64(t.stepsPerEpoch())))
	}
	if t.schedule, err = c.schedule(t.total); err != nil {
		return nil, err
	}
	m.Params.Freeze(func(string) bool { return true })
	if c.FixLLM {
		m.Params.Freeze(func(name string) bool {
			return spatialllana.Stage1Trainable(name) && (c.TrainPointToken || name != m.LM.Table().Name)
		})
	}
	t.opt = c.optimiser(m)
	t.loss = tensor.New(m.Device(), m.Device().Float(), 1)
	return t, nil
}

func (t *trainer) free() {
	t.opt.Free()
	t.loss.Free()
}

// microBatches is the number of batches of an epoch; the last may be smaller.
func (t *trainer) microBatches() int {
	if t.objects != nil {
		return ceilDiv(len(t.objects), t.c.BatchSize)
	}
	return ceilDiv(len(t.data.samples), t.c.BatchSize)
}

// stepsPerEpoch is the number of optimiser steps of an epoch; the last may
// gather fewer batches.
func (t *trainer) stepsPerEpoch() int { return ceilDiv(t.microBatches(), t.c.Accumulation) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// indices returns the examples of each batch of a step.
func (t *trainer) indices(step int) [][]int {
	per := t.stepsPerEpoch()
	if e := step / per; e != t.epoch {
		t.epoch, t.order = e, t.orderOf(e)
	}
	size := t.c.BatchSize * max(1, t.c.QuestionsPerObject)
	first := step % per * t.c.Accumulation
	var out [][]int
	for b := first; b < min(first+t.c.Accumulation, t.microBatches()); b++ {
		out = append(out, t.order[b*size:min((b+1)*size, len(t.order))])
	}
	return out
}

// orderOf returns the order of the samples in an epoch, with
// questions_per_object that of a fixed number of each object's.
func (t *trainer) orderOf(epoch int) []int {
	if t.objects == nil {
		return permutation(t.c, epoch, len(t.data.samples))
	}
	r := rand.New(rand.NewPCG(t.c.Seed, ^uint64(epoch)))
	var order []int
	for _, o := range permutation(t.c, epoch, len(t.objects)) {
		order = append(order, drawSamples(r, t.objects[o], t.c.QuestionsPerObject)...)
	}
	return order
}

// step does optimiser step s, counted from 0.
func (t *trainer) step(_ context.Context, s int) (func(context.Context) (train.Metrics, error), error) {
	indices := t.indices(s)
	return t.update(s, len(indices), func(i int) (*batch, error) { return t.enc.batch(indices[i]) })
}

// update does step s on n batches. The loss is the mean over the labels of each
// batch, and then over the batches.
func (t *trainer) update(s, n int, get func(i int) (*batch, error)) (func(context.Context) (train.Metrics, error), error) {
	t.opt.ZeroGrad()
	t.loss.SetFloat32([]float32{0})
	for i := range n {
		b, err := get(i)
		if err != nil {
			return nil, err
		}
		if err := t.accumulate(b, s, n); err != nil {
			return nil, err
		}
		t.rate.Add(b.tokens)
	}
	lr := t.c.LearningRate * t.schedule(s)
	t.opt.Step(lr)
	return func(ctx context.Context) (train.Metrics, error) { return t.metrics(ctx, s, lr) }, nil
}

// accumulate adds the gradient of a batch, one of n of step s.
func (t *trainer) accumulate(b *batch, s, n int) error {
	d := t.m.Device()
	tape := autograd.New(d, autograd.Options{Record: true, Training: true, Checkpoint: t.c.Checkpoint, Seed: kernels.Hash(uint32(t.c.Seed), uint32(s))})
	defer tape.Release()
	loss, err := t.lossOf(tape, b)
	if err != nil {
		return err
	}
	if n > 1 {
		loss = autograd.Scale(loss, 1/float32(n))
	}
	tape.RunInto(kernels.Accumulate, kernels.None{}, []*tensor.Tensor{loss.Value()}, t.loss)
	tape.Backward(loss)
	return nil
}

func (t *trainer) lossOf(tape *autograd.Tape, b *batch) (*autograd.Var, error) {
	if b.group != nil {
		return t.m.LossShared(tape, *b.group, t.options())
	}
	return t.m.Loss(tape, b.Batch, b.labels, t.options())
}

func (t *trainer) options() spatialllana.Options {
	return spatialllana.Options{PointTokensOnly: t.c.FixLLM && t.c.TrainPointToken}
}

func (t *trainer) metrics(ctx context.Context, s int, lr float64) (train.Metrics, error) {
	m := train.Metrics{Step: s, Epoch: t.epochOf(s + 1), LR: lr}
	loss, err := t.loss.ReadFloat32(ctx)
	if err != nil {
		return m, err
	}
	if m.GradNorm, err = t.opt.GradNorm(ctx); err != nil {
		return m, err
	}
	m.Loss = float64(loss[0])
	if bad := m.Loss + m.GradNorm; math.IsNaN(bad) || math.IsInf(bad, 0) {
		return m, fmt.Errorf("loss %v and gradient norm %v: training diverged; a smaller learning_rate or longer warm-up may help", m.Loss, m.GradNorm)
	}
	m.TokensPerSecond = t.rate.PerSecond()
	return m, nil
}

// epochOf returns how many epochs so many steps are.
func (t *trainer) epochOf(steps int) float64 { return float64(steps) / float64(t.stepsPerEpoch()) }
