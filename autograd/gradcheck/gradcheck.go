// Package gradcheck compares the gradients of package autograd with central
// differences in float64, and those of a device with the float64 ones.
package gradcheck

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Result is the outcome of one case: the largest difference relative to the
// largest gradient, and the bound it must keep.
type Result struct {
	Rule, Case   string
	Error, Bound float64
	Err          error
}

const (
	defaultStep = 1e-5
	defaultTol  = 1e-6
	// deviceTol bounds float32 gradients against float64 ones, relative to the
	// largest: a few products and normalisations in a row.
	deviceTol = 2e-4
)

// Rules checks every rule's analytic gradient against central differences, in
// float64 on the reference device.
func Rules(report func(Result)) {
	for _, r := range autograd.Rules() {
		for _, c := range r.Cases {
			report(differences(r.Name, c))
		}
	}
}

// Device checks every rule's gradient on d against the float64 reference.
func Device(d kernels.Device, report func(Result)) {
	for _, r := range autograd.Rules() {
		for _, c := range r.Cases {
			report(onDevice(d, r.Name, c))
		}
	}
}

func differences(rule string, c autograd.GradCase) (res Result) {
	res = Result{Rule: rule, Case: c.Name, Bound: c.Tol}
	if res.Bound == 0 {
		res.Bound = defaultTol
	}
	step := c.Step
	if step == 0 {
		step = defaultStep
	}
	defer recoverInto(&res)
	d := kernels.NewReference(tensor.F64)
	in := inputs(c)
	_, grads := evaluate(d, c, in, true)
	var got, want []float64
	for i := range in {
		for j := range in[i] {
			x := in[i][j]
			in[i][j] = x + step
			up, _ := evaluate(d, c, in, false)
			in[i][j] = x - step
			down, _ := evaluate(d, c, in, false)
			in[i][j] = x
			want = append(want, (up-down)/(2*step))
		}
		got = append(got, grads[i]...)
	}
	res.compare(got, want)
	return res
}

func onDevice(d kernels.Device, rule string, c autograd.GradCase) (res Result) {
	res = Result{Rule: rule, Case: c.Name, Bound: deviceTol}
	defer recoverInto(&res)
	in := inputs(c)
	_, want := evaluate(kernels.NewReference(tensor.F64), c, in, true)
	_, got := evaluate(d, c, in, true)
	for i := range got {
		res.compare(got[i], want[i])
	}
	return res
}

func recoverInto(r *Result) {
	if p := recover(); p != nil {
		r.Err = fmt.Errorf("panic: %v", p)
	}
}

func (r *Result) compare(got, want []float64) {
	scale := 1e-30
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i := range want {
		e := math.Abs(got[i]-want[i]) / scale
		if math.IsNaN(e) {
			e = math.Inf(1)
		}
		r.Error = max(r.Error, e)
		if e > r.Bound && r.Err == nil {
			r.Err = fmt.Errorf("gradient %d is %g, want %g: off by %.2g of the largest, more than %.2g", i, got[i], want[i], e, r.Bound)
		}
	}
}

func inputs(c autograd.GradCase) [][]float64 {
	r := rand.New(rand.NewPCG(7, 11))
	in := make([][]float64, len(c.Shapes))
	for i, s := range c.Shapes {
		in[i] = make([]float64, tensor.Numel(s))
		for j := range in[i] {
			v := r.NormFloat64()
			if c.Gen != nil {
				v = c.Gen(i, j, v)
			}
			in[i][j] = float64(float32(v))
		}
	}
	return in
}

// evaluate returns sum(w * F(in)) for fixed random weights w, and the gradient
// with respect to every input if asked for.
func evaluate(d kernels.Device, c autograd.GradCase, in [][]float64, grad bool) (loss float64, grads [][]float64) {
	t := autograd.New(d, autograd.Options{Record: grad, Training: true, Seed: 3})
	defer t.Release()
	leaves := make([]*autograd.Leaf, len(in))
	vars := make([]*autograd.Var, len(in))
	for i := range in {
		leaves[i] = &autograd.Leaf{Value: tensor.Floats(d, d.Float(), in[i], c.Shapes[i]...)}
		defer leaves[i].Free()
		vars[i] = t.Use(leaves[i])
	}
	y := c.F(t, vars)
	r := rand.New(rand.NewPCG(5, 5))
	w := make([]float32, y.Value().Len())
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	total := autograd.MatMul(y.View(1, -1), t.Float32(w, len(w), 1), kernels.MatMulParams{})
	total.Keep()
	if grad {
		t.Backward(total)
		for i, l := range leaves {
			g := make([]float64, len(in[i]))
			if l.HasGrad() {
				g = floats(l.Grad)
			}
			grads = append(grads, g)
		}
	}
	return floats(total.Value())[0], grads
}

func floats(t *tensor.Tensor) []float64 {
	if t.DType() == tensor.F64 {
		v, err := t.ReadFloat64(context.Background())
		if err != nil {
			panic(err)
		}
		return v
	}
	f, err := t.ReadFloat32(context.Background())
	if err != nil {
		panic(err)
	}
	v := make([]float64, len(f))
	for i, x := range f {
		v[i] = float64(x)
	}
	return v
}
