package weights2space

import (
	"fmt"
	"math"

	"llana/models/nerf"
)

// normalize sets the model's input map so that each weight matrix W becomes
// W0/std(W0) + (W-W0)/std(W-W0): W0 is the shared initialisation, and the
// second deviation is over the training set. Raw weights are dominated by W0,
// and learn at half the speed.
func (tr *Trainer) normalize() error {
	first, err := tr.data.Item(0)
	if err != nil {
		return err
	}
	arch := first.Field.Arch
	w0 := arch.Init(nerf.SharedSeed)
	sum := make([]float64, len(arch.Layers()))
	n := min(tr.data.Len(), 1024)
	for i := range n {
		it, err := tr.data.Item(i)
		if err != nil {
			return err
		}
		if len(it.Field.Weights) != len(w0) {
			return fmt.Errorf("%s: %d weights, want %d as the first NeRF has", it.Dir, len(it.Field.Weights), len(w0))
		}
		for l, layer := range arch.Layers() {
			for j := layer.Offset; j < layer.Offset+layer.Out*layer.In; j++ {
				d := float64(it.Field.Weights[j] - w0[j])
				sum[l] += d * d
			}
		}
	}
	// x scale + shift with x the raw weight: x/s1 + w0 (1/s0 - 1/s1).
	scale, shift := make([]float32, arch.Rows()*arch.Width), make([]float32, arch.Rows()*arch.Width)
	for l, layer := range arch.Layers() {
		size := layer.Out * layer.In
		s1 := math.Sqrt(sum[l]/float64(n*size)) + 1e-12
		s0 := deviation(w0[layer.Offset : layer.Offset+size])
		for j := layer.Offset; j < layer.Offset+size; j++ {
			scale[j] = float32(1 / s1)
			shift[j] = w0[j] * float32(1/s0-1/s1)
		}
	}
	tr.model.SetNormalization(scale, shift)
	return nil
}

func deviation(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(v)))
}
