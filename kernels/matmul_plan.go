package kernels

import (
	"fmt"
	"math/bits"
	"slices"

	"llana/tensor"
)

// epilogue is what happens to a product before it is stored.
type epilogue struct {
	bias, residual *tensor.Tensor // or nil
	relu           bool
	add            bool // to what out holds
}

// bits is how the shaders are told.
func (e epilogue) bits() int {
	n := 0
	for i, on := range []bool{e.bias != nil, e.relu, e.residual != nil, e.add} {
		if on {
			n |= 1 << i
		}
	}
	return n
}

// matmulTile is a variant of the tiled product: a workgroup computes m x n
// elements, an invocation rows x cols of them, in steps of slice along K.
type matmulTile struct {
	name              string
	m, n              int
	rows, cols, slice int
	// cost is the time for an element beside the first's, where many
	// workgroups run: larger register tiles read workgroup memory less often.
	cost float64
}

// matmulTiles are the variants, from large to small. All add up an element's
// products in the same order, so that results do not depend on the choice.
var matmulTiles = []matmulTile{
	{"128x128", 128, 128, 8, 8, 16, 1},
	{"128x64", 128, 64, 8, 4, 16, 1.15},
	{"64x64", 64, 64, 4, 4, 16, 1.35},
	{"32x32", 32, 32, 4, 4, 16, 1.7},
}

func matmulPlan(p MatMulParams, pl *Plan) {
	z := p.SizeOf(pl.In[0].Shape(), pl.In[1].Shape())
	e := epilogue{add: len(pl.In) == 2, relu: p.Act == ActReLU}
	if !e.add {
		e.bias, e.residual = pl.In[2], pl.In[3]
	}
	product(pl, p, z, pl.In[0], pl.In[1], e, B(pl.Out[0]))
}

// product dispatches one product.
func product(pl *Plan, p MatMulParams, z MatMulSize, a, b *tensor.Tensor, e epilogue, out Bind) {
	if !p.TransA && z.StrideB == 0 {
		// A batch with one B is a longer product.
		z.M, z.G, z.StrideA = z.G*z.M, 1, 0
	}
	if rows := bindable(pl.Limits, b); rows < b.Dim(0) && p.TransB && b.Rank() == 2 {
		productInRanges(pl, p, z, a, b, rows, e, out)
		return
	}
	way := pickWay(pl, p, z, a, b)
	if way.lanes > 0 {
		matvec(pl, way.lanes, z.M, z.K, a, []*tensor.Tensor{b}, false, e, out)
		return
	}
	tiled(pl, p, z, way.tile, a, b, e, out)
}

// tiled dispatches a product in tiles.
func tiled(pl *Plan, p MatMulParams, z MatMulSize, t matmulTile, a, b *tensor.Tensor, e epilogue, out Bind) {
	parts := z.parts()
	vecOut := z.N%4 == 0
	last := e
	to := out
	if parts > 1 {
		to = pl.Temp(parts * z.G * z.M * z.N)
		last = epilogue{}
	}
	part := ceilDiv(ceilDiv(z.K, parts), t.slice) * t.slice
	grid := pl.Fold(ceilDiv(z.M, t.m) * ceilDiv(z.N, t.n))
	grid[2] = uint32(z.G * parts)
	pl.Dispatch("matmul",
		[]Const{{"TILE_M", t.m}, {"TILE_N", t.n}, {"ROWS", t.rows}, {"COLS", t.cols}, {"SLICE", t.slice},
			{"TRANS_A", p.TransA}, {"TRANS_B", p.TransB}, {"WEIGHT", b.DType().String()},
			{"VEC_A", byQuads(a)}, {"VEC_B", byQuads(b)}, {"VEC_OUT", vecOut}},
		Words(z.M, z.N, z.K, part, parts, z.StrideA != 0, z.StrideB != 0, last.bits()),
		[]Bind{B(a), B(b), B(last.bias), B(last.residual), to}, grid)
	if parts > 1 {
		n, width := z.G*z.M*z.N, 1
		if vecOut {
			width = 4
		}
		pl.Dispatch("matmul_sum", []Const{{"VEC_OUT", vecOut}}, Words(n/width, z.N/width, parts, e.bits()),
			[]Bind{to, B(e.bias), B(e.residual), out}, pl.Fold(ceilDiv(n/width, 256)))
	}
}

const (
	// A GPU is busy with about this many workgroups of the middle tile.
	busyGroups = 256
	// A part of a sum along K is at least this long: storing and reading a
	// partial sum takes the time of some hundred multiply-adds.
	minPart  = 512
	maxParts = 128
)

// parts returns in how many pieces K is cut, so that products with few
// elements and long sums, the gradients of weights, keep a GPU busy. It
// depends on nothing but the lengths.
func (z MatMulSize) parts() int {
	groups := z.G * ceilDiv(z.M, 64) * ceilDiv(z.N, 64)
	if groups == 0 || groups >= busyGroups {
		return 1
	}
	return max(1, min(2*busyGroups/groups, z.K/minPart, maxParts))
}

// matmulWay is a variant of a product: in tiles, or streaming B with some lanes
// to a column.
type matmulWay struct {
	tile  matmulTile
	lanes int
}

// matmulWays are all variants: streaming ones, then tiles.
var matmulWays, matmulNames = func() (ways []matmulWay, names []string) {
	for i, l := range lanes {
		ways, names = append(ways, matmulWay{lanes: l}), append(names, laneNames[i])
	}
	for _, t := range matmulTiles {
		ways, names = append(ways, matmulWay{tile: t}), append(names, t.name)
	}
	return ways, names
}()

// pickWay asks for a variant. Without measurements it is the one with the lowest
// estimate.
func pickWay(pl *Plan, p MatMulParams, z MatMulSize, a, b *tensor.Tensor) matmulWay {
	// The variants that suit are a range of all. Where elements are gathered one
	// by one, which takes longer than large tiles save, only small tiles do.
	tiles := len(lanes)
	if !byQuads(a, b) {
		tiles += 2
	}
	from, to := tiles, len(matmulWays)
	if p.TransB && !p.TransA && z.G == 1 && b.Rank() == 2 && z.M <= maxStreamed && streams(z.M, z.K, b) {
		from = 0
		if z.M == 1 {
			to = len(lanes)
		}
	}
	preset := 0
	if from > 0 || z.M > maxRows {
		preset = tiles - from + z.bestTile(pl.Limits, matmulTiles[tiles-len(lanes):])
	} else {
		preset = slices.Index(lanes, presetLanes(z.K, b))
	}
	class := func() string { return p.class(b.DType(), byQuads(a, b)) + z.class() }
	return matmulWays[from+pl.Pick(class, preset, matmulNames[from:to])]
}

// class describes how the operands are stored.
func (p MatMulParams) class(weight tensor.DType, quads bool) string {
	class := weight.String() + " "
	if p.TransA {
		class += "ta "
	}
	if p.TransB {
		class += "tb "
	}
	if !quads {
		class += "odd "
	}
	return class
}

// byQuads reports whether operands are read by quads.
func byQuads(operands ...*tensor.Tensor) bool {
	for _, x := range operands {
		if x.Dim(-1)%4 != 0 {
			return false
		}
	}
	return true
}

// bestTile returns the index of the tile with the lowest estimate.
func (z MatMulSize) bestTile(l Limits, tiles []matmulTile) int {
	best, lowest := 0, 0.0
	workers := l.Workers
	if workers == 0 {
		workers = busyGroups / 4
	}
	for i, t := range tiles {
		groups := z.G * z.parts() * ceilDiv(z.M, t.m) * ceilDiv(z.N, t.n)
		// A tile's share of the GPU, while there are few of them.
		work := float64(max(groups, workers)) * float64(t.m*t.n) * t.cost
		if i == 0 || work < lowest {
			best, lowest = i, work
		}
	}
	return best
}

// class describes lengths by powers of two: products of a class run best with
// the same variant.
func (z MatMulSize) class() string {
	up := func(n int) int { return 1 << bits.Len(uint(max(0, n-1))) }
	return fmt.Sprintf("%dx%dx%dx%d", up(z.G), up(z.M), up(z.N), up(z.K))
}
