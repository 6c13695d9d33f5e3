package autograd

import (
	"math"

	"llana/kernels"
	"llana/tensor"
)

// NeRFField evaluates NeRFs with the given weights (G, Len) at unit positions
// u (G, N, 3), or (1, N, 3) for all of them, a constant: colours (G N, 3) and
// densities (G N); see kernels.NeRFField.
func NeRFField(weights *Var, u *tensor.Tensor, p kernels.NeRFFieldParams) (rgb, sigma *Var) {
	t := weights.tape
	out := t.Run(kernels.NeRFField, p, u, weights.val)
	vs := t.Record(out, []*Var{weights}, nil, func(d []*tensor.Tensor) {
		dw := t.Run1(kernels.NeRFFieldBackward, p, u, weights.val, t.orZero(d[0], out[0]), t.orZero(d[1], out[1]))
		weights.AddGrad(dw)
		dw.Free()
	})
	return vs[0], vs[1]
}

var _ = rule("nerf_field",
	nerfFieldGradCase("both", []int{2, 3, 3}, false), nerfFieldGradCase("shared positions, raw", []int{1, 3, 3}, true))

func nerfFieldGradCase(name string, positions []int, raw bool) GradCase {
	p := kernels.NeRFFieldParams{Octaves: 2, Hidden: 2, Width: 5, Outputs: 6, Raw: raw}
	return GradCase{Name: name, Shapes: [][]int{{2, p.Len()}}, F: func(t *Tape, in []*Var) *Var {
		u := make([]float32, tensor.Numel(positions))
		for i := range u {
			u[i] = float32(1.1 * math.Abs(math.Sin(float64(i))))
		}
		rgb, sigma := NeRFField(Scale(in[0], 0.5), t.Float32(u, positions...).val, p)
		return Mul(rgb, sigma.View(6, 1))
	}}
}
