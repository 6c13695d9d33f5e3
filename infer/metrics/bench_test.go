package metrics

import (
	"context"
	"testing"

	"llana/infer/metrics/wordnet"
)

// BenchmarkEvaluate scores the random answers; see docs/compare/metrics.py for
// the same in Python.
func BenchmarkEvaluate(b *testing.B) {
	var predictions []Prediction
	for _, c := range randomCases(b)[:3000] {
		predictions = append(predictions, Prediction{GroundTruth: c.Truth, ModelOutput: c.Answer})
	}
	db := partOfWordNet(b)
	for _, c := range []struct {
		name string
		o    Options
	}{{"bleu", Options{BLEU: true}}, {"rouge", Options{ROUGE: true}}, {"meteor", Options{METEOR: NewMETEOR(db)}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Evaluate(context.Background(), predictions, c.o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(predictions)*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkWordNet opens the whole database.
func BenchmarkWordNet(b *testing.B) {
	for b.Loop() {
		if _, err := wordnet.Find(); err != nil {
			b.Skip(err)
		}
	}
}
