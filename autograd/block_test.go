package autograd_test

import (
	"context"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// A checkpointed block must give the same loss and gradients as a plain one,
// and no tape may leave live memory behind.
func TestBlock(t *testing.T) {
	d := kernels.NewReference(tensor.F32)
	leaf := func(v []float32, shape ...int) *autograd.Leaf {
		return &autograd.Leaf{Value: tensor.Float32(d, v, shape...)}
	}
	x := leaf([]float32{1, -2, 3, .5, .25, -1}, 2, 3)
	m := leaf([]float32{.3, .1, -.4, 1, 2, -.7}, 2, 3)
	w := leaf([]float32{.1, .2, -.3, .4, .5, .6, -.7, .8, .9}, 3, 3)
	run := func(o autograd.Options) (loss float32, grads [][]float32) {
		tape := autograd.New(d, o)
		defer tape.Release()
		layer := func(in ...*autograd.Var) *autograd.Var {
			tp := in[0].Tape()
			return autograd.Add(autograd.GELU(autograd.Linear(in[0], tp.Use(w), nil, kernels.ActNone)), in[1])
		}
		y, mem := tape.Use(x), tape.Use(m)
		for range 3 {
			y = autograd.Block(layer, y, mem)
		}
		l := autograd.SumAll(y).Keep()
		if o.Record {
			for _, p := range []*autograd.Leaf{x, m, w} {
				p.ZeroGrad()
			}
			tape.Backward(l)
			for _, p := range []*autograd.Leaf{x, m, w} {
				g, _ := p.Grad.ReadFloat32(context.Background())
				grads = append(grads, g)
			}
		}
		v, _ := l.Value().ReadFloat32(context.Background())
		return v[0], grads
	}
	loss, want := run(autograd.Options{Record: true})
	live := d.Stats().Live
	again, got := run(autograd.Options{Record: true, Checkpoint: true})
	inference, _ := run(autograd.Options{})
	if loss != again || loss != inference {
		t.Errorf("losses %v, checkpointed %v, inference %v", loss, again, inference)
	}
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] {
				t.Errorf("gradient %d[%d] is %v, want %v", i, j, got[i][j], want[i][j])
			}
		}
	}
	if now := d.Stats().Live; now != live {
		t.Errorf("live bytes went from %d to %d", live, now)
	}
}
