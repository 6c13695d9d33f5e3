// Package fit fits NeRFs. Points fits many at once to solids whose shape and
// colour are known at every point: no view is rendered, so a fit costs a few
// hundredths of a second.
package fit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
	"llana/tensor"
)

// Target is what a NeRF is fitted to.
type Target interface {
	// At returns the signed distance of the surface at a point, negative
	// inside, and the colour of the nearest solid.
	At(p [3]float32) (distance float32, rgb [3]float32)
}

// Options of a fit. The loss is the cross entropy of being inside a solid, with
// the network's fourth output, 1 + ln(density), as the logit, and the squared
// error of the colours. So density is far above 1 inside and far below 1
// outside, and renderings are neither foggy nor hollow.
//
// All NeRFs see the same points in the same order: like the
// shared initialisation, that makes their weights comparable.
type Options struct {
	Steps  int     `json:"steps"`  // of Adam
	Pool   int     `json:"pool"`   // points drawn once, uniformly in the box
	Points int     `json:"points"` // of the pool, in each step
	LR     float64 `json:"lr"`
	Beta2  float64 `json:"beta2"`
	Warmup int     `json:"warmup"` // steps of linear warm-up before the cosine
	// Inside is added to the weight 1 of points inside solids.
	Inside float32 `json:"inside"`
	// Colour weighs the squared error of colours, which is taken where the
	// surface is nearer than Near, and inside.
	Colour float32 `json:"colour"`
	Near   float32 `json:"near"`
	Seed   uint64  `json:"seed"` // of the points
	Half   float32 `json:"half"`
}

// Default returns the settings of the toy world. Longer fits are closer to the
// scene, but their weights are harder to read; after 60 steps the shapes of
// small solids cannot yet be told from each other.
func Default() Options {
	return Options{Steps: 100, Pool: 8192, Points: 512, LR: 1e-2, Beta2: 0.99, Warmup: 20, Inside: 3,
		Colour: 20, Near: 0.05, Seed: 1, Half: nerf.DefaultHalf}
}

// SurfaceLogit is the fourth output at the surface of what was fitted: points
// inside weigh more, which moves it from 0.
func (o Options) SurfaceLogit() float64 { return math.Log(1 + float64(o.Inside)) }

// Points fits a NeRF to each target, all at once, from the shared
// initialisation.
func Points(ctx context.Context, d kernels.Device, a nerf.Arch, targets []Target, o Options) ([]*nerf.Field, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	if o.Steps < 1 || o.Points < 1 || o.Points > o.Pool {
		return nil, fmt.Errorf("fit: %d steps of %d points out of %d: want at least 1, and no more points than there are", o.Steps, o.Points, o.Pool)
	}
	init := a.Init(nerf.SharedSeed)
	weights := make([][]float32, len(targets))
	for i := range weights {
		weights[i] = init
	}
	f := &fitter{Options: o, dev: d, net: nerf.NewNet(d, a, weights...), pool: newPool(targets, o), order: o.order()}
	defer f.free()
	f.newState()
	for s := range o.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.step(s)
	}
	fitted, err := f.net.Weights(ctx)
	if err != nil {
		return nil, err
	}
	fields := make([]*nerf.Field, len(fitted))
	for i, w := range fitted {
		fields[i] = &nerf.Field{Arch: a, Weights: w, Half: o.Half}
	}
	return fields, nil
}

// pool holds the points and what the targets are there.
type pool struct {
	unit   []float32    // (Pool, 3), in box units
	solids [][]labelled // one list for each target
}

// labelled is what a target is at a point.
type labelled struct {
	inside, near bool
	rgb          [3]float32
}

func newPool(targets []Target, o Options) *pool {
	p := &pool{unit: UniformUnit(o.Pool, o.Seed), solids: make([][]labelled, len(targets))}
	for i, t := range targets {
		l := make([]labelled, o.Pool)
		for k := range l {
			d, rgb := t.At(o.world(p.unit[3*k:]))
			l[k] = labelled{d < 0, d < o.Near, rgb}
		}
		p.solids[i] = l
	}
	return p
}

// world maps box units to the world.
func (o Options) world(u []float32) (p [3]float32) {
	for k := range p {
		p[k] = (2*u[k] - 1) * o.Half
	}
	return p
}

// UniformUnit draws n points (n, 3) uniformly from the unit box.
func UniformUnit(n int, seed uint64) []float32 {
	r := rand.NewPCG(seed, 1)
	u := make([]float32, 3*n)
	for i := range u {
		u[i] = float32(r.Uint64()>>40) / (1 << 24)
	}
	return u
}

// order returns which points of the pool each step takes: all in random order
// before any comes again.
func (o Options) order() []int {
	r := rand.New(rand.NewPCG(o.Seed, 2))
	var order []int
	for len(order) < o.Steps*o.Points {
		order = append(order, r.Perm(o.Pool)...)
	}
	return order
}

// fitter is a fit under way. Adam works element by element, so one state
// serves all NeRFs.
type fitter struct {
	Options
	dev   kernels.Device
	net   *nerf.Net
	pool  *pool
	order []int
	m, v  *tensor.Tensor // Adam's moments
	rate  *tensor.Tensor // see kernels.AdamW
}

func (f *fitter) newState() {
	w := f.net.Params.Value
	zero := make([]float32, w.Len())
	for _, s := range []**tensor.Tensor{&f.m, &f.v} {
		*s = tensor.New(f.dev, w.DType(), w.Shape()...)
		(*s).SetFloat32(zero)
	}
	f.rate = tensor.New(f.dev, f.dev.Float(), 3)
}

func (f *fitter) free() {
	f.net.Free()
	for _, t := range []*tensor.Tensor{f.rate, f.m, f.v} {
		t.Free()
	}
}

func (f *fitter) step(s int) {
	t := autograd.New(f.dev, autograd.Options{Record: true})
	defer t.Release()
	f.net.Params.ZeroGrad()
	t.Backward(f.loss(t, f.order[s*f.Points:][:f.Points]))
	f.adam(s)
}

const beta1 = 0.9

// adam moves the weights. After the warm-up the rate falls along half a cosine.
func (f *fitter) adam(s int) {
	lr := f.LR * min(1, float64(s+1)/float64(f.Warmup))
	if s > f.Warmup {
		lr *= 0.5 * (1 + math.Cos(math.Pi*float64(s-f.Warmup)/float64(f.Steps-f.Warmup)))
	}
	n := float64(s + 1)
	f.rate.SetFloat32([]float32{float32(lr), float32(1 - math.Pow(beta1, n)), float32(1 - math.Pow(f.Beta2, n))})
	p := kernels.AdamWParams{Beta1: beta1, Beta2: f.Beta2, Eps: 1e-8}
	w := f.net.Params
	kernels.RunInto(f.dev, kernels.AdamW, p, []*tensor.Tensor{w.Grad, f.rate, nil}, []*tensor.Tensor{w.Value, f.m, f.v})
}

// loss is the sum over the NeRFs of their losses at the given points. The factors
// of the gradients do not depend on the number of NeRFs, to the bit: rounded
// differently, a fit ends elsewhere.
func (f *fitter) loss(t *autograd.Tape, points []int) *autograd.Var {
	g, n := len(f.pool.solids), len(points)
	b := f.batch(points)
	colour, logit := f.net.Raw(t.Float32(b.unit, n, 3))

	rows := g * n
	inside := autograd.BCELogits(logit, t.Float32(b.inside, rows).Value(), t.Float32(b.weight, rows).Value())

	// near is 1 or 0: it is its own square.
	near := t.Float32(b.near, rows, 1)
	miss := autograd.Sub(autograd.Sigmoid(colour), t.Float32(b.rgb, rows, 3))
	miss = autograd.Mul(miss, near)
	squares := autograd.SumAll(autograd.Mul(miss, miss))
	return autograd.Add(autograd.Scale(inside, float32(g)), autograd.Scale(squares, f.Colour/float32(3*n)))
}

// batch is the points of a step: unit (n, 3) for all NeRFs, the rest for each.
type batch struct{ unit, inside, weight, near, rgb []float32 }

func (f *fitter) batch(points []int) *batch {
	rows := len(f.pool.solids) * len(points)
	b := &batch{make([]float32, 0, 3*len(points)), make([]float32, rows), make([]float32, rows), make([]float32, rows), make([]float32, 0, 3*rows)}
	for _, k := range points {
		b.unit = append(b.unit, f.pool.unit[3*k:3*k+3]...)
	}
	i := 0
	for _, solid := range f.pool.solids {
		for _, k := range points {
			l := &solid[k]
			b.weight[i] = 1
			if l.inside {
				b.inside[i] = 1
				b.weight[i] += f.Inside
			}
			if l.near {
				b.near[i] = 1
			}
			b.rgb = append(b.rgb, l.rgb[:]...)
			i++
		}
	}
	return b
}
