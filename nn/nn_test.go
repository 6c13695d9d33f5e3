package nn_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

func names(ps []*nn.Param) string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Name)
	}
	return strings.Join(out, " ")
}

func TestSetNamesAndFreezing(t *testing.T) {
	s := nn.NewSet(kernels.NewReference(tensor.F32))
	nn.NewLinear(s.At("layers", 3).In("fc"), 4, 2, true)
	nn.NewBatchNorm(s.In("bn"), 2)
	if got, want := names(s.All()), "layers.3.fc.weight layers.3.fc.bias bn.weight bn.bias bn.running_mean bn.running_var"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	if got, want := names(s.Trainable()), "layers.3.fc.weight layers.3.fc.bias bn.weight bn.bias"; got != want {
		t.Errorf("trainable %q, want %q", got, want)
	}
	if n := s.Count(); n != 8+2+2+2 {
		t.Errorf("%d parameters, want 14", n)
	}
	s.Freeze(func(name string) bool { return strings.HasPrefix(name, "bn.") })
	if got, want := names(s.Trainable()), "bn.weight bn.bias"; got != want {
		t.Errorf("after freezing %q, want %q", got, want)
	}
	s.Free()
}

func TestLoadCollectsMissingNames(t *testing.T) {
	s := nn.NewSet(kernels.NewReference(tensor.F32))
	l := nn.NewLinear(s, 2, 1, true)
	nn.NewLinear(s.In("other"), 2, 1, true)
	err := s.Load(func(name string, shape []int) ([]float32, error) {
		if strings.HasPrefix(name, "other.") {
			return nil, nn.ErrMissing
		}
		return []float32{5, 6}[:tensor.Numel(shape)], nil
	})
	if err == nil || !strings.Contains(err.Error(), "2 tensors are missing: other.bias, other.weight") {
		t.Errorf("Load returned %v", err)
	}
	if v, _ := l.Weight.Read(context.Background()); v[0] != 5 || v[1] != 6 {
		t.Errorf("weight is %v", v)
	}
	broken := errors.New("broken")
	if err := s.Load(func(string, []int) ([]float32, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("Load returned %v", err)
	}
}

// Attention with packed projections equals attention with separate ones.
func TestMultiheadAttentionPacking(t *testing.T) {
	d := kernels.NewReference(tensor.F64)
	r := rand.New(rand.NewPCG(1, 1))
	s := nn.NewSet(d)
	packed := nn.NewMultiheadAttention(s.In("a"), 6, 6, 2)
	packed.Init(r)
	packed.InBias.Normal(r, 1)
	apart := &nn.MultiheadAttention{Heads: 2, InBias: packed.InBias, Out: packed.Out}
	w, _ := packed.InWeight.Read(context.Background())
	for i := range apart.QKV {
		apart.QKV[i] = s.New("part", 6, 6)
		apart.QKV[i].Value.SetFloat32(w[i*36 : (i+1)*36])
	}
	tape := autograd.Inference(d)
	defer tape.Release()
	data := make([]float32, 2*3*6)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	x := tape.Float32(data, 2, 3, 6)
	memory := tape.Float32(data, 2, 3, 6)
	results := [][]float64{}
	for _, y := range []*autograd.Var{packed.Forward(x, x), packed.Forward(x, memory), apart.Forward(x, memory)} {
		v, err := y.Value().ReadFloat64(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, v)
	}
	for i, want := range results[0] {
		for _, got := range []float64{results[1][i], results[2][i]} {
			if math.Abs(got-want) > 1e-12 {
				t.Errorf("element %d is %v, want %v", i, got, want)
			}
		}
	}
}

func TestInitialisation(t *testing.T) {
	s := nn.NewSet(kernels.NewReference(tensor.F32))
	l := nn.NewLinear(s, 100, 50, true)
	l.Init(rand.New(rand.NewPCG(3, 3)))
	v, _ := l.Weight.Read(context.Background())
	most, sum := 0.0, 0.0
	for _, x := range v {
		most = max(most, math.Abs(float64(x)))
		sum += float64(x) * float64(x)
	}
	if most > 0.1 || most < 0.099 {
		t.Errorf("largest weight %v, want just below 1/sqrt(100)", most)
	}
	if std := math.Sqrt(sum / float64(len(v))); math.Abs(std-0.1/math.Sqrt(3)) > 0.002 {
		t.Errorf("standard deviation %v, want %v", std, 0.1/math.Sqrt(3))
	}
}
