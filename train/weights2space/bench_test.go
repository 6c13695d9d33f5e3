package weights2space

import (
	"context"
	"testing"

	"llana/autograd"
	"llana/kernels/cpu"
	model "llana/models/weights2space"
	"llana/nn"
	"llana/train"
)

// BenchmarkToyStep is a training step at the toy world's sizes: 8 NeRFs, 192
// points each.
func BenchmarkToyStep(b *testing.B) {
	d := cpu.New(1)
	defer d.Close()
	c := model.Config{Rows: 86, RowWidth: 64, Hidden: []int{128, 128}, Memory: 128, Width: 64, Heads: 4, FFN: 128,
		Layers: 3, Res: 6, Decoder: 96, Octaves: 3, Half: 0.7}
	m := model.New(d, c)
	m.Init(1, 1)
	for _, name := range []string{"adamw", "muon"} {
		var o train.Optimiser = train.NewAdamW(d, m.Params.Trainable())
		if name == "muon" {
			o = train.NewMuon(d, m.Params.Trainable(), func(p *nn.Param) bool { return p.Name != "query_tokens" })
		}
		b.Run(name, func(b *testing.B) {
			for range b.N {
				t := autograd.New(d, autograd.Options{Record: true, Training: true})
				tokens := m.Tokens(t.Float32(make([]float32, 8*86*64), 8, 86, 64), nil)
				y := m.Raw(tokens, m.NewPoints(t, make([]float32, 8*192*3), 8))
				o.ZeroGrad()
				t.Backward(autograd.MeanAll(autograd.Mul(y, y)))
				o.Step(1e-4)
				t.Release()
			}
		})
	}
	if err := d.Sync(context.Background()); err != nil {
		b.Fatal(err)
	}
}
