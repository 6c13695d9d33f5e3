package kernels_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"llana/kernels"
	"llana/tensor"
)

// languageModels holds testdata/lm/lm.json; make.py there says what it is.
type languageModels struct {
	Attention []struct {
		B, Tq, Rows, H, Hkv, D              int
		Params                              kernels.AttentionParams
		Lengths                             []int32
		Q, K, V, DOut, Out, LSE, DQ, DK, DV []float64
	}
	RoPE struct {
		Shape        []int
		Offset       int
		X, Y, DY, DX []float64
	}
	CrossEntropy struct {
		N, V        int
		Labels      []int32
		X, LSE, DX  []float64
		Loss, DLoss float64
	}
	Softmax struct {
		Rows, N      int
		X, Y, DY, DX []float64
	}
	SwiGLU    struct{ Gate, Up, Y, DY, DGate, DUp []float64 }
	Embedding struct {
		V, W                 int
		IDs                  []int32
		Table, Y, DY, DTable []float64
	}
}

func loadLanguageModels(t *testing.T) *languageModels {
	t.Helper()
	b, err := os.ReadFile("testdata/lm/lm.json")
	if err != nil {
		t.Fatal(err)
	}
	p := new(languageModels)
	if err := json.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	if len(p.Attention) == 0 {
		t.Fatal("lm.json lacks attention")
	}
	return p
}

func TestAttentionLikePyTorch(t *testing.T) {
	d := newDouble(t)
	for _, want := range loadLanguageModels(t).Attention {
		q := d.tensor(want.Q, want.B, want.Tq, want.H, want.D)
		k := d.tensor(want.K, want.B, want.Rows, want.Hkv, want.D)
		v := d.tensor(want.V, want.B, want.Rows, want.Hkv, want.D)
		var lengths *tensor.Tensor
		if want.Lengths != nil {
			lengths = tensor.Int32(d.Device, want.Lengths, want.B)
		}
		out := kernels.Run(d, kernels.Attention, want.Params, q, k, v, lengths, nil)
		d.same("out", out[0], want.Out)
		d.same("lse", out[1], want.LSE)
		dout := d.tensor(want.DOut, want.B, want.Tq, want.H, want.D)
		g := kernels.Run(d, kernels.AttentionBackward, want.Params, q, k, v, out[0], out[1], dout, lengths, nil)
		d.same("dq", g[0], want.DQ)
		d.same("dk", g[1], want.DK)
		d.same("dv", g[2], want.DV)
	}
}

func TestRoPELikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadLanguageModels(t).RoPE
	p := kernels.RoPEParams{Theta: 10000, Offset: want.Offset}
	x := d.tensor(want.X, want.Shape...)
	d.same("y", kernels.Run(d, kernels.RoPE, p, x, nil)[0], want.Y)
	// The same positions, given one by one.
	var positions []int32
	for range want.Shape[0] {
		for i := range want.Shape[1] {
			positions = append(positions, int32(want.Offset+i))
		}
	}
	at := tensor.Int32(d.Device, positions, want.Shape[:2]...)
	d.same("y", kernels.Run(d, kernels.RoPE, kernels.RoPEParams{Theta: 10000}, x, at)[0], want.Y)
	p.Inverse = true
	d.same("dx", kernels.Run(d, kernels.RoPE, p, d.tensor(want.DY, want.Shape...), nil)[0], want.DX)
}

func TestCrossEntropyLikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadLanguageModels(t).CrossEntropy
	x, labels := d.tensor(want.X, want.N, want.V), tensor.Int32(d.Device, want.Labels, want.N)
	out := kernels.Run(d, kernels.CrossEntropy, kernels.None{}, x, labels)
	d.same("loss", out[0], []float64{want.Loss})
	d.same("lse", out[1], want.LSE)
	g := kernels.Run(d, kernels.CrossEntropyBackward, kernels.None{}, x, labels, out[1], out[2], d.tensor([]float64{want.DLoss}))
	d.same("dlogits", g[0], want.DX)
}

func TestSoftmaxLikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadLanguageModels(t).Softmax
	y := kernels.Run(d, kernels.Softmax, kernels.None{}, d.tensor(want.X, want.Rows, want.N))[0]
	d.same("y", y, want.Y)
	d.same("dx", kernels.Run(d, kernels.SoftmaxBackward, kernels.None{}, y, d.tensor(want.DY, want.Rows, want.N))[0], want.DX)
}

func TestSwiGLULikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadLanguageModels(t).SwiGLU
	gate, up := d.tensor(want.Gate), d.tensor(want.Up)
	d.same("y", kernels.Run(d, kernels.SwiGLU, kernels.None{}, gate, up)[0], want.Y)
	g := kernels.Run(d, kernels.SwiGLUBackward, kernels.None{}, gate, up, d.tensor(want.DY))
	d.same("dgate", g[0], want.DGate)
	d.same("dup", g[1], want.DUp)
}

func TestEmbeddingLikePyTorch(t *testing.T) {
	d, want := newDouble(t), loadLanguageModels(t).Embedding
	ids := tensor.Int32(d.Device, want.IDs, len(want.IDs))
	d.same("y", kernels.Run(d, kernels.Embedding, kernels.None{}, d.tensor(want.Table, want.V, want.W), ids)[0], want.Y)
	table := d.tensor(make([]float64, want.V*want.W), want.V, want.W)
	kernels.RunInto(d, kernels.EmbeddingBackward, kernels.None{},
		[]*tensor.Tensor{d.tensor(want.DY, len(want.IDs), want.W), ids}, []*tensor.Tensor{table})
	d.same("dtable", table, want.DTable)
}

// With keys of zero all weights of a query are the same, and values that are
// rows of a unit matrix show each weight.
func TestAttentionDropsTheStatedWeights(t *testing.T) {
	const b, tq, tk, h, seed, drop = 2, 3, 40, 2, -5, 0.25
	d := newDouble(t)
	values := make([]float64, b*tk*h*tk)
	for i := range b * tk * h {
		values[i*tk+i/h%tk] = 1
	}
	zeros := d.tensor(make([]float64, b*tk*h*tk), b, tk, h, tk)
	out := kernels.Run(d, kernels.Attention, kernels.AttentionParams{Dropout: drop},
		d.tensor(make([]float64, b*tq*h*tk), b, tq, h, tk), zeros, d.tensor(values, b, tk, h, tk), nil,
		tensor.Int32(d.Device, []int32{seed}, 1))
	want := make([]float64, b*tq*h*tk)
	key := int32(seed)
	for n := range want {
		j, head, i, item := n%tk, n/tk%h, n/(tk*h)%tq, n/(tk*h*tq)
		counter := ((item*h+head)*tq+i)*tk + j
		if kernels.Hash(uint32(key), uint32(counter)) >= kernels.DropBelow(drop) {
			want[n] = 1 / (1 - drop) / tk
		}
	}
	d.same("out", out[0], want)
}

func TestDropoutKeepsTheMean(t *testing.T) {
	const n = 100000
	d := newDouble(t)
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	for _, p := range []float32{0.1, 0.5, 0.9} {
		y := kernels.Run(d, kernels.Dropout, kernels.DropoutParams{P: p}, d.tensor(ones), tensor.Int32(d.Device, []int32{42}, 1))[0]
		v, err := y.ReadFloat64(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		// The standard deviation of the mean.
		sd := math.Sqrt(float64(p) / (1 - float64(p)) / n)
		if math.Abs(sum/n-1) > 4*sd {
			t.Errorf("p = %v: the mean is %v, more than 4 standard deviations (%.2g) from 1", p, sum/n, sd)
		}
	}
}
