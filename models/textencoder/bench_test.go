package textencoder

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"llana/autograd"
	"llana/kernels/devices"
	"llana/nn"
)

// The published sizes.
var (
	mpnetBase    = Config{Kind: MPNet, HiddenSize: 768, Layers: 12, Heads: 12, Intermediate: 3072, VocabSize: 30527, Positions: 514, NormEps: 1e-5, Buckets: 32}
	robertaLarge = Config{Kind: RoBERTa, HiddenSize: 1024, Layers: 24, Heads: 16, Intermediate: 4096, VocabSize: 50265, Positions: 514, NormEps: 1e-5, TokenTypes: 1}
)

// BenchmarkEmbed embeds 32 texts of 64 tokens, as long as a detailed caption,
// on the device that LLANA_DEVICE names (default cpu), with random weights.
func BenchmarkEmbed(b *testing.B) {
	spec := os.Getenv("LLANA_DEVICE")
	if spec == "" {
		spec = "cpu"
	}
	d, err := devices.Open(spec)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for _, c := range []Config{mpnetBase, robertaLarge} {
		b.Run(c.Kind, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			s := nn.NewSet(d)
			m := newTransformer(s, c)
			defer s.Free()
			for _, p := range s.All() {
				p.Uniform(r, 0.03)
			}
			texts := make([][]int32, 32)
			for i := range texts {
				for range 64 {
					texts[i] = append(texts[i], int32(3+r.IntN(c.VocabSize-3)))
				}
			}
			for b.Loop() {
				t := autograd.Inference(d)
				if _, err := m.embed(t, newBatch(texts)).ReadFloat32(context.Background()); err != nil {
					b.Fatal(err)
				}
				t.Release()
			}
			b.ReportMetric(float64(len(texts)*b.N)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}
