package train

import (
	"context"
	"fmt"
	"math"

	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// AdamW is torch.optim.AdamW over a list of parameters, with its state on the
// device. Gradients are clipped to a global norm first, as
// torch.nn.utils.clip_grad_norm_ does.
type AdamW struct {
	Beta1, Beta2, Eps float64
	WeightDecay       float64
	MaxNorm           float32 // of all gradients together; 0: no clipping

	dev    kernels.Device
	params []*nn.Param
	// measured are the parameters whose gradients' norm is taken; nil: params.
	measured []*nn.Param
	m, v     []*tensor.Tensor
	steps    int
	hyper    *tensor.Tensor // lr, 1-beta1^t, 1-beta2^t
	sumsq    *tensor.Tensor
	norm     *tensor.Tensor
	scale    *tensor.Tensor
}

// NewAdamW returns an optimiser of params with PyTorch's defaults: betas 0.9
// and 0.999, eps 1e-8, weight decay 0.01.
func NewAdamW(d kernels.Device, params []*nn.Param) *AdamW {
	o := &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, dev: d, params: params}
	for _, p := range params {
		zero := make([]float32, p.Value.Len())
		m, v := tensor.New(d, p.Value.DType(), p.Value.Shape()...), tensor.New(d, p.Value.DType(), p.Value.Shape()...)
		m.SetFloat32(zero)
		v.SetFloat32(zero)
		o.m, o.v = append(o.m, m), append(o.v, v)
	}
	o.hyper = tensor.New(d, d.Float(), 3)
	o.sumsq, o.norm, o.scale = tensor.New(d, d.Float(), 1), tensor.New(d, d.Float(), 1), tensor.New(d, d.Float(), 1)
	return o
}

// Params returns the optimised parameters, in the order of the state.
func (o *AdamW) Params() []*nn.Param { return o.params }

// ZeroGrad starts a new sum of gradients.
func (o *AdamW) ZeroGrad() {
	for _, p := range o.params {
		p.ZeroGrad()
	}
}

// Step updates every parameter that has a gradient, with learning rate lr.
// Nothing is read back.
func (o *AdamW) Step(lr float64) {
	o.steps++
	t := float64(o.steps)
	o.hyper.SetFloat32([]float32{float32(lr), float32(1 - math.Pow(o.Beta1, t)), float32(1 - math.Pow(o.Beta2, t))})
	o.measure()
	p := kernels.AdamWParams{Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, WeightDecay: o.WeightDecay}
	var scale *tensor.Tensor
	if o.MaxNorm > 0 {
		scale = o.scale
	}
	for i, q := range o.params {
		if q.HasGrad() {
			kernels.RunInto(o.dev, kernels.AdamW, p, []*tensor.Tensor{q.Grad, o.hyper, scale}, []*tensor.Tensor{q.Value, o.m[i], o.v[i]})
		}
	}
}

// measure computes the norm of all gradients and the factor that clips it.
func (o *AdamW) measure() {
	o.sumsq.SetFloat32([]float32{0})
	measured := o.measured
	if measured == nil {
		measured = o.params
	}
	for _, q := range measured {
		if q.HasGrad() {
			kernels.RunInto(o.dev, kernels.SumSquares, kernels.None{}, []*tensor.Tensor{q.Grad}, []*tensor.Tensor{o.sumsq})
		}
	}
	kernels.RunInto(o.dev, kernels.ClipScale, kernels.ClipParams{MaxNorm: o.MaxNorm}, []*tensor.Tensor{o.sumsq}, []*tensor.Tensor{o.norm, o.scale})
}

// GradNorm reads back the norm of all gradients at the last step, before
// clipping.
func (o *AdamW) GradNorm(ctx context.Context) (float64, error) {
	v, err := o.norm.ReadFloat32(ctx)
	if err != nil {
		return 0, err
	}
	return float64(v[0]), nil
}

// Settings returns the betas, eps and the weight decay.
func (o *AdamW) Settings() (beta1, beta2, eps, weightDecay float64) {
	return o.Beta1, o.Beta2, o.Eps, o.WeightDecay
}

// Steps returns the number of steps taken.
func (o *AdamW) Steps() int { return o.steps }

// Free frees the state.
func (o *AdamW) Free() {
	for i := range o.m {
		o.m[i].Free()
		o.v[i].Free()
	}
	for _, t := range []*tensor.Tensor{o.hyper, o.sumsq, o.norm, o.scale} {
		t.Free()
	}
}

// Moments are the optimiser's state of one parameter.
type Moments struct {
	Name          string
	Shape         []int
	ExpAvg, ExpSq []float32
}

// State reads back the state of every parameter, in order.
func (o *AdamW) State(ctx context.Context) ([]Moments, error) {
	out := make([]Moments, len(o.params))
	for i, p := range o.params {
		m, err := o.m[i].ReadFloat32(ctx)
		if err != nil {
			return nil, err
		}
		v, err := o.v[i].ReadFloat32(ctx)
		if err != nil {
			return nil, err
		}
		out[i] = Moments{p.Name, p.Value.Shape(), m, v}
	}
	return out, nil
}

// Restore sets the state after the given number of steps.
func (o *AdamW) Restore(steps int, state []Moments) error {
	if len(state) != len(o.params) {
		return fmt.Errorf("optimiser state has %d parameters, want %d", len(state), len(o.params))
	}
	for i, s := range state {
		if len(s.ExpAvg) != o.m[i].Len() || len(s.ExpSq) != o.v[i].Len() {
			return fmt.Errorf("optimiser state of %s has %d elements, want %d", o.params[i].Name, len(s.ExpAvg), o.m[i].Len())
		}
		o.m[i].SetFloat32(s.ExpAvg)
		o.v[i].SetFloat32(s.ExpSq)
	}
	o.steps = steps
	return nil
}
