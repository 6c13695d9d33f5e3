package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"llana/kernels"
	"llana/models/spatialllana"
)

// storageFlags say how a model's weights are kept.
type storageFlags struct{ weights string }

const weightsHelp = "how matrices are stored: auto (as in the files), f32, bf16, f16, int8 or int4"

func (f *storageFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.weights, "weights", "auto", weightsHelp)
}

// open opens a model folder on d.
func (f *storageFlags) open(d kernels.Device, dir string) (*spatialllana.Model, error) {
	w, err := spatialllana.ParseWeights(f.weights)
	if err != nil {
		return nil, usageError{fmt.Errorf("--%w", err)}
	}
	return spatialllana.Open(d, dir, spatialllana.OpenOptions{Weights: w})
}
