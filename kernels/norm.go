package kernels

// NormParams are the parameters of the normalisations: Eps is added to the
// variance (the mean square for RMSNorm).
type NormParams struct{ Eps float32 }

// normLayout says how a row of n elements is spread over registers.
type normLayout struct {
	vec   bool // in units of four elements
	width int  // units in a row
	lanes int  // invocations that share a row
	per   int  // units of one invocation, at most
}

// normLayoutOf gives an invocation about 4 vectors or 8 single elements, but a
// row at least so many neighbours that they read whole cache lines.
func normLayoutOf(n int) normLayout {
	l := normLayout{vec: n%4 == 0, width: n}
	each, neighbours := 8, 32
	if l.vec {
		l.width, each, neighbours = n/4, 4, 8
	}
	l.lanes = min(256, max(ceilPow2(l.width/each), min(neighbours, ceilPow2(l.width))))
	l.per = ceilDiv(l.width, l.lanes)
	return l
}

func (l normLayout) consts(rms bool) []Const {
	return []Const{{"VEC", l.vec}, {"LANES", l.lanes}, {"PER", l.per}, {"RMS", rms}}
}

// normPlan normalises the rows of input 0. Registers hold a row: memory is
// read once.
func normPlan(pl *Plan, p NormParams, rms bool) {
	rows, n := rowsOf(pl.In[0].Shape())
	l := normLayoutOf(n)
	pl.Dispatch("norm", l.consts(rms), Words(rows, n, l.width, p.Eps), pl.Operands(), pl.Fold(ceilDiv(rows, 256/l.lanes)))
}

// normBackwardPlan computes dx in one pass over x and dy, which also leaves
// sums over a few rows for the gradients of the weights; a second pass adds
// those. dw and db are the last outputs.
func normBackwardPlan(pl *Plan, rms bool) {
	rows, n := rowsOf(pl.In[0].Shape())
	l := normLayoutOf(n)
	if l.vec && l.per > 4 && l.lanes < 256 {
		// An invocation holds five vectors for each unit.
		l.lanes *= 2
		l.per = ceilDiv(l.width, l.lanes)
	}
	rowsPerGroup := 256 / l.lanes
	groups := min(512, ceilDiv(rows, 8*rowsPerGroup))
	slots := groups * rowsPerGroup
	turns := ceilDiv(rows, max(1, slots))
	bind := []Bind{}
	for _, t := range pl.In {
		bind = append(bind, B(t))
	}
	bind = append(bind, B(pl.Out[0]))
	weights := pl.Out[1:]
	var parts []Bind
	for range weights {
		parts = append(parts, pl.Temp(max(1, slots*n)))
	}
	pl.Dispatch("norm_backward", l.consts(rms), Words(rows, n, l.width, slots, turns), append(bind, parts...), pl.Fold(groups))
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

// normShapes are the shapes the cases of row-wise normalisations run over. Few
// row lengths: each is another kernel to compile.
var normShapes = []struct {
	name  string
	shape []int
}{
	{"odd", []int{7, 43}},
	{"three axes", []int{2, 3, 516}},
	{"one row", []int{1, 43}},
	{"short rows", []int{300, 3}},
	{"rows of one", []int{5, 1}},
	{"rows of two", []int{5, 2}},
	{"rows of 64", []int{40, 64}},
	{"rows of 2048", []int{3, 2048}},
	{"longer odd rows", []int{2, 301}},
	{"long rows", []int{3, 5120}},
	{"many rows", []int{1100, 43}},
	{"no rows", []int{0, 43}},
}
