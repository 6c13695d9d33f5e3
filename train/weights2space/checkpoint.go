package weights2space

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"llana/models/checkpoint"
	model "llana/models/weights2space"
	"llana/train"
)

// State is what a checkpoint holds besides the model: where training stands.
type State struct {
	Epoch    int // epochs done
	Step     int // optimiser steps done
	BestPSNR float64
}

// save writes a training checkpoint as the reference does: epoch, state dict
// with the prefix "module.", optimiser state by parameter order, best PSNR;
// and the step, which the reference lacks.
func save(ctx context.Context, path string, m *model.Model, o train.Optimiser, s State, lr float64) error {
	tensors, err := m.StateDict(ctx)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		t.Name = "module." + t.Name
	}
	opt, err := optimiserState(ctx, o, lr)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := m.SaveSidecar(filepath.Dir(path)); err != nil {
		return err
	}
	return checkpoint.WriteTorch(path, checkpoint.NewDict(
		"epoch", s.Epoch, "weights2space", checkpoint.StateDict(tensors...),
		"optimizer", opt, "best_psnr", s.BestPSNR, "global_step", s.Step))
}

func optimiserState(ctx context.Context, o train.Optimiser, lr float64) (*checkpoint.Dict, error) {
	moments, err := o.State(ctx)
	if err != nil {
		return nil, err
	}
	state := checkpoint.NewDict()
	var ids checkpoint.List
	for i, m := range moments {
		entry := checkpoint.NewDict(
			"step", checkpoint.FromFloat32("step", nil, []float32{float32(o.Steps())}),
			"exp_avg", checkpoint.FromFloat32("exp_avg", m.Shape, m.ExpAvg))
		if len(m.ExpSq) > 0 { // Muon keeps none for matrices
			entry.Set("exp_avg_sq", checkpoint.FromFloat32("exp_avg_sq", m.Shape, m.ExpSq))
		}
		state.Set(i, entry)
		ids = append(ids, int64(i))
	}
	b1, b2, eps, decay := o.Settings()
	group := checkpoint.NewDict("lr", lr, "betas", checkpoint.Tuple{b1, b2}, "eps", eps,
		"weight_decay", decay, "amsgrad", false, "maximize", false, "params", ids)
	return checkpoint.NewDict("state", state, "param_groups", checkpoint.List{group}), nil
}

// restore loads a training checkpoint into m and o.
func restore(path string, m *model.Model, o train.Optimiser) (State, error) {
	s, err := restoreAll(path, m, o)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func restoreAll(path string, m *model.Model, o train.Optimiser) (s State, err error) {
	src, err := model.OpenTensors(path)
	if err != nil {
		return s, err
	}
	defer src.Close()
	if err := m.Load(src); err != nil {
		return s, err
	}
	v, err := checkpoint.ReadTorch(path)
	if err != nil {
		return s, err
	}
	d, ok := v.(*checkpoint.Dict)
	if !ok {
		return s, fmt.Errorf("holds a %T, want a dict", v)
	}
	epoch, err := checkpoint.Get[int64](d, "epoch")
	if err != nil {
		return s, err
	}
	s.Epoch = int(epoch)
	if s.BestPSNR, err = checkpoint.Get[float64](d, "best_psnr"); err != nil {
		return s, err
	}
	if err := restoreOptimiser(path, o); err != nil {
		return s, err
	}
	s.Step = o.Steps()
	return s, nil
}

// restoreOptimiser loads the optimiser's state of a torch checkpoint, indexed
// by parameter order.
func restoreOptimiser(path string, o train.Optimiser) error {
	src, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	moments := make([]train.Moments, len(o.Params()))
	steps := 0
	for i := range moments {
		get := func(name string) []float32 {
			var v []float32
			if err == nil {
				var t *checkpoint.Tensor
				if t, err = src.Tensor(fmt.Sprintf("optimizer.state.%d.%s", i, name)); err == nil {
					v, err = t.Float32s()
				}
			}
			return v
		}
		moments[i] = train.Moments{ExpAvg: get("exp_avg")}
		if _, e := src.Info(fmt.Sprintf("optimizer.state.%d.exp_avg_sq", i)); e == nil {
			moments[i].ExpSq = get("exp_avg_sq")
		}
		if s := get("step"); len(s) == 1 {
			steps = int(s[0])
		}
		if err != nil {
			return err
		}
	}
	return o.Restore(steps, moments)
}
