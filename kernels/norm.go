package kernels

// NormParams are the parameters of the normalisations: Eps is added to the
// variance (the mean square for RMSNorm).
type NormParams struct{ Eps float32 }

// normPlan normalises the rows of input 0. Its registers hold a row, spread
// over lanes: memory is read once.
func normPlan(pl *Plan, p NormParams, rms bool) {
	rows, n := rowsOf(pl.In[0].Shape())
	lanes := normLanes(n)
	pl.Dispatch("norm", []Const{{"LANES", lanes}, {"PER", ceilDiv(n, lanes)}, {"RMS", rms}}, Words(rows, n, p.Eps),
		pl.Operands(), pl.Fold(ceilDiv(rows, 256/lanes)))
}

// normLanes returns how many invocations share a row of n elements: about 8
// elements for each, but neighbours enough to read whole cache lines.
func normLanes(n int) int {
	return min(256, max(ceilPow2(n/8), min(32, ceilPow2(n))))
}

// normBackwardPlan computes dx in one pass over x and dy, which also leaves
// sums over a few rows for the gradients of the weights; a second pass adds
// those. dw and db are the last outputs.
func normBackwardPlan(pl *Plan, rms bool) {
	rows, n := rowsOf(pl.In[0].Shape())
	lanes := normLanes(n)
	rowsPerGroup := 256 / lanes
	groups := min(512, ceilDiv(rows, 8*rowsPerGroup))
	slots := groups * rowsPerGroup
	turns := 0
	if slots > 0 {
		turns = ceilDiv(rows, slots)
	}
	weights := pl.Out[1:]
	bind := []Bind{}
	for _, t := range pl.In {
		bind = append(bind, B(t))
	}
	bind = append(bind, B(pl.Out[0]))
	var parts []Bind
	for range weights {
		parts = append(parts, pl.Temp(max(1, slots*n)))
	}
	pl.Dispatch("norm_backward", []Const{{"LANES", lanes}, {"PER", ceilDiv(n, lanes)}, {"RMS", rms}}, Words(rows, n, slots, turns),
		append(bind, parts...), pl.Fold(groups))
	for i, t := range weights {
		sumDispatch(pl, span{1, slots, n}, 1, 1, parts[i], B(t))
	}
}

func normCost(perElement int64) func(NormParams, [][]int, [][]int) Cost {
	return func(_ NormParams, in, _ [][]int) Cost { return Cost{FLOPs: perElement * int64(numel(in[0]))} }
}

// checkRows checks that x has a non-empty last axis and returns its length.
func checkRows(op string, in [][]int) int {
	Check(len(in[0]) > 0 && in[0][len(in[0])-1] > 0, op, in, "rows without elements")
	return in[0][len(in[0])-1]
}

// normShapes are the shapes the cases of row-wise normalisations run over.
var normShapes = []struct {
	name  string
	shape []int
}{
	{"odd", []int{7, 43}},
	{"three axes", []int{2, 3, 516}},
	{"one row", []int{1, 70}},
	{"short rows", []int{300, 3}},
	{"rows of one", []int{5, 1}},
	{"long rows", []int{3, 5120}},
	{"long odd rows", []int{2, 2049}},
	{"many rows", []int{1100, 37}},
	{"no rows", []int{0, 8}},
}
