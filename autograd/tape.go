package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Tape records operations on one device. It belongs to one goroutine.
type Tape struct {
	dev      kernels.Device
	record   bool
	training bool
	remat    bool
	seed     uint32
	drawn    uint32
	nodes    []node
	owned    []*tensor.Tensor
}

// node is one recorded step: back adds to the gradients of its inputs, given
// those of its outputs.
type node struct {
	out  []*Var
	save []*tensor.Tensor // needed by back only, freed after it
	back func()
}

// Options of a tape.
type Options struct {
	// Record keeps what Backward needs. Without it nothing is differentiable.
	Record bool
	// Training switches dropout on and batch statistics in batch norm.
	Training bool
	// Checkpoint makes Block keep only its inputs and compute the rest again
	// during Backward ("gradient checkpointing").
	Checkpoint bool
	// Seed of the tape's dropout masks; use another one for each step.
	Seed uint32
}

// New returns an empty tape on d.
func New(d kernels.Device, o Options) *Tape {
	return &Tape{dev: d, record: o.Record, training: o.Training, remat: o.Checkpoint, seed: o.Seed}
}

// Inference returns a tape that records nothing.
func Inference(d kernels.Device) *Tape { return New(d, Options{}) }

// Device returns the device the tape computes on.
func (t *Tape) Device() kernels.Device { return t.dev }

// Training reports whether layers should behave as in training.
func (t *Tape) Training() bool { return t.training }

// Recording reports whether Backward will be possible.
func (t *Tape) Recording() bool { return t.record }

// NextSeed returns a fresh seed for a random operation. The n-th call on a
// tape always returns the same seed.
func (t *Tape) NextSeed() uint32 {
	t.drawn++
	return kernels.Hash(t.seed, t.drawn)
}

// Own hands x to the tape, which frees it on Release or earlier.
func (t *Tape) Own(x *tensor.Tensor) *tensor.Tensor {
	t.owned = append(t.owned, x)
	return x
}

// Const makes a variable without gradient from a tensor that stays the
// caller's.
func (t *Tape) Const(x *tensor.Tensor) *Var { return &Var{tape: t, val: x} }

// Float32 uploads data as a variable without gradient.
func (t *Tape) Float32(data []float32, shape ...int) *Var {
	x := t.Own(tensor.New(t.dev, t.dev.Float(), shape...))
	x.SetFloat32(data)
	return t.Const(x)
}

// Int32 uploads indices.
func (t *Tape) Int32(data []int32, shape ...int) *tensor.Tensor {
	return t.Own(tensor.Int32(t.dev, data, shape...))
}

// Release frees every tensor the tape owns.
func (t *Tape) Release() {
	for _, x := range t.owned {
		x.Free()
	}
	t.owned, t.nodes = nil, nil
}

// Run launches op with fresh outputs, which the tape owns. It is for rules of
// gradients and for operations that are never differentiated.
func (t *Tape) Run(op *kernels.Op, p any, in ...*tensor.Tensor) []*tensor.Tensor {
	out := kernels.Run(t.dev, op, p, in...)
	t.owned = append(t.owned, out...)
	return out
}

// Run1 is Run for an operation with one output.
func (t *Tape) Run1(op *kernels.Op, p any, in ...*tensor.Tensor) *tensor.Tensor {
	return t.Run(op, p, in...)[0]
}

// RunInto launches op with the given outputs.
func (t *Tape) RunInto(op *kernels.Op, p any, in []*tensor.Tensor, out ...*tensor.Tensor) {
	kernels.RunInto(t.dev, op, p, in, out)
}

// Needs reports whether the tape records and one of the variables needs a
// gradient: whether a rule has to keep anything.
func (t *Tape) Needs(vars ...*Var) bool {
	if !t.record {
		return false
	}
	for _, v := range vars {
		if v != nil && v.needs {
			return true
		}
	}
	return false
}

// Record1 makes a variable of y, computed from the inputs. back is called with
// dL/dy, which stays the tape's, and adds to the inputs' gradients with
// AddGrad or GradTarget. save lists tensors that only back needs. If no input
// needs a gradient, neither back nor save is kept.
func (t *Tape) Record1(y *tensor.Tensor, inputs []*Var, save []*tensor.Tensor, back func(dy *tensor.Tensor)) *Var {
	v := &Var{tape: t, val: y}
	if !t.Needs(inputs...) {
		return v
	}
	v.needs = true
	t.nodes = append(t.nodes, node{out: []*Var{v}, save: save, back: func() { back(v.grad) }})
	return v
}

// Record is Record1 for an operation with several outputs. In back, the
// gradient of an output that nothing used is nil.
func (t *Tape) Record(ys []*tensor.Tensor, inputs []*Var, save []*tensor.Tensor, back func(dys []*tensor.Tensor)) []*Var {
	vs := make([]*Var, len(ys))
	needs := t.Needs(inputs...)
	for i, y := range ys {
		vs[i] = &Var{tape: t, val: y, needs: needs}
	}
	if needs {
		t.nodes = append(t.nodes, node{out: vs, save: save, back: func() {
			dys := make([]*tensor.Tensor, len(vs))
			for i, v := range vs {
				dys[i] = v.grad
			}
			back(dys)
		}})
	}
	return vs
}

// Backward computes the gradient of loss, a variable of one element, with
// respect to every leaf it depends on. The values of all other variables are
// freed on the way, except those kept with Keep.
func (t *Tape) Backward(loss *Var) {
	if loss.val.Len() != 1 {
		panic(&kernels.ShapeError{Op: "backward", Shapes: [][]int{loss.Shape()}, Reason: "the loss must have one element"})
	}
	one := t.Own(tensor.New(t.dev, t.dev.Float(), loss.Shape()...))
	one.SetFloat32([]float32{1})
	loss.AddGrad(one)
	one.Free()
	loss.Keep()
	t.backward()
}

func (t *Tape) backward() {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		if n.reached() {
			n.back()
		}
		for _, v := range n.out {
			v.grad.Free()
			v.grad = nil
			if !v.kept {
				v.val.Free()
			}
		}
		for _, x := range n.save {
			x.Free()
		}
		*n = node{}
	}
	t.nodes = t.nodes[:0]
	t.compact()
}

func (n *node) reached() bool {
	for _, v := range n.out {
		if v.grad != nil {
			return true
		}
	}
	return false
}

// compact forgets tensors that are already freed.
func (t *Tape) compact() {
	live := t.owned[:0]
	for _, x := range t.owned {
		if !x.Freed() {
			live = append(live, x)
		}
	}
	clear(t.owned[len(live):])
	t.owned = live
}
