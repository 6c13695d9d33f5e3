package infer_test

import (
	"context"
	"fmt"
	"log"

	"llana/infer"
	"llana/kernels/cpu"
	"llana/models/spatialllana"
)

// A small model with random weights is asked about an object: its answer means
// nothing, but is always the same.
func Example() {
	ctx := context.Background()
	d := cpu.New(0)
	defer d.Close()
	m, err := spatialllana.Open(d, "../models/spatialllana/testdata/hf_model", spatialllana.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Free()

	// Usually m.Projector.ReadObject("vecs/<object id>.npy").
	object := &spatialllana.Object{Tokens: 12, Width: 28, Data: make([]float32, 12*28)}
	s, err := infer.NewSession(m, object)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	answer, err := s.Ask(ctx, "What color is the chair?", infer.Options{MaxNewTokens: 8}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(answer.PromptIDs), "tokens in,", len(answer.TokenIDs), "tokens out")
	// Output: 125 tokens in, 8 tokens out
}
