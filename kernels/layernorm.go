package kernels

import "math"

// LayerNorm normalises every row to mean 0 and variance 1 and scales it: for x
// (..., n), w (n) and b (n),
//
//	y = (x - mean) rstd w + b,  rstd = 1 / sqrt(var + eps)
//
// with the biased variance, as torch.nn.LayerNorm. mean and rstd (...) are kept
// for the gradient.
var LayerNorm = Declare(Decl[NormParams]{
	Name: "layer_norm", Doc: "y = (x - mean) rstd w + b over the last axis",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "b"}},
	Out: []Arg{{Name: "y"}, {Name: "mean"}, {Name: "rstd"}},
	Shapes: func(_ NormParams, in [][]int) [][]int {
		n := checkRows("layer_norm", in)
		Check(sameShape(in[1], []int{n}) && sameShape(in[2], []int{n}), "layer_norm", in, "weights do not have shape [%d]", n)
		rows := in[0][:len(in[0])-1]
		return [][]int{in[0], rows, rows}
	},
	Ref32: layerNormRef[float32], Ref64: layerNormRef[float64],
	Shader: func(p NormParams, pl *Plan) { normPlan(pl, p, false) },
	Cost:   normCost(8), Tol: TolNorm, Cases: layerNormCases(),
})

// LayerNormBackward is the gradient of LayerNorm.
var LayerNormBackward = Declare(Decl[None]{
	Name: "layer_norm_backward", Doc: "dx, dw, db of layer_norm",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "mean"}, {Name: "rstd"}, {Name: "dy"}},
	Out: []Arg{{Name: "dx"}, {Name: "dw"}, {Name: "db"}},
	Shapes: func(_ None, in [][]int) [][]int {
		checkRows("layer_norm_backward", in)
		Check(sameShape(in[0], in[4]), "layer_norm_backward", in, "x and dy differ in shape")
		return [][]int{in[0], in[1], in[1]}
	},
	Ref32: layerNormBackwardRef[float32], Ref64: layerNormBackwardRef[float64],
	Shader: func(_ None, pl *Plan) { normBackwardPlan(pl, false) },
	Cost:   func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 14 * int64(numel(in[0]))} },
	Tol:    TolNorm, Cases: layerNormBackwardCases(),
})

func layerNormRef[T Real](p NormParams, in, out []View[T]) {
	rows, n := in[0].Rows()
	w, b := in[1].F, in[2].F
	for r := range rows {
		x, y := in[0].F[r*n:(r+1)*n], out[0].F[r*n:(r+1)*n]
		mean, variance := meanVar(x)
		rstd := T(1 / math.Sqrt(float64(variance+T(p.Eps))))
		for i := range x {
			y[i] = (x[i]-mean)*rstd*w[i] + b[i]
		}
		out[1].F[r], out[2].F[r] = mean, rstd
	}
}

// meanVar returns the mean and the biased variance.
func meanVar[T Real](x []T) (mean, variance T) {
	for _, v := range x {
		mean += v
	}
	mean /= T(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / T(len(x))
}

func layerNormBackwardRef[T Real](_ None, in, out []View[T]) {
	rows, n := in[0].Rows()
	w := in[1].F
	dw, db := out[1].F, out[2].F
	clear(dw)
	clear(db)
	for r := range rows {
		x, dy, dx := in[0].F[r*n:(r+1)*n], in[4].F[r*n:(r+1)*n], out[0].F[r*n:(r+1)*n]
		mean, rstd := in[2].F[r], in[3].F[r]
		var sumG, sumGH T // g = dy w is the gradient of h = (x - mean) rstd
		for i := range x {
			h := (x[i] - mean) * rstd
			sumG += dy[i] * w[i]
			sumGH += dy[i] * w[i] * h
			dw[i] += dy[i] * h
			db[i] += dy[i]
		}
		for i := range x {
			h := (x[i] - mean) * rstd
			dx[i] = rstd * (dy[i]*w[i] - sumG/T(n) - h*sumGH/T(n))
		}
	}
}

func layerNormCases() []Case {
	var cases []Case
	for i, s := range normShapes {
		n := s.shape[len(s.shape)-1]
		cases = append(cases, Case{Name: s.name, P: NormParams{1e-5}, In: []Fill{Normal(s.shape...), Normal(n), Normal(n)}, Special: i == 0})
	}
	return append(cases,
		Case{Name: "far from zero", P: NormParams{1e-5}, In: []Fill{Uniform(10, 11, 5, 301), Normal(301), Normal(301)}},
		Case{Name: "bench", P: NormParams{1e-5}, In: []Fill{Normal(3072, 516), Normal(516), Normal(516)}, Bench: true})
}

func layerNormBackwardCases() []Case {
	c := func(name string, shape []int) Case {
		_, n := rowsOf(shape)
		lead := shape[:len(shape)-1]
		return Case{Name: name, P: None{}, In: []Fill{Normal(shape...), Normal(n), Normal(lead...), Uniform(0.5, 2, lead...), Normal(shape...)}}
	}
	var cases []Case
	for _, s := range normShapes {
		cases = append(cases, c(s.name, s.shape))
	}
	bench := c("bench", []int{3072, 516})
	bench.Bench = true
	return append(cases, bench)
}
