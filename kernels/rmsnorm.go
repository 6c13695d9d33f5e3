package kernels

import "math"

// RMSNorm divides every row by its root mean square and scales it: for x
// (..., n) and w (n),
//
//	y = x rstd w,  rstd = 1 / sqrt(mean(x^2) + eps)
//
// (Zhang and Sennrich 2019; LLaMA's normalisation). rstd (...) is kept for the
// gradient.
var RMSNorm = Declare(Decl[NormParams]{
	Name: "rms_norm", Doc: "y = x rstd w, rstd = 1/sqrt(mean(x^2) + eps), over the last axis",
	In:  []Arg{{Name: "x"}, {Name: "w"}},
	Out: []Arg{{Name: "y"}, {Name: "rstd"}},
	Shapes: func(_ NormParams, in [][]int) [][]int {
		n := checkRows("rms_norm", in)
		Check(sameShape(in[1], []int{n}), "rms_norm", in, "weight does not have shape [%d]", n)
		return [][]int{in[0], in[0][:len(in[0])-1]}
	},
	Ref32: rmsNormRef[float32], Ref64: rmsNormRef[float64],
	Shader: func(p NormParams, pl *Plan) { normPlan(pl, p, true) },
	Cost:   normCost(4), Tol: TolNorm, Cases: rmsNormCases(),
})

// RMSNormBackward is the gradient of RMSNorm.
var RMSNormBackward = Declare(Decl[None]{
	Name: "rms_norm_backward", Doc: "dx, dw of rms_norm",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "rstd"}, {Name: "dy"}},
	Out: []Arg{{Name: "dx"}, {Name: "dw"}},
	Shapes: func(_ None, in [][]int) [][]int {
		checkRows("rms_norm_backward", in)
		Check(sameShape(in[0], in[3]), "rms_norm_backward", in, "x and dy differ in shape")
		return [][]int{in[0], in[1]}
	},
	Ref32: rmsNormBackwardRef[float32], Ref64: rmsNormBackwardRef[float64],
	Shader: func(_ None, pl *Plan) { normBackwardPlan(pl, true) },
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 9 * int64(numel(in[0]))} },
	Tol:    TolNorm, Cases: rmsNormBackwardCases(),
})

func rmsNormRef[T Real](p NormParams, in, out []View[T]) {
	rows, n := in[0].Rows()
	for r := range rows {
		x, y := in[0].F[r*n:(r+1)*n], out[0].F[r*n:(r+1)*n]
		var sum T
		for _, v := range x {
			sum += v * v
		}
		rstd := T(1 / math.Sqrt(float64(sum/T(n)+T(p.Eps))))
		for i := range x {
			y[i] = x[i] * rstd * in[1].F[i]
		}
		out[1].F[r] = rstd
	}
}

func rmsNormBackwardRef[T Real](_ None, in, out []View[T]) {
	rows, n := in[0].Rows()
	w, dw := in[1].F, out[1].F
	clear(dw)
	for r := range rows {
		x, dy, dx := in[0].F[r*n:(r+1)*n], in[3].F[r*n:(r+1)*n], out[0].F[r*n:(r+1)*n]
		rstd := in[2].F[r]
		var sum T // of g h, where g = dy w is the gradient of h = x rstd
		for i := range x {
			h := x[i] * rstd
			sum += dy[i] * w[i] * h
			dw[i] += dy[i] * h
		}
		for i := range x {
			dx[i] = rstd * (dy[i]*w[i] - x[i]*rstd*sum/T(n))
		}
	}
}

func rmsNormCases() []Case {
	var cases []Case
	for i, s := range normShapes {
		n := s.shape[len(s.shape)-1]
		cases = append(cases, Case{Name: s.name, P: NormParams{1e-5}, In: []Fill{Normal(s.shape...), Normal(n)}, Special: i == 0})
	}
	return append(cases, Case{Name: "bench", P: NormParams{1e-5}, In: []Fill{Normal(600, 5120), Normal(5120)}, Bench: true})
}

func rmsNormBackwardCases() []Case {
	c := func(name string, shape []int) Case {
		_, n := rowsOf(shape)
		return Case{Name: name, P: None{}, In: []Fill{Normal(shape...), Normal(n), Uniform(0.5, 2, shape[:len(shape)-1]...), Normal(shape...)}}
	}
	var cases []Case
	for _, s := range normShapes {
		cases = append(cases, c(s.name, s.shape))
	}
	bench := c("bench", []int{600, 5120})
	bench.Bench = true
	return append(cases, bench)
}
