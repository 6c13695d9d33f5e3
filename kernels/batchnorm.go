package kernels

import "math"

// BatchNorm normalises every channel over all rows and scales it: for x
// (..., c), w (c) and b (c),
//
//	y = (x - mean) w / sqrt(var + eps) + b
//
// with the mean and the biased variance (c) of this batch, as
// torch.nn.BatchNorm1d does in training with channels last.
var BatchNorm = Declare(Decl[NormParams]{
	Name: "batch_norm", Doc: "y = (x - mean) w / sqrt(var + eps) + b over all axes but the last; the batch's mean and biased variance",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "b"}},
	Out: []Arg{{Name: "y"}, {Name: "mean"}, {Name: "var"}},
	Shapes: func(_ NormParams, in [][]int) [][]int {
		c := checkChannels("batch_norm", in)
		rows, _ := rowsOf(in[0])
		Check(rows > 0, "batch_norm", in, "statistics of no rows")
		return [][]int{in[0], c, c}
	},
	Ref32: batchNormRef[float32], Ref64: batchNormRef[float64],
	Shader: batchNormPlan,
	Cost:   normCost(10), Tol: TolNorm, Cases: batchNormCases(),
})

// BatchNormInference is BatchNorm with given statistics, such as the running
// ones.
var BatchNormInference = Declare(Decl[NormParams]{
	Name: "batch_norm_inference", Doc: "batch_norm with given mean and variance",
	In:  []Arg{{Name: "x"}, {Name: "w"}, {Name: "b"}, {Name: "mean"}, {Name: "var"}},
	Out: []Arg{{Name: "y"}},
	Shapes: func(_ NormParams, in [][]int) [][]int {
		checkChannels("batch_norm_inference", in)
		return [][]int{in[0]}
	},
	Ref32: batchNormInferenceRef[float32], Ref64: batchNormInferenceRef[float64],
	Shader: func(p NormParams, pl *Plan) { batchNormApply(pl, p, B(pl.In[3]), B(pl.In[4])) },
	Cost:   normCost(4), Tol: TolNorm, Cases: batchNormInferenceCases(),
})

// BatchNormUpdateParams are the weight of the new batch and its number of
// rows.
type BatchNormUpdateParams struct {
	Momentum float32
	Rows     int
}

// BatchNormUpdate moves running statistics towards a batch's: running =
// (1 - momentum) running + momentum batch. As in PyTorch the running variance
// is the unbiased one, var rows / (rows - 1).
var BatchNormUpdate = Declare(Decl[BatchNormUpdateParams]{
	Name: "batch_norm_update", Doc: "running statistics, weighted with momentum; the variance unbiased",
	In:  []Arg{{Name: "mean"}, {Name: "var"}},
	Out: []Arg{{Name: "running_mean", InOut: true}, {Name: "running_var", InOut: true}},
	Shapes: func(p BatchNormUpdateParams, in [][]int) [][]int {
		Check(sameShape(in[0], in[1]), "batch_norm_update", in, "mean and variance differ in shape")
		Check(p.Rows > 1, "batch_norm_update", in, "the variance of %d rows has no unbiased form", p.Rows)
		return [][]int{in[0], in[1]}
	},
	Ref32: batchNormUpdateRef[float32], Ref64: batchNormUpdateRef[float64],
	Shader: func(p BatchNormUpdateParams, pl *Plan) {
		c := pl.In[0].Len()
		pl.Dispatch("batchnorm_update", nil, Words(c, p.Momentum, p.unbias()), pl.Operands(), pl.Fold(ceilDiv(c, 256)))
	},
	Cost: func(_ BatchNormUpdateParams, in, _ [][]int) Cost { return Cost{FLOPs: 7 * int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "odd", P: BatchNormUpdateParams{0.1, 7}, In: []Fill{Normal(43), Uniform(0, 2, 43)}, InOut: []Fill{Normal(43), Uniform(0, 2, 43)}},
		{Name: "two rows", P: BatchNormUpdateParams{1, 2}, In: []Fill{Normal(300), Uniform(0, 2, 300)}, InOut: []Fill{Normal(300), Uniform(0, 2, 300)}},
	},
})

func (p BatchNormUpdateParams) unbias() float32 { return float32(p.Rows) / float32(p.Rows-1) }

// checkChannels checks that all inputs but the first have shape (c), where c
// is the length of the first's last axis, and returns that shape.
func checkChannels(op string, in [][]int) []int {
	Check(len(in[0]) > 0, op, in, "operand without axes")
	c := []int{in[0][len(in[0])-1]}
	for _, s := range in[1:] {
		Check(sameShape(s, c), op, in, "operand of shape %v, want %v", s, c)
	}
	return c
}

func batchNormRef[T Real](p NormParams, in, out []View[T]) {
	rows, c := in[0].Rows()
	column := make([]T, rows)
	for j := range c {
		for r := range rows {
			column[r] = in[0].F[r*c+j]
		}
		out[1].F[j], out[2].F[j] = meanVar(column)
	}
	batchNormInferenceRef(p, []View[T]{in[0], in[1], in[2], out[1], out[2]}, out[:1])
}

func batchNormInferenceRef[T Real](p NormParams, in, out []View[T]) {
	_, c := in[0].Rows()
	w, b, mean, variance := in[1].F, in[2].F, in[3].F, in[4].F
	for i, x := range in[0].F {
		j := i % c
		rstd := T(1 / math.Sqrt(float64(variance[j]+T(p.Eps))))
		out[0].F[i] = (x-mean[j])*rstd*w[j] + b[j]
	}
}

func batchNormUpdateRef[T Real](p BatchNormUpdateParams, in, out []View[T]) {
	m := T(p.Momentum)
	for j := range in[0].F {
		out[0].F[j] = (1-m)*out[0].F[j] + m*in[0].F[j]
		out[1].F[j] = (1-m)*out[1].F[j] + m*in[1].F[j]*T(p.Rows)/T(p.Rows-1)
	}
}

// batchNormPlan takes the statistics of chunks of rows, merges them, and
// normalises in a second pass over x.
func batchNormPlan(p NormParams, pl *Plan) {
	rows, c := rowsOf(pl.In[0].Shape())
	if c == 0 {
		return
	}
	s := span{1, rows, c}
	lanes, chunks := s.lanes(), s.chunks()
	groups := ceilDiv(c, 256/lanes)
	mean, variance := B(pl.Out[1]), B(pl.Out[2])
	stats := func(lanes, parts, perPart, chunks int, bind ...Bind) {
		pl.Dispatch("batchnorm_stats", []Const{{"LANES", lanes}, {"MERGE", len(bind) == 4}, {"FINAL", chunks == 1}},
			Words(c, rows, parts, perPart, ceilDiv(c, 256/lanes), chunks), bind, pl.Fold(groups*chunks))
	}
	if chunks == 1 {
		stats(lanes, rows, 1, 1, B(pl.In[0]), mean, variance)
	} else {
		means, squares := pl.Temp(chunks*c), pl.Temp(chunks*c)
		stats(lanes, rows, 1, chunks, B(pl.In[0]), means, squares)
		stats(lanes, chunks, ceilDiv(rows, chunks), 1, means, squares, mean, variance)
	}
	batchNormApply(pl, p, mean, variance)
}

func batchNormApply(pl *Plan, p NormParams, mean, variance Bind) {
	_, c := rowsOf(pl.In[0].Shape())
	n := pl.In[0].Len()
	pl.Dispatch("batchnorm", nil, Words(n, c, p.Eps),
		[]Bind{B(pl.In[0]), B(pl.In[1]), B(pl.In[2]), mean, variance, B(pl.Out[0])}, pl.Fold(ceilDiv(n, 256)))
}

// channelShapes are the shapes the cases of batch norms run over.
var channelShapes = []struct {
	name  string
	shape []int
}{
	{"odd", []int{7, 43}},
	{"three axes", []int{2, 30, 70}},
	{"tall, split", []int{1111, 37}},
	{"thin, split", []int{9001, 3}},
	{"one channel", []int{300, 1}},
	{"no channels", []int{5, 0}},
}

func batchNormCases() []Case {
	c := func(name string, x Fill) Case {
		n := x.Shape[len(x.Shape)-1]
		return Case{Name: name, P: NormParams{1e-5}, In: []Fill{x, Normal(n), Normal(n)}}
	}
	var cases []Case
	for _, s := range channelShapes {
		cases = append(cases, c(s.name, Normal(s.shape...)))
	}
	bench := c("bench", Normal(4, 336, 1024))
	bench.Bench = true
	return append(cases, c("far from zero", Uniform(10, 11, 700, 33)), bench)
}

func batchNormInferenceCases() []Case {
	c := func(name string, shape ...int) Case {
		n := shape[len(shape)-1]
		return Case{Name: name, P: NormParams{1e-5}, In: []Fill{Normal(shape...), Normal(n), Normal(n), Normal(n), Uniform(0.1, 2, n)}}
	}
	bench := c("bench", 4, 336, 1024)
	bench.Bench = true
	return []Case{c("odd", 7, 43), c("one row", 1, 300), c("empty", 0, 5), bench}
}
