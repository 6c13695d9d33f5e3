package language

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/train"
)

// Files of a checkpoint beside the model's, and of the output folder.
const (
	stateName     = "trainer_state.json"
	optimizerName = "optimizer.safetensors"
)

// state is trainer_state.json: where a training stands, and what has to be the
// same for it to go on with the same losses.
type state struct {
	Stage      Stage   `json:"stage"`
	GlobalStep int     `json:"global_step"`
	Epoch      float64 `json:"epoch"`
	MaxSteps   int     `json:"max_steps"`
	BatchSize  int     `json:"train_batch_size"`
	Accumulate int     `json:"gradient_accumulation_steps"`
	PerObject  int     `json:"questions_per_object"`
	Optimiser  string  `json:"optim"`
	Examples   int     `json:"num_examples"`
	Seed       uint64  `json:"seed"`
}

func (t *trainer) state(steps int) state {
	c := t.c
	return state{t.stage, steps, t.epochOf(steps), t.total, c.BatchSize, c.Accumulation, c.QuestionsPerObject, c.Optimiser, len(t.data.samples), c.Seed}
}

// save writes the finished model into the output folder, or a checkpoint of an
// unfinished training.
func (t *trainer) save(ctx context.Context, steps int) error {
	if steps < t.total {
		return t.saveCheckpoint(ctx, steps)
	}
	dir := t.c.OutputDir
	if err := t.m.Save(ctx, dir); err != nil {
		return err
	}
	if t.m.Projector != nil {
		if err := t.m.SaveProjector(ctx, dir); err != nil {
			return err
		}
	}
	return writeState(dir, t.state(steps))
}

// saveCheckpoint writes checkpoint-N, under another name until it is complete.
func (t *trainer) saveCheckpoint(ctx context.Context, steps int) error {
	final := filepath.Join(t.c.OutputDir, checkpointPrefix+strconv.Itoa(steps))
	dir := final + ".tmp"
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := t.m.Save(ctx, dir); err != nil {
		return err
	}
	if err := t.saveOptimizer(ctx, filepath.Join(dir, optimizerName)); err != nil {
		return err
	}
	if err := writeState(dir, t.state(steps)); err != nil {
		return err
	}
	if err := os.RemoveAll(final); err != nil {
		return err
	}
	if err := os.Rename(dir, final); err != nil {
		return err
	}
	return t.removeOld()
}

// removeOld keeps the last save_total_limit checkpoints.
func (t *trainer) removeOld() error {
	all, err := checkpoints(t.c.OutputDir)
	if err != nil || t.c.SaveTotalLimit <= 0 {
		return err
	}
	for _, n := range all[:max(0, len(all)-t.c.SaveTotalLimit)] {
		if err := os.RemoveAll(filepath.Join(t.c.OutputDir, checkpointPrefix+strconv.Itoa(n))); err != nil {
			return err
		}
	}
	return nil
}

func writeState(dir string, s state) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, stateName), append(b, '\n'))
}

func readState(dir string) (state, error) {
	var s state
	path := filepath.Join(dir, stateName)
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// saveOptimizer writes the optimiser's moments under the parameters' names.
func (t *trainer) saveOptimizer(ctx context.Context, path string) error {
	moments, err := t.opt.State(ctx)
	if err != nil {
		return err
	}
	var ts []*checkpoint.Tensor
	for _, m := range moments {
		ts = append(ts, checkpoint.FromFloat32(m.Name+".exp_avg", m.Shape, m.ExpAvg))
		if len(m.ExpSq) > 0 { // Muon keeps none for matrices
			ts = append(ts, checkpoint.FromFloat32(m.Name+".exp_avg_sq", m.Shape, m.ExpSq))
		}
	}
	return checkpoint.WriteSafetensors(path, ts, map[string]string{"format": "pt", "step": strconv.Itoa(t.opt.Steps())})
}

func (t *trainer) loadOptimizer(path string, steps int) error {
	src, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	var moments []train.Moments
	for _, p := range t.opt.Params() {
		m := train.Moments{Name: p.Name, Shape: p.Value.Shape()}
		for suffix, into := range map[string]*[]float32{".exp_avg": &m.ExpAvg, ".exp_avg_sq": &m.ExpSq} {
			x, err := src.Tensor(p.Name + suffix)
			if errors.Is(err, checkpoint.ErrNoTensor) {
				continue // Restore says so if the optimiser needs it
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if *into, err = x.Float32s(); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		moments = append(moments, m)
	}
	if err := t.opt.Restore(steps, moments); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// restore sets the optimiser to the state of a checkpoint, whose model is
// already loaded, and returns the number of steps done.
func (t *trainer) restore(dir string) (int, error) {
	s, err := readState(dir)
	if err != nil {
		return 0, err
	}
	if want := t.state(s.GlobalStep); s != want {
		return 0, fmt.Errorf("%s: written by a training with other settings or data: it has %+v, this one %+v", filepath.Join(dir, stateName), s, want)
	}
	return s.GlobalStep, t.loadOptimizer(filepath.Join(dir, optimizerName), s.GlobalStep)
}

const checkpointPrefix = "checkpoint-"

// checkpoints returns the steps of the complete checkpoints in a folder, in
// ascending order.
func checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), checkpointPrefix)
		if n, err := strconv.Atoi(suffix); ok && err == nil && n >= 0 && e.IsDir() {
			steps = append(steps, n)
		}
	}
	slices.Sort(steps)
	return steps, nil
}
