package weights2space_test

import (
	"context"
	"slices"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/weights2space"
	"llana/tensor"
)

// What Fix computes in advance changes no token, follows parameters when it is
// called again, and is not used where gradients are wanted.
func TestFix(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		m := weights2space.New(d, weights2space.Config{Rows: 6, RowWidth: 8, Hidden: []int{8}, Memory: 8,
			Width: 12, Heads: 2, FFN: 16, Layers: 2, Res: 2, Decoder: 8, Octaves: 2, Half: 1})
		m.Init(1, 0.5)
		tokens := func(o autograd.Options) []float32 {
			tape := autograd.New(d, o)
			defer tape.Release()
			data := make([]float32, 2*6*8)
			for i := range data {
				data[i] = float32(i%7) - 3
			}
			x := tape.Const(tape.Own(tensor.Float32(d, data, 2, 6, 8)))
			v, err := m.Tokens(x, nil).Value().ReadFloat32(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		before := tokens(autograd.Options{})
		m.Fix()
		if !slices.Equal(tokens(autograd.Options{}), before) {
			t.Error("other tokens with Fix")
		}
		m.Init(2, 0.5)
		if recorded := tokens(autograd.Options{Record: true}); slices.Equal(recorded, before) {
			t.Error("a recording tape reads what was fixed")
		}
		live := d.Stats().Live
		for range 10 {
			m.Fix()
		}
		if now := d.Stats().Live; now > live+1024 { // pools round; a tensor has 576 bytes
			t.Errorf("live bytes went from %d to %d", live, now)
		}
		if !slices.Equal(tokens(autograd.Options{}), tokens(autograd.Options{Record: true})) {
			t.Error("Fix did not follow the parameters")
		}
		m.Free()
	})
}
