package kernels

import "math"

// BatchNormBackwardParams hold the Eps of the forward pass. With Given, the
// statistics were not the batch's own and do not depend on x.
type BatchNormBackwardParams struct {
	Eps   float32
	Given bool
}

// BatchNormBackward is the gradient of BatchNorm, and with Given of
// BatchNormInference. mean and var are those of the forward pass.
var BatchNormBackward = Declare(Decl[BatchNormBackwardParams]{
	Name: "batch_norm_backward", Doc: "dx, dw, db of batch_norm",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "mean"}, {Name: "var"}, {Name: "dy"}},
	Out: []Arg{{Name: "dx"}, {Name: "dw"}, {Name: "db"}},
	Shapes: func(_ BatchNormBackwardParams, in [][]int) [][]int {
		c := checkChannels("batch_norm_backward", in[:4])
		Check(sameShape(in[0], in[4]), "batch_norm_backward", in, "x and dy differ in shape")
		return [][]int{in[0], c, c}
	},
	Ref32: batchNormBackwardRef[float32], Ref64: batchNormBackwardRef[float64],
	Shader: batchNormBackwardPlan,
	Cost: func(_ BatchNormBackwardParams, in, _ [][]int) Cost {
		return Cost{FLOPs: 12 * int64(numel(in[0]))}
	},
	Tol: TolNorm, Cases: batchNormBackwardCases(),
})

func batchNormBackwardRef[T Real](p BatchNormBackwardParams, in, out []View[T]) {
	rows, c := in[0].Rows()
	x, dy, dx := in[0].F, in[4].F, out[0].F
	for j := range c {
		mean := in[2].F[j]
		rstd := T(1 / math.Sqrt(float64(in[3].F[j]+T(p.Eps))))
		var dw, db T
		for r := range rows {
			i := r*c + j
			dw += dy[i] * (x[i] - mean) * rstd
			db += dy[i]
		}
		out[1].F[j], out[2].F[j] = dw, db
		for r := range rows {
			i := r*c + j
			g := dy[i]
			if !p.Given {
				g -= (db + (x[i]-mean)*rstd*dw) / T(rows)
			}
			dx[i] = in[1].F[j] * rstd * g
		}
	}
}

// batchNormBackwardPlan sums dw and db in a first pass over x and dy, which dx
// needs in a second one.
func batchNormBackwardPlan(p BatchNormBackwardParams, pl *Plan) {
	rows, c := rowsOf(pl.In[0].Shape())
	if c == 0 {
		return
	}
	x, w, mean, variance, dy := B(pl.In[0]), B(pl.In[1]), B(pl.In[2]), B(pl.In[3]), B(pl.In[4])
	dx, dw, db := B(pl.Out[0]), B(pl.Out[1]), B(pl.Out[2])
	s := span{1, rows, c}
	lanes, chunks := s.lanes(), s.chunks()
	groups := ceilDiv(c, 256/lanes)
	partW, partB := dw, db
	if chunks > 1 {
		partW, partB = pl.Temp(chunks*c), pl.Temp(chunks*c)
	}
	pl.Dispatch("batchnorm_sums", []Const{{"LANES", lanes}}, Words(c, rows, groups, chunks, p.Eps),
		[]Bind{x, mean, variance, dy, partW, partB}, pl.Fold(groups*chunks))
	if chunks > 1 {
		sumDispatch(pl, span{1, chunks, c}, 1, 1, partW, dw)
		sumDispatch(pl, span{1, chunks, c}, 1, 1, partB, db)
	}
	n := rows * c
	pl.Dispatch("batchnorm_backward", []Const{{"GIVEN", p.Given}}, Words(n, c, rows, p.Eps),
		[]Bind{x, w, mean, variance, dy, dw, db, dx}, pl.Fold(ceilDiv(n, 256)))
}

func batchNormBackwardCases() []Case {
	c := func(name string, given bool, shape ...int) Case {
		n := shape[len(shape)-1]
		return Case{Name: name, P: BatchNormBackwardParams{1e-5, given},
			In: []Fill{Normal(shape...), Normal(n), Normal(n), Uniform(0.1, 2, n), Normal(shape...)}}
	}
	var cases []Case
	for _, s := range channelShapes {
		cases = append(cases, c(s.name, false, s.shape...))
	}
	bench := c("bench", false, 4, 336, 1024)
	bench.Bench = true
	return append(cases, c("given statistics", true, 70, 43), c("no rows", true, 0, 43), bench)
}
