package autograd

import "llana/tensor"

// Block runs f, one layer of a model, on x. On a tape that does not record,
// everything f made but its result is freed when it returns. With
// checkpointing, the same is done and f runs again during Backward, with the
// same dropout masks; parameters f uses get their gradients then. f must
// depend on x and on leaves only, and on nothing that changes between the two
// runs.
func Block(x *Var, f func(x *Var) *Var) *Var {
	t := x.tape
	if t.record && !t.remat {
		return f(x)
	}
	drawn := t.drawn
	record := t.record
	t.record = false
	mark := len(t.owned)
	y := f(t.Const(x.val))
	t.record = record
	t.freeSince(mark, y.val)
	// Whether f used parameters is not known without recording, so the
	// result of a checkpointed block always takes part in Backward.
	out := &Var{tape: t, val: y.val, needs: record}
	if record {
		t.nodes = append(t.nodes, node{out: []*Var{out}, back: func() { t.again(x, drawn, out.grad, f) }})
	}
	return out
}

// again repeats f with recording and runs its gradient.
func (t *Tape) again(x *Var, drawn uint32, dy *tensor.Tensor, f func(x *Var) *Var) {
	sub := &Tape{dev: t.dev, record: true, training: t.training, seed: t.seed, drawn: drawn}
	defer sub.Release()
	in := &Var{tape: sub, val: x.val, needs: x.needs}
	y := f(in)
	if !y.needs {
		return
	}
	y.AddGrad(dy)
	sub.backward()
	if in.grad != nil {
		x.AddGrad(in.grad)
		in.grad.Free()
	}
}

// freeSince frees what the tape came to own since mark, except keep.
func (t *Tape) freeSince(mark int, keep *tensor.Tensor) {
	kept := false
	for _, o := range t.owned[mark:] {
		if o == keep {
			kept = true
			continue
		}
		o.Free()
	}
	clear(t.owned[mark:])
	t.owned = t.owned[:mark]
	if kept {
		t.owned = append(t.owned, keep)
	}
}
