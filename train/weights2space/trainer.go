package weights2space

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"llana/autograd"
	"llana/kernels"
	model "llana/models/weights2space"
	"llana/nn"
	"llana/tensor"
	"llana/train"
)

// Trainer is a training of weights2space.
type Trainer struct {
	cfg       Config
	dev       kernels.Device
	model     *model.Model
	optimiser train.Optimiser
	schedule  train.Schedule
	data      *Dataset
	valid     *Dataset // may be nil
	draw      sampler
	steps     int
	state     State
	last      *tensor.Tensor // [1], the last step's loss
	rate      train.Rate
	occupied  map[*Item][]int32
	validated map[string]float64 // the last validation, until it is logged
}

// New prepares a training on d. With resume, it goes on from the last
// checkpoint in the output folder, if there is one.
func New(d kernels.Device, c Config, resume bool) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	tr := &Trainer{cfg: c, dev: d, occupied: map[*Item][]int32{}}
	var err error
	if tr.data, err = OpenDataset(c.TrainJSON, c.Root); err != nil {
		return nil, err
	}
	if c.ValidationJSON != "" {
		if tr.valid, err = OpenDataset(c.ValidationJSON, c.Root); err != nil {
			return nil, err
		}
	}
	tr.draw = sampler{n: tr.data.Len(), batch: c.BatchSize, seed: c.Seed}
	tr.steps = c.NumEpochs * tr.draw.stepsPerEpoch()
	if c.MaxSteps > 0 {
		tr.steps = min(tr.steps, c.MaxSteps)
	}
	if err := tr.build(); err != nil {
		return nil, err
	}
	if resume {
		return tr, tr.resume()
	}
	return tr, nil
}

// build makes the model, the optimiser and the schedule.
func (tr *Trainer) build() error {
	first, err := tr.data.Item(0)
	if err != nil {
		return err
	}
	c := &tr.cfg
	sizes := c.Model.Sizes(first.Field.Rows(), first.Field.Width)
	sizes.Half = first.Field.Half
	if err := sizes.Validate(); err != nil {
		return err
	}
	tr.model = model.New(tr.dev, sizes)
	tr.model.Init(c.Seed, c.Model.QueryStd)
	if c.Model.Normalize == "shared_init" {
		if err := tr.normalize(); err != nil {
			return err
		}
	}
	tr.last = tensor.New(tr.dev, tr.dev.Float(), 1)
	tr.last.SetFloat32([]float32{0})
	params := tr.model.Params.Trainable()
	adam := func(o *train.AdamW) {
		o.WeightDecay, o.MaxNorm = c.WD, float32(c.MaxGradNorm)
	}
	if c.Optimizer == "muon" {
		m := train.NewMuon(tr.dev, params, hiddenMatrix)
		adam(m.AdamW)
		tr.optimiser = m
	} else {
		o := train.NewAdamW(tr.dev, params)
		adam(o)
		tr.optimiser = o
	}
	switch c.Scheduler {
	case "cosine":
		tr.schedule = train.CosineWarmup(tr.steps, c.WarmupRatio)
	case "constant":
		tr.schedule = train.Constant(tr.steps, c.WarmupRatio)
	default:
		tr.schedule = train.EpochWarmup(tr.draw.stepsPerEpoch(), c.WorldSize)
	}
	return nil
}

// hiddenMatrix chooses the matrices that Muon trains: not the queries, which
// are vectors, nor the output layer.
func hiddenMatrix(p *nn.Param) bool {
	return p.Name != "query_tokens" && !strings.HasPrefix(p.Name, "decoder.after_skip.2.")
}

// checkpointPath is where a training's states are kept.
func (tr *Trainer) checkpointPath(name string) string {
	return filepath.Join(tr.cfg.OutputDir, "ckpts", name)
}

func (tr *Trainer) resume() error {
	path := tr.checkpointPath("last.pt")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s, err := restore(path, tr.model, tr.optimiser)
	if err != nil {
		return err
	}
	tr.state = s
	return nil
}

// Close frees the model and the optimiser's state.
func (tr *Trainer) Close() {
	tr.model.Free()
	tr.optimiser.Free()
	tr.last.Free()
}

// Steps returns the steps done and the steps of the whole training.
func (tr *Trainer) Steps() (done, total int) { return tr.state.Step, tr.steps }

// Model returns the model being trained.
func (tr *Trainer) Model() *model.Model { return tr.model }

// Run trains until all steps are done or ctx is cancelled. progress may be
// nil.
func (tr *Trainer) Run(ctx context.Context, progress func(done, total int, m train.Metrics)) error {
	loop := &train.Loop{
		Dir: tr.cfg.OutputDir, Steps: tr.steps, Start: tr.state.Step,
		LogEvery: tr.cfg.LoggingSteps, SaveEvery: tr.cfg.SaveSteps,
		Step: tr.step, Save: tr.save, Progress: progress,
	}
	return loop.Run(ctx)
}

// save writes the state as last.pt, from which training resumes, and the model
// as weights2space.safetensors.
func (tr *Trainer) save(ctx context.Context, steps int) error {
	tr.state.Step = steps
	tr.state.Epoch = steps / tr.draw.stepsPerEpoch()
	if err := save(ctx, tr.checkpointPath("last.pt"), tr.model, tr.optimiser, tr.state, tr.cfg.LR); err != nil {
		return err
	}
	return tr.model.Save(ctx, filepath.Join(tr.cfg.OutputDir, "weights2space.safetensors"))
}

// step does one optimiser step.
func (tr *Trainer) step(ctx context.Context, s int) (func(context.Context) (train.Metrics, error), error) {
	indices, r := tr.draw.at(s)
	var items []*Item
	for _, i := range indices {
		it, err := tr.data.Item(i)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	t := autograd.New(tr.dev, autograd.Options{Record: true, Training: true, Seed: uint32(tr.cfg.Seed) + uint32(s)*2654435761})
	defer t.Release()
	teacher := autograd.Inference(tr.dev)
	defer teacher.Release()
	loss, count, err := tr.loss(ctx, t, teacher, r, items)
	if err != nil {
		return nil, err
	}
	lr := tr.cfg.LR * tr.schedule(s)
	tr.optimiser.ZeroGrad()
	if loss != nil {
		kernels.RunInto(tr.dev, kernels.Copy, kernels.None{}, []*tensor.Tensor{loss.Value()}, []*tensor.Tensor{tr.last})
		t.Backward(autograd.Scale(loss, float32(tr.cfg.LossScale)))
		tr.optimiser.Step(lr)
	}
	tr.rate.Add(count)
	if err := tr.afterStep(ctx, s); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (train.Metrics, error) { return tr.metrics(ctx, s, lr) }, nil
}

// afterStep validates at the end of every so many epochs and of the training,
// and keeps the best model seen so far as best.pt.
func (tr *Trainer) afterStep(ctx context.Context, s int) error {
	per := tr.draw.stepsPerEpoch()
	due := (s+1)%(per*max(1, tr.cfg.ValidateEvery)) == 0
	if !due && s+1 != tr.steps {
		return nil
	}
	v, err := tr.validate(ctx)
	if err != nil {
		return err
	}
	tr.validated = v
	if psnr, ok := v["val_psnr"]; ok && psnr > tr.state.BestPSNR {
		tr.state.BestPSNR, tr.state.Step, tr.state.Epoch = psnr, s+1, (s+1)/per
		return save(ctx, tr.checkpointPath("best.pt"), tr.model, tr.optimiser, tr.state, tr.cfg.LR)
	}
	return nil
}

func (tr *Trainer) metrics(ctx context.Context, s int, lr float64) (train.Metrics, error) {
	v, err := tr.last.ReadFloat32(ctx)
	if err != nil {
		return train.Metrics{}, err
	}
	norm, err := tr.optimiser.GradNorm(ctx)
	if err != nil {
		return train.Metrics{}, err
	}
	if math.IsNaN(float64(v[0])) {
		return train.Metrics{}, fmt.Errorf("the loss is not a number; a smaller lr may help")
	}
	validated := tr.validated
	tr.validated = nil
	return train.Metrics{
		Extra: validated,
		Step:  s, Epoch: float64(s+1) / float64(tr.draw.stepsPerEpoch()), Loss: float64(v[0]),
		LR: lr, GradNorm: norm / tr.cfg.LossScale, RaysPerSecond: tr.rate.PerSecond(),
	}, nil
}

// loss builds the loss of a batch, and counts its rays or points. The loss is
// nil if no NeRF of the batch can be used.
func (tr *Trainer) loss(ctx context.Context, t, teacher *autograd.Tape, r *rand.Rand, items []*Item) (*autograd.Var, int, error) {
	if tr.cfg.Supervision == "points" {
		var positions []float32
		for _, it := range items {
			if _, ok := tr.occupied[it]; !ok {
				tr.occupied[it] = cells(it.Grid, true)
			}
			positions = append(positions, drawPoints(r, it, tr.occupied[it], tr.cfg.NumPoints)...)
		}
		return tr.pointsLoss(t, teacher, tr.tokens(t, items), items, positions), len(positions) / 3, nil
	}
	batch, items, err := tr.rayBatch(ctx, r, items)
	if err != nil || len(items) == 0 {
		return nil, 0, err
	}
	loss, _, _ := Loss(tr.model, tr.tokens(t, items), batch, float32(tr.cfg.BgWeight))
	return loss, len(batch.Offsets) - 1, nil
}

func (tr *Trainer) tokens(t *autograd.Tape, items []*Item) *autograd.Var {
	var m []float32
	for _, it := range items {
		m = append(m, it.Field.Matrix(it.Field.Weights)...)
	}
	return tr.model.Tokens(t.Float32(m, len(items), tr.model.Rows, tr.model.RowWidth), nil)
}

// rayBatch draws the batch's rays; it returns the NeRFs that have enough.
func (tr *Trainer) rayBatch(ctx context.Context, r *rand.Rand, items []*Item) (RayBatch, []*Item, error) {
	b := RayBatch{Offsets: []int32{0}}
	var used []*Item
	var shared [3]float32
	for i, it := range items {
		bg := [3]float32{r.Float32(), r.Float32(), r.Float32()}
		if i == 0 {
			shared = bg
		}
		if tr.cfg.SharedBackground {
			bg = shared
		}
		ri, err := tr.drawRays(ctx, r, it, bg)
		if err != nil {
			return b, nil, err
		}
		if ri == nil {
			continue
		}
		if ri.foreground > 0 && len(ri.positions)/3 != (tr.cfg.MaxFG+10000) && it.Grid != nil {
			return b, nil, fmt.Errorf("%s: the occupancy grid has no empty cell", it.Dir)
		}
		used = append(used, it)
		for _, c := range ri.counts {
			b.Offsets = append(b.Offsets, b.Offsets[len(b.Offsets)-1]+c)
		}
		b.Positions = append(b.Positions, ri.positions...)
		b.Foreground = append(b.Foreground, ri.foreground)
		b.Spans = append(b.Spans, ri.spans...)
		b.Target = append(b.Target, ri.target...)
		b.Background = append(b.Background, ri.background...)
	}
	return b, used, nil
}
