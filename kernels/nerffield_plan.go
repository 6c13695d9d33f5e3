package kernels

const (
	// fieldPass is the number of points in a pass of the gradient, whose
	// activations lie in temporary buffers.
	fieldPass = 1 << 15
	// fieldPart points are added up by one workgroup, or more if there would be
	// more than fieldParts sums.
	fieldPart  = 512
	fieldParts = 128
)

// fieldPlan is a call on a GPU.
type fieldPlan struct {
	NeRFFieldParams
	NeRFFieldSize
	*Plan
}

func newFieldPlan(p NeRFFieldParams, pl *Plan) *fieldPlan {
	return &fieldPlan{p, p.SizeOf(pl.In[0].Shape(), pl.In[1].Shape()), pl}
}

// fieldRange is a part of a call: n points of networks, from first on.
type fieldRange struct{ network, networks, first, n int }

func (f *fieldPlan) words(r fieldRange) []uint32 {
	out := f.Layers()[f.Hidden].Offset
	return Words(r.n, r.networks*r.n, f.N, r.first, r.network, f.Shared, f.Raw, f.Octaves, f.Hidden, f.Width, f.W, out)
}

// by tells how rows are read: those of Width, and those of the first matrix.
func (f *fieldPlan) by() (vec, vecIn Const) {
	quads := f.Width%4 == 0
	return Const{"VEC", quads}, Const{"VEC_IN", quads && f.Octaves%2 == 0}
}

// blocks is the grid of the shaders that carry 32 points through a network.
func (f *fieldPlan) blocks(r fieldRange) [3]uint32 { return f.Fold(r.networks * ceilDiv(r.n, 32)) }

func nerfFieldPlan(p NeRFFieldParams, pl *Plan) {
	f := newFieldPlan(p, pl)
	vec, vecIn := f.by()
	all := fieldRange{networks: f.G, n: f.N}
	pl.Dispatch("nerffield", []Const{vec, vecIn, {"SAVE", false}}, f.words(all), pl.Operands(), f.blocks(all))
}

// nerfFieldBackwardPlan computes, in passes, the activations of points again,
// their gradients, and parts of the sums that are the matrices' gradients. Then
// it adds up the parts.
func nerfFieldBackwardPlan(p NeRFFieldParams, pl *Plan) {
	f := newFieldPlan(p, pl)
	part := max(fieldPart, ceilDiv(f.N, 16*fieldParts)*16)
	parts := max(1, ceilDiv(f.N, part))
	points := max(1, min(f.N, fieldPass/part*part))
	networks := max(1, min(f.G, fieldPass/points))
	saved := f.save(networks * points)
	dw := B(pl.Out[0])
	sums := dw
	if parts > 1 {
		sums = pl.Temp(parts * networks * f.W)
	}
	for g := 0; g < f.G; g += networks {
		r := fieldRange{network: g, networks: min(networks, f.G-g)}
		for i := 0; i < max(1, f.N); i += points {
			r.first, r.n = i, min(points, f.N-i)
			f.pass(r, saved, part, sums, parts > 1)
		}
		if parts > 1 {
			f.sum(r, sums, parts, dw)
		}
	}
}

// fieldSaved are temporary buffers for the points of a pass: the activations of
// the hidden layers and the outputs, and the gradients of both.
type fieldSaved struct{ hidden, outputs, dhidden, doutputs Bind }

func (f *fieldPlan) save(rows int) fieldSaved {
	hidden, outputs := max(1, f.Hidden*rows*f.Width), max(1, 4*rows)
	return fieldSaved{f.Temp(hidden), f.Temp(outputs), f.Temp(hidden), f.Temp(outputs)}
}

// pass computes the gradient's sums over the points of a range: to their places
// among all parts of its networks, or at once to the networks' gradients.
func (f *fieldPlan) pass(r fieldRange, s fieldSaved, part int, sums Bind, parts bool) {
	u, weights, drgb, dsigma := B(f.In[0]), B(f.In[1]), B(f.In[2]), B(f.In[3])
	vec, vecIn := f.by()
	words := f.words(r)
	f.Dispatch("nerffield", []Const{vec, vecIn, {"SAVE", true}}, words, []Bind{u, weights, s.hidden, s.outputs}, f.blocks(r))
	f.Dispatch("nerffield_chain", []Const{vec}, words,
		[]Bind{u, weights, drgb, dsigma, s.hidden, s.outputs, s.dhidden, s.doutputs}, f.blocks(r))
	to, networks := r.network, f.G // of sums
	if parts {
		to, networks = 0, r.networks
	}
	tiles := ceilDiv(6*f.Octaves, 64) + f.Hidden
	f.Dispatch("nerffield_weights", []Const{vec, vecIn}, append(words, Words(f.Outputs, to, networks, part, r.first/part)...),
		[]Bind{u, s.hidden, s.dhidden, s.doutputs, sums}, [3]uint32{uint32(tiles), uint32(max(1, ceilDiv(r.n, part))), uint32(r.networks)})
}

// sum adds up the parts of the gradients of a range's networks.
func (f *fieldPlan) sum(r fieldRange, sums Bind, parts int, dw Bind) {
	vec, width := Const{"VEC", false}, 1
	if f.W%4 == 0 {
		vec, width = Const{"VEC", true}, 4
	}
	n := r.networks * f.W / width
	f.Dispatch("nerffield_sum", []Const{vec}, Words(n, parts, r.network*f.W/width), []Bind{sums, dw}, f.Fold(ceilDiv(n, 256)))
}
