package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// Radiance turns a NeRF network's outputs y (N, W) at unit positions u (N, 3)
// into colours (N, 3) and densities (N); see kernels.Radiance. u is a
// constant.
func Radiance(y *Var, u *tensor.Tensor) (rgb, sigma *Var) {
	t := y.tape
	out := t.Run(kernels.Radiance, kernels.None{}, y.val, u)
	vs := t.Record(out, []*Var{y}, nil, func(d []*tensor.Tensor) {
		dy := t.Run1(kernels.RadianceBackward, kernels.None{}, y.val, u, t.orZero(d[0], out[0]), t.orZero(d[1], out[1]))
		y.AddGrad(dy)
		dy.Free()
	})
	return vs[0], vs[1]
}

// orZero returns d, or zeros of the shape of like if d is nil: the gradient of
// an output that nothing used.
func (t *Tape) orZero(d, like *tensor.Tensor) *tensor.Tensor {
	if d != nil {
		return d
	}
	z := t.Own(tensor.New(t.dev, like.DType(), like.Shape()...))
	z.SetFloat32(make([]float32, z.Len()))
	return z
}

var _ = rule("radiance",
	GradCase{Name: "both", Shapes: [][]int{{6, 5}}, F: func(t *Tape, in []*Var) *Var {
		u := t.Float32([]float32{.1, .2, .3, .5, .5, .5, 2, .5, .5, .9, .1, .5, .3, .3, .3, .5, -1, .5}, 6, 3)
		rgb, sigma := Radiance(in[0], u.val)
		return Mul(rgb, sigma.View(6, 1))
	}},
	GradCase{Name: "density only", Shapes: [][]int{{2, 4}}, F: func(t *Tape, in []*Var) *Var {
		u := t.Float32([]float32{.1, .2, .3, .5, .5, .5}, 2, 3)
		_, sigma := Radiance(in[0], u.val)
		return sigma
	}})
