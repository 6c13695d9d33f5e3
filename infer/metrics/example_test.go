package metrics_test

import (
	"context"
	"fmt"
	"log"

	"llana/infer/metrics"
)

func ExampleEvaluate() {
	predictions := []metrics.Prediction{
		{ObjectID: "1a2b", GroundTruth: "A small red chair with wooden legs.", ModelOutput: "A red chair with four wooden legs."},
		{ObjectID: "3c4d", GroundTruth: "A tall lamp.", ModelOutput: "A blue car."},
	}
	e, err := metrics.Evaluate(context.Background(), predictions, metrics.Options{BLEU: true, ROUGE: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{metrics.BLEU1, metrics.ROUGEL} {
		fmt.Printf("%s %.2f\n", name, e.Mean(name))
	}
	// Output:
	// bleu-1 59.52
	// rouge-l 59.52
}

func ExampleCompare() {
	spatial := []float64{62, 58, 71, 66, 69, 64, 73, 60}
	pooled := []float64{51, 55, 60, 49, 66, 52, 61, 57}
	c, err := metrics.Compare(spatial, pooled, metrics.Resampling{Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("difference %.1f, between %.1f and %.1f, p = %.3f\n", c.Mean, c.Low, c.High, c.P)
	// Output:
	// difference 9.0, between 5.2 and 12.4, p = 0.009
}
