package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// RaySamples are the samples of rays along which Composite adds up: Spans
// (S, 2) and Offsets (R+1) as kernels.MarchSamples gives them, and Background
// (R, 3), or nil for black. All are constants.
type RaySamples struct{ Spans, Offsets, Background *tensor.Tensor }

// Composite adds up the samples' colours (S, 3) and densities (S) to a pixel
// (R, 5) for each ray: colour, opacity, depth; see kernels.Composite.
func Composite(rgb, sigma *Var, s RaySamples) *Var {
	t := rgb.tape
	px := t.Run1(kernels.Composite, kernels.CompositeParams{}, rgb.val, sigma.val, s.Spans, s.Offsets, s.Background)
	return t.Record1(px, []*Var{rgb, sigma}, nil, func(dpx *tensor.Tensor) {
		d := t.Run(kernels.CompositeBackward, kernels.None{}, rgb.val, sigma.val, s.Spans, s.Offsets, s.Background, dpx)
		rgb.AddGrad(d[0])
		sigma.AddGrad(d[1])
		d[0].Free()
		d[1].Free()
	})
}

var _ = rule("composite", compositeGradCase("background", true), compositeGradCase("black", false))

func compositeGradCase(name string, background bool) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{7, 3}, {7}}, F: func(t *Tape, in []*Var) *Var {
		spans := []float32{0, .5, .5, 1, 1, 1.5, 0, .3, .3, .6, .6, 1, 1, 2}
		s := RaySamples{Spans: t.Float32(spans, 7, 2).val, Offsets: t.Int32([]int32{0, 3, 3, 7}, 4)}
		if background {
			s.Background = t.Float32([]float32{1, .5, .2, 0, 1, .3, .6, .6, 0}, 3, 3).val
		}
		return Composite(in[0], in[1], s)
	}}
}
