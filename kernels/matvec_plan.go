package kernels

import (
	"fmt"
	"slices"
	"strings"

	"llana/tensor"
)

const (
	// maxRows is the number of rows up to which products stream the weights
	// without being tried: beyond, tiles share what they read and need less of
	// the caches.
	maxRows = 8
	// maxStreamed is the number up to which streaming is tried beside tiles,
	// most of which such a product would leave empty.
	maxStreamed = 32
)

// lanes are the variants of matvec: how many invocations share a column. More
// of them suit long rows and few columns.
var lanes = []int{16, 32, 64}

var laneNames = []string{"16lanes", "32lanes", "64lanes"}

// streams reports whether matvec computes products of m rows of length k with
// the weights.
func streams(m, k int, weights ...*tensor.Tensor) bool {
	for _, w := range weights {
		if k%chunkLen(w.DType()) != 0 {
			return false
		}
	}
	return m > 0 && k > 0
}

// chunkLen is the number of elements that 16 bytes of a row hold.
func chunkLen(d tensor.DType) int {
	switch d {
	case tensor.BF16, tensor.F16:
		return 8
	case tensor.Q8:
		return 16
	case tensor.Q4:
		return 32
	}
	return 4
}

// presetLanes is the default: lanes have several chunks each, so that loads are
// under way while others are used.
func presetLanes(k int, w *tensor.Tensor) int {
	n := lanes[0]
	for _, l := range lanes {
		if k/chunkLen(w.DType()) >= 6*l {
			n = l
		}
	}
	return n
}

// laneClass describes streaming products; columns counts them all.
func laneClass(m, k, columns int, weights ...*tensor.Tensor) string {
	var types []string
	for _, w := range weights {
		types = append(types, w.DType().String())
	}
	return fmt.Sprintf("%s %s", strings.Join(types, "+"), MatMulSize{G: 1, M: m, N: columns, K: k}.class())
}

// matvec dispatches products of x (m, k) with some weights, with n lanes to a
// column. With swiglu it makes one output of two weights.
func matvec(pl *Plan, n, m, k int, x *tensor.Tensor, weights []*tensor.Tensor, swiglu bool, e epilogue, out ...Bind) {
	rows, cols, most := 1, 4, 8
	for _, w := range weights {
		if chunkLen(w.DType()) > 8 {
			most = 4 // a long chunk needs many registers for x
		}
	}
	for rows < min(m, most) {
		rows *= 2
	}
	if swiglu {
		cols = 2 // of either weight
	}
	consts := []Const{{"ROWS", rows}, {"COLS", cols}, {"WEIGHTS", len(weights)}, {"SWIGLU", swiglu}}
	params := []any{m, k, 0, 0, 0, n, e.bits()}
	bind := []Bind{B(x)}
	groups := 0
	for i := range 3 {
		w := weights[min(i, len(weights)-1)]
		consts = append(consts, Const{[...]string{"WEIGHT0", "WEIGHT1", "WEIGHT2"}[i], w.DType().String()})
		if i < len(weights) {
			params[2+i] = w.Dim(0)
			bind = append(bind, B(w))
			if i == 0 || !swiglu {
				groups += ceilDiv(w.Dim(0), 64/n*cols)
			}
		}
	}
	if len(weights) == 1 {
		bind = append(bind, B(e.bias), B(e.residual))
	}
	pl.Dispatch("matvec", consts, Words(params...), append(bind, out...), pl.Fold(groups*ceilDiv(m, rows)))
}

// pickLanes asks for a variant of streaming products.
func pickLanes(pl *Plan, m, k int, weights []*tensor.Tensor) int {
	class := func() string {
		columns := 0
		for _, w := range weights {
			columns += w.Dim(0)
		}
		return laneClass(m, k, columns, weights...)
	}
	return lanes[pl.Pick(class, slices.Index(lanes, presetLanes(k, weights[0])), laneNames)]
}

// qkvPlan computes few rows in one dispatch, many as three products.
func qkvPlan(_ None, pl *Plan) {
	x, weights := pl.In[0], pl.In[1:]
	m, k := x.Dim(0), x.Dim(1)
	if m > maxRows || !streams(m, k, weights...) || !fit(pl.Limits, weights...) {
		for i, out := range pl.Out {
			linearPlan(pl, weights[i], B(out))
		}
		return
	}
	matvec(pl, pickLanes(pl, m, k, weights), m, k, x, weights, false, epilogue{}, B(pl.Out[0]), B(pl.Out[1]), B(pl.Out[2]))
}

// swigluLinearPlan computes few rows in one dispatch, if the weights are stored
// alike.
func swigluLinearPlan(_ None, pl *Plan) {
	x, weights := pl.In[0], pl.In[1:]
	m, k := x.Dim(0), x.Dim(1)
	if m <= maxRows && streams(m, k, weights...) && fit(pl.Limits, weights...) && weights[0].DType() == weights[1].DType() {
		matvec(pl, pickLanes(pl, m, k, weights), m, k, x, weights, true, epilogue{}, B(pl.Out[0]))
		return
	}
	n := pl.Out[0].Len()
	gate, up := pl.Temp(max(1, n)), pl.Temp(max(1, n))
	linearPlan(pl, weights[0], gate)
	linearPlan(pl, weights[1], up)
	swigluDispatch(pl, n, false, []Bind{gate, up, B(pl.Out[0])})
}

// linearPlan dispatches the product of the first input with a weight matrix.
func linearPlan(pl *Plan, w *tensor.Tensor, out Bind) {
	p := MatMulParams{TransB: true}
	product(pl, p, p.SizeOf(pl.In[0].Shape(), w.Shape()), pl.In[0], w, epilogue{}, out)
}
