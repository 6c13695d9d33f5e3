package language

import (
	"context"
	"os"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/models/tokenizer"
)

// benchModel is a model of the toy world's size with random weights.
func benchModel(b *testing.B, d kernels.Device) *spatialllana.Model {
	tok, err := tokenizer.Load(modelDir)
	if err != nil {
		b.Fatal(err)
	}
	m := spatialllana.New(d, spatialllana.Config{
		Config: llama.Config{HiddenSize: 128, IntermediateSize: 352, Layers: 4, Heads: 4, KeyHeads: 4,
			NormEps: 1e-5, InitRange: llama.InitStd, RopeTheta: 10000, VocabSize: tok.VocabSize()},
		Projector: &spatialllana.Projector{Width: 64, Hidden: []int{128}, Tokens: 192},
	}, tok)
	m.Init(1)
	return m
}

// BenchmarkStep times an optimiser step on 8 sequences of 300 tokens, 192 of
// them an object's and 40 with labels.
func BenchmarkStep(b *testing.B) {
	var d kernels.Device = cpu.New(0)
	if os.Getenv("LLANA_DEBUG") != "" {
		d = kernels.Trace(d, os.Stderr, false)
	}
	defer d.Close()
	m := benchModel(b, d)
	defer m.Free()
	const rows, cols, labelled = 8, 300, 40
	in := &batch{Batch: spatialllana.Batch{Rows: rows, Cols: cols, IDs: make([]int32, rows*cols)}, labels: make([]int32, rows*cols)}
	for r := range rows {
		in.Objects = append(in.Objects, &spatialllana.Object{Tokens: 192, Width: 64, Data: make([]float32, 192*64)})
		for i := range cols {
			id, label := int32(3+(r*cols+i)%500), int32(-100)
			switch {
			case i == 20:
				id = 601
			case i > 20 && i <= 212:
				id = 600
			case i == 213:
				id = 602
			case i >= cols-labelled:
				label = id
			}
			in.IDs[r*cols+i], in.labels[r*cols+i] = id, label
		}
	}
	c := Defaults(Stage2)
	t, err := newTrainer(Stage2, &c, m, &dataset{samples: make([]sample, 1000)}, func(string) {})
	if err != nil {
		b.Fatal(err)
	}
	defer t.free()
	for s := range b.N {
		read, err := t.update(s, 1, func(int) (*batch, error) { return in, nil })
		if err != nil {
			b.Fatal(err)
		}
		if _, err := read(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "sequences/s")
}
