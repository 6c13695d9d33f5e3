package bench

import (
	"context"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
	"llana/nn"
	"llana/tensor"
	"llana/train"
)

// nerfCases are the work of rendering, querying and fitting NeRFs: a published
// one, and 64 of the toy world at the same 512 positions.
func nerfCases() []Case {
	return []Case{
		{Name: "nerf/query", prepare: nerfQuery(nerf.Published, 1, 1<<16)},
		{Name: "nerf/query262144", prepare: nerfQuery(nerf.Published, 1, 1<<18)},
		{Name: "nerf/small64/query", prepare: nerfQuery(nerf.Toy, 64, 512)},
		{Name: "nerf/fit", prepare: fitStep(nerf.Published, 1, 1<<16, viewsLoss)},
		{Name: "nerf/small64/fit", prepare: fitStep(nerf.Toy, 64, 512, pointsLoss)},
	}
}

// nets are NeRFs at their initialisation, and random positions (n, 3).
func nets(d kernels.Device, a nerf.Arch, g, n int) (*nerf.Net, *tensor.Tensor) {
	weights := make([][]float32, g)
	for i := range weights {
		weights[i] = a.Init(nerf.SharedSeed)
	}
	return nerf.NewNet(d, a, weights...), uniform(d, n, 3)
}

func uniform(d kernels.Device, shape ...int) *tensor.Tensor {
	return kernels.Uniform(0, 1, shape...).Tensor(d, kernels.Float, d.Float(), rand.New(rand.NewPCG(9, 10)))
}

func nerfQuery(a nerf.Arch, g, n int) prepareFunc {
	return func(_ context.Context, d kernels.Device) (work, error) {
		net, u := nets(d, a, g, n)
		free := func() {
			net.Free()
			u.Free()
		}
		return work{free: free, run: func(context.Context) error {
			t := autograd.Inference(d)
			defer t.Release()
			net.Query(t.Const(u))
			return nil
		}}, nil
	}
}

// fitStep is a step of Adam on NeRFs at n positions.
func fitStep(a nerf.Arch, g, n int, loss func(net *nerf.Net, u *autograd.Var, targets []*tensor.Tensor) *autograd.Var) prepareFunc {
	return func(_ context.Context, d kernels.Device) (work, error) {
		net, u := nets(d, a, g, n)
		p := &nn.Param{Leaf: *net.Params}
		net.Params = &p.Leaf
		opt := train.NewAdamW(d, []*nn.Param{p})
		targets := []*tensor.Tensor{uniform(d, g*n, 3), uniform(d, g*n)}
		free := func() {
			net.Free()
			opt.Free()
			for _, t := range append(targets, u) {
				t.Free()
			}
		}
		return work{free: free, run: func(context.Context) error {
			t := autograd.New(d, autograd.Options{Record: true})
			defer t.Release()
			opt.ZeroGrad()
			t.Backward(loss(net, t.Const(u), targets))
			opt.Step(1e-3)
			return nil
		}}, nil
	}
}

// viewsLoss takes each 16 positions for the samples of a ray.
func viewsLoss(net *nerf.Net, u *autograd.Var, targets []*tensor.Tensor) *autograd.Var {
	const samples = 16
	t, rays := u.Tape(), u.Dim(0)/samples
	offsets, spans := make([]int32, rays+1), make([]float32, 2*u.Dim(0))
	for i := range offsets {
		offsets[i] = int32(samples * i)
	}
	for i := range spans {
		spans[i] = float32(i/2%samples+i%2) * 0.01
	}
	rgb, sigma := net.Query(u)
	pixels := autograd.Composite(rgb, sigma, autograd.RaySamples{
		Spans: t.Float32(spans, u.Dim(0), 2).Value(), Offsets: t.Int32(offsets, rays+1)})
	return autograd.SmoothL1(autograd.Slice(pixels, 1, 0, 3), autograd.Slice(t.Const(targets[0]), 0, 0, rays))
}

func pointsLoss(net *nerf.Net, u *autograd.Var, targets []*tensor.Tensor) *autograd.Var {
	colour, logit := net.Raw(u)
	miss := autograd.Sub(autograd.Sigmoid(colour), u.Tape().Const(targets[0]))
	return autograd.Add(autograd.BCELogits(logit, targets[1], nil), autograd.MeanAll(autograd.Mul(miss, miss)))
}
