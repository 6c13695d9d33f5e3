package kernels

import "math"

// Radiance turns a NeRF network's outputs y (N, W), W >= 4, at unit positions
// u (N, 3) into colours and densities: rgb (N, 3) = sigmoid(y[0..2]) and sigma
// (N) = exp(y[3] - 1) where 0 < u < 1 on every axis, else 0. Further columns
// of y are the padding of the published networks and are ignored.
var Radiance = Declare(Decl[None]{
	Name: "radiance", Doc: "rgb = sigmoid(y[0..2]); sigma = exp(y[3] - 1) strictly inside the unit box, 0 outside",
	In: []Arg{{Name: "y"}, {Name: "u"}}, Out: []Arg{{Name: "rgb"}, {Name: "sigma"}},
	Shapes: func(_ None, in [][]int) [][]int {
		n := radianceRows(in)
		return [][]int{{n, 3}, {n}}
	},
	Ref32: radianceRef[float32], Ref64: radianceRef[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[1].Dim(0)
		pl.Dispatch("radiance", []Const{{"BACKWARD", false}}, Words(n, pl.In[0].Dim(1)), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 16 * int64(in[1][0])} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "padded", P: None{}, In: []Fill{Normal(37, 16), Uniform(-0.2, 1.2, 37, 3)}},
		{Name: "four columns", P: None{}, In: []Fill{Normal(300, 4), Uniform(-0.2, 1.2, 300, 3)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(35000, 4), Uniform(0, 1, 35000, 3)}, Bench: true},
	},
})

// RadianceBackward gives dy from y, rgb, sigma and their gradients. The
// exponential's gradient is clamped at exp(15) ("trunc_exp").
var RadianceBackward = Declare(Decl[None]{
	Name: "radiance_backward", Doc: "dy[0..2] = drgb rgb (1 - rgb); dy[3] = dsigma exp(min(y[3] - 1, 15)) inside; other columns 0",
	In:  []Arg{{Name: "y"}, {Name: "u"}, {Name: "drgb"}, {Name: "dsigma"}},
	Out: []Arg{{Name: "dy"}},
	Shapes: func(_ None, in [][]int) [][]int {
		n := radianceRows(in)
		Check(sameShape(in[2], []int{n, 3}) && sameShape(in[3], []int{n}), "radiance_backward", in, "gradients do not fit")
		return [][]int{in[0]}
	},
	Ref32: radianceBackwardRef[float32], Ref64: radianceBackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		n := pl.In[1].Dim(0)
		pl.Dispatch("radiance", []Const{{"BACKWARD", true}}, Words(n, pl.In[0].Dim(1)), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 24 * int64(in[1][0])} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "padded", P: None{}, In: []Fill{Normal(37, 16), Uniform(-0.2, 1.2, 37, 3), Normal(37, 3), Normal(37)}},
		{Name: "dense", P: None{}, In: []Fill{Uniform(0, 18, 37, 4), Uniform(0, 1, 37, 3), Normal(37, 3), Normal(37)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(35000, 4), Uniform(0, 1, 35000, 3), Normal(35000, 3), Normal(35000)}, Bench: true},
	},
})

func radianceRows(in [][]int) int {
	y, u := in[0], in[1]
	Check(len(y) == 2 && y[1] >= 4 && len(u) == 2 && u[1] == 3 && u[0] == y[0], "radiance", in, "want y (N, 4 or more) and u (N, 3)")
	return y[0]
}

func insideUnit[T Real](u []T) bool {
	return u[0] > 0 && u[0] < 1 && u[1] > 0 && u[1] < 1 && u[2] > 0 && u[2] < 1
}

// radianceAt sets rgb from a network's outputs y at u and returns the density.
func radianceAt[T Real](y, u, rgb []T) (sigma T) {
	for c := range rgb {
		rgb[c] = T(sigmoid(float64(y[c])))
	}
	if !insideUnit(u) {
		return 0
	}
	return T(math.Exp(float64(y[3]) - 1))
}

// radianceGradientAt sets the gradient dy of the outputs y at u.
func radianceGradientAt[T Real](y, u, drgb []T, dsigma T, dy []T) {
	clear(dy)
	for c, d := range drgb {
		s := sigmoid(float64(y[c]))
		dy[c] = d * T(s*(1-s))
	}
	if insideUnit(u) {
		dy[3] = dsigma * T(math.Exp(math.Min(float64(y[3])-1, 15)))
	}
}

func radianceRef[T Real](_ None, in, out []View[T]) {
	n, w := in[0].Rows()
	for i := range n {
		out[1].F[i] = radianceAt(in[0].F[i*w:], in[1].F[3*i:], out[0].F[3*i:3*i+3])
	}
}

func radianceBackwardRef[T Real](_ None, in, out []View[T]) {
	n, w := in[0].Rows()
	for i := range n {
		radianceGradientAt(in[0].F[i*w:], in[1].F[3*i:], in[2].F[3*i:3*i+3], in[3].F[i], out[0].F[i*w:(i+1)*w])
	}
}
