package kernels

import "math"

// AdamWParams are the constants of AdamW.
type AdamWParams struct{ Beta1, Beta2, Eps, WeightDecay float64 }

// AdamW is one step of torch.optim.AdamW (Loshchilov and Hutter 2019) on one
// parameter, with its moments m and v, all of one shape:
//
//	p -= lr WeightDecay p
//	m = Beta1 m + (1 - Beta1) g,  v = Beta2 v + (1 - Beta2) g^2
//	p -= lr / c1  m / (sqrt(v) / sqrt(c2) + Eps)
//
// step holds lr, c1 = 1 - Beta1^t and c2 = 1 - Beta2^t, for the t-th step from
// 1. g is grad times scale (1), which may be absent: the factor of ClipScale.
var AdamW = Declare(Decl[AdamWParams]{
	Name: "adamw", Doc: "one step of AdamW; step = lr, 1 - beta1^t, 1 - beta2^t; grad is multiplied by scale",
	In:  []Arg{{Name: "grad"}, {Name: "step"}, {Name: "scale", Optional: true}},
	Out: []Arg{{Name: "p", InOut: true}, {Name: "m", InOut: true}, {Name: "v", InOut: true}},
	Shapes: func(_ AdamWParams, in [][]int) [][]int {
		Check(sameShape(in[1], []int{3}), "adamw", in, "step does not have shape [3]")
		Check(in[2] == nil || sameShape(in[2], []int{1}), "adamw", in, "scale does not have shape [1]")
		return [][]int{in[0], in[0], in[0]}
	},
	Ref32: adamWRef[float32], Ref64: adamWRef[float64],
	Shader: func(p AdamWParams, pl *Plan) {
		vec, n := units(pl.In[0].Len())
		pl.Dispatch("adamw", []Const{vec, {"SCALED", pl.In[2] != nil}},
			Words(n, float32(p.Beta1), float32(1-p.Beta1), float32(p.Beta2), float32(1-p.Beta2), float32(p.Eps), float32(p.WeightDecay)),
			pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost:  func(_ AdamWParams, in, _ [][]int) Cost { return Cost{FLOPs: 16 * int64(numel(in[0]))} },
	Tol:   TolElementwise,
	Cases: adamWCases(),
})

func adamWRef[T Real](o AdamWParams, in, out []View[T]) {
	lr, c1, c2 := in[1].F[0], in[1].F[1], in[1].F[2]
	scale := T(1)
	if in[2].F != nil {
		scale = in[2].F[0]
	}
	rootC2 := T(math.Sqrt(float64(c2)))
	p, m, v := out[0].F, out[1].F, out[2].F
	for i, g := range in[0].F {
		g *= scale
		p[i] *= 1 - lr*T(o.WeightDecay)
		m[i] = T(o.Beta1)*m[i] + T(1-o.Beta1)*g
		v[i] = T(o.Beta2)*v[i] + T(1-o.Beta2)*g*g
		p[i] -= lr / c1 * m[i] / (T(math.Sqrt(float64(v[i])))/rootC2 + T(o.Eps))
	}
}

func adamWCases() []Case {
	p := AdamWParams{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.05}
	c := func(name string, t, scale float64, shape ...int) Case {
		step := Values([]float64{1e-3, 1 - math.Pow(0.9, t), 1 - math.Pow(0.999, t)}, 3)
		factor := Fill{}
		if scale != 0 {
			factor = Fixed(scale, 1)
		}
		return Case{Name: name, P: p, In: []Fill{Normal(shape...), step, factor},
			InOut: []Fill{Normal(shape...), Normal(shape...), Uniform(0, 2, shape...)}}
	}
	first := c("first step", 1, 0, 300)
	first.InOut[1], first.InOut[2] = Fixed(0, 300), Fixed(0, 300)
	bench := c("bench", 10, 0.5, 2064, 516)
	bench.Bench = true
	return []Case{c("odd", 7, 0.37, 7, 43), first, c("no scale", 100, 0, 5, 60), c("empty", 1, 0, 0, 5), bench}
}
