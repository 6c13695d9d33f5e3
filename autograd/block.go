package autograd

import "llana/tensor"

// Block runs f, one layer of a model, on the inputs, which must be all the
// variables it depends on besides leaves and constants.
//
// On a tape that does not record, everything f made but its result is freed
// when it returns. With checkpointing, the same is done and f runs again during
// Backward, with the same dropout masks; parameters f uses get their gradients
// then. f must not change state, such as running statistics, that its second
// run would change again.
func Block(f func(in ...*Var) *Var, in ...*Var) *Var {
	t := in[0].tape
	if t.record && !t.remat {
		return f(in...)
	}
	drawn, record := t.drawn, t.record
	t.record = false
	mark := len(t.owned)
	consts := make([]*Var, len(in))
	for i, x := range in {
		consts[i] = t.Const(x.val)
	}
	y := f(consts...)
	t.record = record
	t.freeSince(mark, y.val)
	// Whether f used parameters is not known without recording, so the
	// result of a checkpointed block always takes part in Backward.
	out := &Var{tape: t, val: y.val, needs: record}
	if record {
		t.nodes = append(t.nodes, node{out: []*Var{out}, back: func() { t.again(in, drawn, out.grad, f) }})
	}
	return out
}

// again repeats f with recording and runs its gradient.
func (t *Tape) again(in []*Var, drawn uint32, dy *tensor.Tensor, f func(in ...*Var) *Var) {
	sub := &Tape{dev: t.dev, record: true, training: t.training, seed: t.seed, drawn: drawn}
	defer sub.Release()
	copies := make([]*Var, len(in))
	for i, x := range in {
		copies[i] = &Var{tape: sub, val: x.val, needs: x.needs}
	}
	y := f(copies...)
	if !y.needs {
		return
	}
	y.AddGrad(dy)
	sub.backward()
	for i, c := range copies {
		if c.grad != nil {
			in[i].AddGrad(c.grad)
			c.grad.Free()
		}
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
