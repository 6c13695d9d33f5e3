package llama

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/nn"
	"llana/tensor"
)

// mixed stores the layers in different types, as a folder may have them.
func mixed(name string) tensor.DType {
	switch {
	case strings.HasPrefix(name, "model.layers.1."):
		return tensor.BF16
	case strings.HasPrefix(name, "model.layers.2.") && strings.Contains(name, "mlp"):
		return tensor.Q8
	}
	return tensor.Invalid
}

// split is a decoder of three layers of which the first resident ones are on d,
// with tied embeddings.
func split(d kernels.Device, resident int) (*Model, *nn.Set) {
	c := Config{HiddenSize: 32, IntermediateSize: 48, Layers: 3, Heads: 4, KeyHeads: 2, NormEps: 1e-5, RopeTheta: 10000, VocabSize: 50, InitRange: 0.2, TieEmbeddings: true}
	s := nn.NewSet(d)
	m := NewSplit(s.StoredAs(mixed), c, resident)
	m.Init(rand.New(rand.NewPCG(5, 6)))
	return m, s
}

// Layers in host memory give the same numbers, also where they are stored in
// different types, and nothing stays behind on the device.
func TestSplit(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		before := d.Stats().Live
		var want []float32
		for resident := 3; resident >= 0; resident-- {
			m, s := split(d, resident)
			got := m.read(t, d, nil, 2, 1, 7, 9, 30, 2, 4)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d layers on the device: other hidden states", resident)
			}
			s.Free()
			m.Free()
		}
		if live := d.Stats().Live; live != before {
			t.Errorf("live bytes went from %d to %d", before, live)
		}
	})
}

// A gradient through the slot would be that of another layer.
func TestSplitIsNotTrained(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m, s := split(d, 1)
	defer m.Free()
	defer s.Free()
	tape := autograd.New(d, autograd.Options{Record: true})
	defer tape.Release()
	defer func() {
		if recover() == nil {
			t.Error("a recording tape was accepted")
		}
	}()
	m.Forward(m.Embed(tape, tape.Int32([]int32{1, 2}, 1, 2)), Options{})
}
