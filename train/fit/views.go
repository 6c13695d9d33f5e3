package fit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
	"llana/nn"
	"llana/tensor"
	"llana/train"
)

// ViewOptions are the settings of a fit to views. The loss is that of the
// published NeRFs: smooth L1 between the colours of rays, where those of
// pixels that are not fully transparent weigh 0.8 together and the others 0.2.
// Pixels and renderings are laid over the same background, of another random
// colour in each step, so that opacity is learnt too.
type ViewOptions struct {
	Steps   int     // of Adam
	Rays    int     // in a step, at most
	Samples int     // of the rays in a step, at most, but for the last ray's
	LR      float64 // at its highest
	Warmup  float64 // share of the steps of linear warm-up before the cosine
	Half    float32 // half the box's edge
	Step    float32 // between samples; 0: 1/1024 of the box's diagonal
	GridRes int     // cells of the occupancy grid along an axis
	Seed    uint64  // of rays and of the grid's upkeep
	// Progress, if not nil, is told now and then how many steps are done.
	Progress func(done int, m train.Metrics)
}

// DefaultViews returns the settings of `llana nerf fit`.
func DefaultViews() ViewOptions {
	return ViewOptions{Steps: 2000, Rays: 4096, Samples: 1 << 16, LR: 1e-2, Warmup: 0.05, Half: nerf.DefaultHalf, GridRes: 96}
}

// maxSamples keeps a step's tensors inside the limits of every device.
const maxSamples = 1 << 17

func (o ViewOptions) check() error {
	for _, c := range []struct {
		name       string
		value, max int
	}{{"steps", o.Steps, math.MaxInt32}, {"rays", o.Rays, 1 << 20}, {"samples", o.Samples, maxSamples}, {"grid cells along an axis", o.GridRes, 512}} {
		if c.value < 1 || c.value > c.max {
			return fmt.Errorf("fit: %d %s, want 1 to %d", c.value, c.name, c.max)
		}
	}
	if !(o.LR > 0 && o.Half > 0 && o.Step >= 0) {
		return fmt.Errorf("fit: learning rate %g, half edge %g, step %g: want positive numbers", o.LR, o.Half, o.Step)
	}
	return nil
}

// Views fits a NeRF to views, from the shared initialisation, and returns it
// with its occupancy grid. When ctx is cancelled it finishes the step and
// returns what it has so far with an error that is train.ErrInterrupted.
func Views(ctx context.Context, d kernels.Device, a nerf.Arch, views []nerf.View, o ViewOptions) (*nerf.Field, *nerf.Grid, error) {
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	if len(views) == 0 {
		return nil, nil, fmt.Errorf("fit: no views")
	}
	f := newViewFitter(d, a, views, o)
	defer f.free()
	// Work on the device is not cut short: a step is done or not done.
	steady := context.WithoutCancel(ctx)
	done := 0
	for ; done < o.Steps && ctx.Err() == nil; done++ {
		if err := f.step(steady, done); err != nil {
			return nil, nil, fmt.Errorf("step %d: %w", done, err)
		}
	}
	weights, err := f.net.Weights(steady)
	if err != nil {
		return nil, nil, err
	}
	if done < o.Steps {
		err = fmt.Errorf("%w after %d of %d steps", train.ErrInterrupted, done, o.Steps)
	}
	return &nerf.Field{Arch: a, Weights: weights[0], Half: o.Half}, &f.grid.Grid, err
}

// viewFitter is a fit under way.
type viewFitter struct {
	ViewOptions
	dev      kernels.Device
	net      *nerf.Net
	opt      *train.AdamW
	schedule train.Schedule
	grid     *occupancy
	source   *raySource
	rate     train.Rate
}

func newViewFitter(d kernels.Device, a nerf.Arch, views []nerf.View, o ViewOptions) *viewFitter {
	march := nerf.RenderOptions{Half: o.Half, Step: o.Step}.March()
	march.Res = o.GridRes
	f := &viewFitter{
		ViewOptions: o, dev: d, net: nerf.NewNet(d, a, a.Init(nerf.SharedSeed)),
		schedule: train.CosineWarmup(o.Steps+1, o.Warmup),
		grid:     newOccupancy(o.GridRes, o.Half, march.Step, rand.New(rand.NewPCG(o.Seed, 3))),
		source:   &raySource{views, march, rand.New(rand.NewPCG(o.Seed, 4))},
	}
	p := &nn.Param{Leaf: *f.net.Params, Name: "network"}
	f.net.Params = &p.Leaf
	f.opt = train.NewAdamW(d, []*nn.Param{p})
	f.opt.WeightDecay = 0
	return f
}

func (f *viewFitter) free() {
	f.net.Free()
	f.opt.Free()
}

// reportEvery is the number of steps from one look at the loss to the next.
const reportEvery = 16

// step does step s, counted from 0. Between updates of the grid and looks at
// the loss, nothing is read back.
func (f *viewFitter) step(ctx context.Context, s int) error {
	if s%updateEvery(f.Steps) == 0 {
		if err := f.grid.update(ctx, f.dev, f.net); err != nil {
			return err
		}
	}
	b := f.source.draw(f.grid.Cells, f.Rays, f.Samples)
	f.rate.Add(len(b.offsets) - 1)
	if len(b.spans) == 0 { // nothing to learn from
		return nil
	}
	t := autograd.New(f.dev, autograd.Options{Record: true})
	defer t.Release()
	f.opt.ZeroGrad()
	loss := f.loss(t, b)
	t.Backward(loss)
	// The first step of the schedule has a rate of 0.
	lr := f.LR * f.schedule(s+1)
	f.opt.Step(lr)
	if s%reportEvery != 0 && s != f.Steps-1 {
		return nil
	}
	return f.report(ctx, s, lr, loss.Value())
}

// report reads back how step s went.
func (f *viewFitter) report(ctx context.Context, s int, lr float64, loss *tensor.Tensor) error {
	v, err := loss.ReadFloat32(ctx)
	if err != nil {
		return err
	}
	m := train.Metrics{Step: s, Loss: float64(v[0]), LR: lr, RaysPerSecond: f.rate.PerSecond()}
	if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) {
		return fmt.Errorf("the loss is %g; a lower learning rate than %g may help", m.Loss, f.LR)
	}
	if m.GradNorm, err = f.opt.GradNorm(ctx); err != nil {
		return err
	}
	if f.Progress != nil {
		f.Progress(s+1, m)
	}
	return nil
}

// Weights of the loss of pixels that show something, and of the others.
const (
	foregroundWeight = 0.8
	backgroundWeight = 0.2
)

func (f *viewFitter) loss(t *autograd.Tape, b *rayBatch) *autograd.Var {
	samples, rays := len(b.spans)/2, len(b.offsets)-1
	rgb, sigma := f.net.Query(t.Float32(b.unit, samples, 3))
	pixels := autograd.Composite(rgb, sigma, autograd.RaySamples{
		Spans:      t.Float32(b.spans, samples, 2).Value(),
		Offsets:    t.Int32(b.offsets, rays+1),
		Background: t.Float32(b.background, rays, 3).Value(),
	})
	colours := autograd.Slice(pixels, 1, 0, 3)
	part := func(lo, hi int, weight float32) *autograd.Var {
		if lo == hi {
			return nil
		}
		target := t.Float32(b.target[3*lo:3*hi], hi-lo, 3)
		return autograd.Scale(autograd.SmoothL1(autograd.Slice(colours, 0, lo, hi), target), weight)
	}
	fg, bg := part(0, b.foreground, foregroundWeight), part(b.foreground, rays, backgroundWeight)
	switch {
	case fg == nil:
		return bg
	case bg == nil:
		return fg
	}
	return autograd.Add(fg, bg)
}
