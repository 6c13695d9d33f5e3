package kernels_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"llana/kernels"
	"llana/tensor"
)

// pytorch holds testdata/pytorch/pytorch.json; make.py there says what it is.
type pytorch struct {
	AdamW struct {
		Start [][]float64
		Steps []struct {
			LR, Norm            float64
			Grads, Params, M, V [][]float64
		}
	}
	BatchNorm struct {
		Rows, Channels int
		Eps, Momentum  float32
		W, B           []float64
		Batches        []struct {
			X, Y, DY, DX, DW, DB []float64
			RunningMean          []float64 `json:"running_mean"`
			RunningVar           []float64 `json:"running_var"`
		}
		Eval struct{ X, Y []float64 }
	} `json:"batch_norm"`
	LayerNorm struct {
		Rows, N                    int
		Eps                        float32
		W, B, X, Y, DY, DX, DW, DB []float64
	} `json:"layer_norm"`
	SmoothL1 struct {
		Pred, Target, DPred []float64
		Loss, DLoss         float64
	} `json:"smooth_l1"`
}

func loadPyTorch(t *testing.T) *pytorch {
	t.Helper()
	b, err := os.ReadFile("testdata/pytorch/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	p := new(pytorch)
	if err := json.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	if len(p.AdamW.Steps) == 0 || len(p.BatchNorm.Batches) == 0 {
		t.Fatal("pytorch.json lacks steps")
	}
	return p
}

// double is the float64 reference device with short forms of its use.
type double struct {
	*testing.T
	kernels.Device
}

func newDouble(t *testing.T) double { return double{t, kernels.NewReference(tensor.F64)} }

func (d double) tensor(v []float64, shape ...int) *tensor.Tensor {
	if len(shape) == 0 {
		shape = []int{len(v)}
	}
	return tensor.Floats(d.Device, tensor.F64, v, shape...)
}

func (d double) same(what string, got *tensor.Tensor, want []float64) {
	d.Helper()
	v, err := got.ReadFloat64(context.Background())
	if err != nil {
		d.Fatal(err)
	}
	if len(v) != len(want) {
		d.Fatalf("%s has %d elements, want %d", what, len(v), len(want))
	}
	for i := range want {
		if !(math.Abs(v[i]-want[i]) <= 1e-12*(1+math.Abs(want[i]))) {
			d.Errorf("%s: element %d is %v, PyTorch has %v", what, i, v[i], want[i])
			return
		}
	}
}

func TestAdamWAndClippingLikePyTorch(t *testing.T) {
	d, data := newDouble(t), loadPyTorch(t).AdamW
	opt := kernels.AdamWParams{Beta1: 0.9, Beta2: 0.98, Eps: 1e-6, WeightDecay: 0.05}
	var p, m, v []*tensor.Tensor
	for _, start := range data.Start {
		p = append(p, d.tensor(start))
		m = append(m, d.tensor(make([]float64, len(start))))
		v = append(v, d.tensor(make([]float64, len(start))))
	}
	for i, want := range data.Steps {
		sum := d.tensor([]float64{0})
		var grads []*tensor.Tensor
		for _, g := range want.Grads {
			grads = append(grads, d.tensor(g))
			kernels.RunInto(d, kernels.SumSquares, kernels.None{}, grads[len(grads)-1:], []*tensor.Tensor{sum})
		}
		clip := kernels.Run(d, kernels.ClipScale, kernels.ClipParams{MaxNorm: 1}, sum)
		d.same("norm", clip[0], []float64{want.Norm})
		n := float64(i + 1)
		step := d.tensor([]float64{want.LR, 1 - math.Pow(opt.Beta1, n), 1 - math.Pow(opt.Beta2, n)})
		for j, g := range grads {
			kernels.RunInto(d, kernels.AdamW, opt, []*tensor.Tensor{g, step, clip[1]}, []*tensor.Tensor{p[j], m[j], v[j]})
			d.same("parameter", p[j], want.Params[j])
			d.same("first moment", m[j], want.M[j])
			d.same("second moment", v[j], want.V[j])
		}
	}
}

func TestBatchNormLikePyTorch(t *testing.T) {
	d, data := newDouble(t), loadPyTorch(t).BatchNorm
	p := kernels.NormParams{Eps: data.Eps}
	w, b := d.tensor(data.W), d.tensor(data.B)
	mean, variance := d.tensor([]float64{0, 0, 0, 0}), d.tensor([]float64{1, 1, 1, 1})
	for _, want := range data.Batches {
		x := d.tensor(want.X, data.Rows, data.Channels)
		out := kernels.Run(d, kernels.BatchNorm, p, x, w, b)
		d.same("y", out[0], want.Y)
		kernels.RunInto(d, kernels.BatchNormUpdate, kernels.BatchNormUpdateParams{Momentum: data.Momentum, Rows: data.Rows},
			out[1:], []*tensor.Tensor{mean, variance})
		d.same("running mean", mean, want.RunningMean)
		d.same("running variance", variance, want.RunningVar)
		g := kernels.Run(d, kernels.BatchNormBackward, kernels.BatchNormBackwardParams{Eps: data.Eps},
			x, w, out[1], out[2], d.tensor(want.DY, data.Rows, data.Channels))
		d.same("dx", g[0], want.DX)
		d.same("dw", g[1], want.DW)
		d.same("db", g[2], want.DB)
	}
	y := kernels.Run(d, kernels.BatchNormInference, p, d.tensor(data.Eval.X, data.Rows, data.Channels), w, b, mean, variance)
	d.same("y in evaluation", y[0], data.Eval.Y)
}

func TestLayerNormLikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadPyTorch(t).LayerNorm
	x, w := d.tensor(want.X, want.Rows, want.N), d.tensor(want.W)
	out := kernels.Run(d, kernels.LayerNorm, kernels.NormParams{Eps: want.Eps}, x, w, d.tensor(want.B))
	d.same("y", out[0], want.Y)
	g := kernels.Run(d, kernels.LayerNormBackward, kernels.None{}, x, w, out[1], out[2], d.tensor(want.DY, want.Rows, want.N))
	d.same("dx", g[0], want.DX)
	d.same("dw", g[1], want.DW)
	d.same("db", g[2], want.DB)
}

func TestSmoothL1LikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadPyTorch(t).SmoothL1
	pred, target := d.tensor(want.Pred), d.tensor(want.Target)
	d.same("loss", kernels.Run(d, kernels.SmoothL1, kernels.None{}, pred, target)[0], []float64{want.Loss})
	d.same("dpred", kernels.Run(d, kernels.SmoothL1Backward, kernels.None{}, pred, target, d.tensor([]float64{want.DLoss}))[0], want.DPred)
}
