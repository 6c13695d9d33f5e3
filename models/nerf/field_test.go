package nerf

import (
	"context"
	"fmt"
	"math"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/tensor"
)

// evaluated are the outputs of networks, and the gradient of the sum of their
// squares with respect to the weights.
type evaluated struct{ rgb, sigma, gradient []float32 }

func evaluate(t *testing.T, d kernels.Device, a Arch, g int, raw, shared bool, f func(n *Net, u *autograd.Var) (rgb, sigma *autograd.Var)) (e evaluated) {
	t.Helper()
	const n = 40
	weights := make([][]float32, g)
	for i := range weights {
		weights[i] = a.Init(uint64(i))
	}
	net := NewNet(d, a, weights...)
	defer net.Free()
	tape := autograd.New(d, autograd.Options{Record: true})
	defer tape.Release()
	sets := g
	if shared {
		sets = 1
	}
	unit := make([]float32, 3*n*sets)
	for i := range unit {
		unit[i] = float32(1.1 * math.Abs(math.Sin(float64(i))))
	}
	rgb, sigma := f(net, tape.Float32(unit, sets, n, 3))
	rgb.Keep()
	sigma.Keep()
	tape.Backward(autograd.Add(autograd.MeanAll(autograd.Mul(rgb, rgb)), autograd.MeanAll(autograd.Mul(sigma, sigma))))
	for to, from := range map[*[]float32]*tensor.Tensor{&e.rgb: rgb.Value(), &e.sigma: sigma.Value(), &e.gradient: net.Params.Grad} {
		v, err := from.ReadFloat32(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		*to = v
	}
	return e
}

func (e evaluated) compare(t *testing.T, want evaluated) {
	t.Helper()
	for name, pair := range map[string][2][]float32{"rgb": {e.rgb, want.rgb}, "sigma": {e.sigma, want.sigma}, "gradient": {e.gradient, want.gradient}} {
		scale := 0.0
		for _, w := range pair[1] {
			scale = max(scale, math.Abs(float64(w)))
		}
		if len(pair[0]) != len(pair[1]) {
			t.Errorf("%s: %d elements, want %d", name, len(pair[0]), len(pair[1]))
			continue
		}
		for i, w := range pair[1] {
			if d := math.Abs(float64(pair[0][i] - w)); !(d <= 1e-4*scale) {
				t.Errorf("%s: element %d is %v, want %v", name, i, pair[0][i], w)
				break
			}
		}
	}
}

// What is composed of other operations is what one operation computes.
func TestCompose(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, raw := range []bool{false, true} {
			for _, shared := range []bool{false, true} {
				a := Arch{Octaves: 4, Hidden: 2, Width: 20, Outputs: 6}
				one := evaluate(t, d, a, 3, raw, shared, func(n *Net, u *autograd.Var) (rgb, sigma *autograd.Var) { return n.evaluate(u, raw) })
				many := evaluate(t, d, a, 3, raw, shared, func(n *Net, u *autograd.Var) (rgb, sigma *autograd.Var) { return n.compose(u, raw) })
				one.compare(t, many)
			}
		}
	})
}

// Networks of every shape give what float64 gives.
func TestShapes(t *testing.T) {
	reference := kernels.NewReference(tensor.F64)
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, a := range []Arch{
			{Octaves: 3, Hidden: 2, Width: 70, Outputs: 4},
			{Octaves: 4, Hidden: 0, Width: 64, Outputs: 4},
			{Octaves: 0, Hidden: 1, Width: 8, Outputs: 4},
			{Octaves: 13, Hidden: 5, Width: 33, Outputs: 5},
			{Octaves: 1, Hidden: 1, Width: 1, Outputs: 9},
		} {
			t.Run(fmt.Sprintf("%+v", a), func(t *testing.T) {
				query := func(n *Net, u *autograd.Var) (rgb, sigma *autograd.Var) { return n.Query(u) }
				evaluate(t, d, a, 2, false, false, query).compare(t, evaluate(t, reference, a, 2, false, false, query))
			})
		}
	})
}
