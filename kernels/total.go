package kernels

// What total.wgsl sums over all elements (its constant KIND).
const (
	totalSquares     = 0
	totalSmoothL1    = 1
	totalBCE         = 2
	totalWeightedBCE = 3
)

// totalPlan sums a function of all elements of the n-element operands into
// output 0, of one element: workgroups leave partial sums, which a second
// dispatch adds, scales, and with add adds to the output.
func totalPlan(pl *Plan, kind int, operands []Bind, n int, scale float32, add bool) {
	const perGroup = 256 * 16
	groups := min(1024, ceilDiv(n, perGroup))
	parts := pl.Temp(max(1, groups))
	pl.Dispatch("total", []Const{{"KIND", kind}}, Words(n, groups), append(operands, parts), pl.Fold(groups))
	reduceDispatch(pl, span{1, groups, 1}, 1, scale, add, parts, B(pl.Out[0]))
}
