package language

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"llana/kernels"
	"llana/models/spatialllana"
	"llana/train"
)

// RunOptions of Run.
type RunOptions struct {
	// Resume goes on from the last checkpoint in the output folder, if there
	// is one.
	Resume   bool
	Progress func(done, total int, m train.Metrics) // may be nil
	Log      func(line string)                      // told what is worth knowing; may be nil
	// Locate, if not nil, turns model_name_or_path into a folder, before it is
	// opened.
	Locate func(ctx context.Context, name string) (dir string, err error)
}

// Run trains a stage on d and writes the model to the output folder, with
// metrics.jsonl and trainer_state.json. While it runs it writes checkpoint-N
// folders there: complete models with the optimiser's state. When ctx is
// cancelled it writes one more and returns train.ErrInterrupted.
func Run(ctx context.Context, d kernels.Device, s Stage, c Config, o RunOptions) error {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if err := c.validate(s); err != nil {
		return err
	}
	from, finished, err := startFolder(&c, o.Resume)
	if err != nil || finished {
		if finished {
			o.Log(fmt.Sprintf("%s is finished", c.OutputDir))
		}
		return err
	}
	if c.BF16 {
		o.Log("bf16 is set: arithmetic is float32 all the same")
	}
	data, err := openData(s, &c)
	if err != nil {
		return err
	}
	m, err := openModel(ctx, d, s, &c, data, from, o)
	if err != nil {
		return err
	}
	defer m.Free()
	t, err := newTrainer(s, &c, m, data, limited(o.Log, 10))
	if err != nil {
		return err
	}
	defer t.free()
	start := 0
	if from != "" {
		if start, err = t.restore(from); err != nil {
			return err
		}
		o.Log(fmt.Sprintf("resuming from %s", from))
	}
	o.Log(fmt.Sprintf("%d examples, %d steps, %d of %d parameters are trained", len(data.samples), t.total, trained(m), m.Params.Count()))
	loop := train.Loop{Dir: c.OutputDir, Steps: t.total, Start: start, LogEvery: c.LoggingSteps, SaveEvery: c.SaveSteps,
		Step: t.step, Save: t.save, Progress: o.Progress}
	return loop.Run(ctx)
}

// startFolder returns the checkpoint to go on from, "" to start anew, or that
// the training is finished. It refuses to overwrite a former training.
func startFolder(c *Config, resume bool) (from string, finished bool, err error) {
	all, err := checkpoints(c.OutputDir)
	if err != nil {
		return "", false, err
	}
	_, err = readState(c.OutputDir)
	finished = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	switch {
	case resume && finished:
		return "", true, nil
	case resume && len(all) > 0:
		return filepath.Join(c.OutputDir, checkpointPrefix+strconv.Itoa(all[len(all)-1])), false, nil
	case !resume && !c.Overwrite && (finished || len(all) > 0):
		return "", false, fmt.Errorf("%s holds a former training: resume it, choose another output_dir, or set overwrite_output_dir", c.OutputDir)
	}
	return "", false, nil
}

// openModel opens the model to start from, with the parts that the stage adds.
func openModel(ctx context.Context, d kernels.Device, s Stage, c *Config, data *dataset, from string, run RunOptions) (*spatialllana.Model, error) {
	if from != "" {
		return spatialllana.Open(d, from, spatialllana.OpenOptions{})
	}
	if run.Locate != nil {
		var err error
		if c.ModelPath, err = run.Locate(ctx, c.ModelPath); err != nil {
			return nil, err
		}
	}
	o := spatialllana.OpenOptions{Random: c.FromScratch, Seed: c.Seed}
	if s != Text {
		var err error
		if o.Projector, err = wantedProjector(s, c, data); err != nil {
			return nil, err
		}
	}
	m, err := spatialllana.Open(d, c.ModelPath, o)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, m, s, c, run.Log); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}

// prepare checks a model that a stage starts from, and adds what stage 1 adds.
func prepare(ctx context.Context, m *spatialllana.Model, s Stage, c *Config, log func(string)) error {
	if c.SystemPrompt != nil {
		m.SystemPrompt = *c.SystemPrompt
	}
	for _, part := range m.Fresh {
		if s == Stage2 {
			return fmt.Errorf("%s: its projector does not fit the data, or it has none: stage 1 comes first", c.ModelPath)
		}
		log("initialised: " + part)
	}
	if s != Stage1 {
		return nil
	}
	added, err := m.AddPointTokens(ctx, c.Seed)
	if added > 0 {
		log(fmt.Sprintf("%d tokens added to the vocabulary", added))
	}
	return err
}

// wantedProjector describes the projector that reads the data's objects; nil if
// there are none, or if the folder that stage 2 starts from describes it.
func wantedProjector(s Stage, c *Config, data *dataset) (*spatialllana.Projector, error) {
	path, err := data.firstObject()
	if path == "" || err != nil {
		return nil, err
	}
	folder, err := spatialllana.ReadConfig(c.ModelPath)
	if err != nil {
		return nil, err
	}
	if described := folder.Projector; s == Stage2 && described != nil {
		if c.PoolTokens != "" && c.PoolTokens != described.Pool {
			return nil, fmt.Errorf("pool_tokens is %q, but %s was aligned with %q", c.PoolTokens, c.ModelPath, described.Pool)
		}
		return nil, nil
	}
	obj, err := spatialllana.ReadObjectFile(path)
	if err != nil {
		return nil, err
	}
	p := &spatialllana.Projector{Width: obj.Width, Hidden: c.ProjectorHidden, Tokens: obj.Tokens}
	if c.PoolTokens != "" {
		p.Pool, p.Tokens = c.PoolTokens, 1
	}
	return p, nil
}

// trained counts the parameters that are trained.
func trained(m *spatialllana.Model) int {
	n := 0
	for _, p := range m.Params.Trainable() {
		n += p.Value.Len()
	}
	return n
}

// limited passes on the first n lines.
func limited(log func(string), n int) func(string) {
	return func(line string) {
		switch n--; {
		case n >= 0:
			log(line)
		case n == -1:
			log("more such warnings are left out")
		}
	}
}
