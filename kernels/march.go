package kernels

import "math"

// MarchParams are the parameters of ray marching as nerfacc 0.3.5 does it:
// constant steps, no cone. The box is the cube [-Half, Half]^3.
type MarchParams struct {
	Half float32 // half the box's edge
	Step float32 // distance between samples
	Res  int     // cells of the occupancy grid along an axis; 0: no grid
}

// PublishedStep is the step of the published NeRFs: the diagonal of the box of
// half edge 0.7, divided by 1024.
const PublishedStep = float32(1.4 * 1.7320508075688772 / 1024)

// MarchCount counts the samples of each ray. origins and directions (R, 3);
// grid (Res^3, index x*Res^2 + y*Res + z, not 0 where occupied) and jitter (R,
// fractions of a step added to where the ray enters) may be absent.
var MarchCount = Declare(Decl[MarchParams]{
	Name: "march_count", Doc: "number of samples of each ray in occupied cells of the box",
	In:  []Arg{{Name: "origins"}, {Name: "directions"}, {Name: "grid", Kind: Int, Optional: true}, {Name: "jitter", Optional: true}},
	Out: []Arg{{Name: "counts", Kind: Int}},
	Shapes: func(p MarchParams, in [][]int) [][]int {
		return [][]int{{marchRays("march_count", p, in)}}
	},
	Ref32: marchCountRef[float32], Ref64: marchCountRef[float64],
	Shader: func(p MarchParams, pl *Plan) { marchPlan(p, pl, false) },
	Cost:   marchCost,
	Tol:    Exact,
	Cases:  marchCases(false),
})

// MarchSamples writes the samples that MarchCount counted, ray after ray:
// offsets (R+1) are the running sums of the counts. Outputs: the ray's number (S)
// and the distances where the sample's interval begins and ends (S, 2).
var MarchSamples = Declare(Decl[MarchParams]{
	Name: "march_samples", Doc: "ray number and interval of each sample",
	In: []Arg{{Name: "origins"}, {Name: "directions"}, {Name: "grid", Kind: Int, Optional: true},
		{Name: "jitter", Optional: true}, {Name: "offsets", Kind: Int}},
	Out: []Arg{{Name: "rays", Kind: Int}, {Name: "spans"}},
	Shapes: func(p MarchParams, in [][]int) [][]int {
		r := marchRays("march_samples", p, in)
		Check(sameShape(in[4], []int{r + 1}), "march_samples", in, "want offsets (R+1)")
		return [][]int{nil, nil} // the number of samples is the caller's to know
	},
	Ref32: marchSamplesRef[float32], Ref64: marchSamplesRef[float64],
	Shader: func(p MarchParams, pl *Plan) { marchPlan(p, pl, true) },
	Cost:   marchCost,
	// Distances add up step after step in float32, in the same order everywhere.
	Tol:   TolElementwise,
	Cases: marchCases(true),
})

func marchRays(op string, p MarchParams, in [][]int) int {
	Check(len(in[0]) == 2 && in[0][1] == 3 && sameShape(in[0], in[1]), op, in, "want origins and directions (R, 3)")
	Check((in[2] == nil) == (p.Res == 0), op, in, "a grid and its resolution go together")
	Check(in[2] == nil || numel(in[2]) == p.Res*p.Res*p.Res, op, in, "want %d^3 grid cells", p.Res)
	Check(in[3] == nil || sameShape(in[3], in[0][:1]), op, in, "want jitter (R)")
	return in[0][0]
}

func marchCost(p MarchParams, in, _ [][]int) Cost {
	return Cost{FLOPs: int64(in[0][0]) * int64(2*p.Half/p.Step) * 20}
}

func marchPlan(p MarchParams, pl *Plan, write bool) {
	r := pl.In[0].Dim(0)
	pl.Dispatch("march", []Const{{"WRITE", write}, {"GRID", p.Res > 0}, {"JITTER", pl.In[3] != nil}},
		Words(r, p.Res, p.Half, p.Step), pl.Operands(), pl.Fold(ceilDiv(r, 64)))
}

// Ray is a half line with a unit direction.
type Ray struct{ O, D [3]float32 }

// Enter returns the distances at which the ray enters and leaves the box,
// clipped at 0; both 1e10 if it misses.
func (p MarchParams) Enter(r Ray) (tmin, tmax float32) {
	tmin, tmax = float32(math.Inf(-1)), float32(math.Inf(1))
	for a := range 3 {
		inv := 1 / r.D[a]
		t0, t1 := (-p.Half-r.O[a])*inv, (p.Half-r.O[a])*inv
		if t1 < t0 {
			t0, t1 = t1, t0
		}
		// Comparisons that a NaN (0 * Inf, a ray inside a face) fails.
		if t0 > tmin {
			tmin = t0
		}
		if t1 < tmax {
			tmax = t1
		}
	}
	tmin = max(tmin, 0)
	if !(tmin < tmax) {
		return 1e10, 1e10
	}
	return tmin, tmax
}

// March calls emit for the interval of each sample along the ray. occupied is
// the grid, or nil. All arithmetic is float32, in the order of nerfacc: the
// number of samples depends on it.
func (p MarchParams) March(r Ray, occupied []int32, jitter float32, emit func(start, end float32)) {
	tmin, tmax := p.Enter(r)
	tmin += jitter * p.Step
	t0 := tmin
	t1 := t0 + p.Step
	mid := (t0 + t1) * 0.5
	for mid < tmax {
		if occupied == nil || p.occupied(r, occupied, mid) {
			emit(t0, t1)
			t0 = t1
			t1 = t0 + p.Step
			mid = (t0 + t1) * 0.5
			continue
		}
		target := min(mid+p.toNextCell(r, mid), tmax)
		mid += p.Step
		for mid < target {
			mid += p.Step
		}
		t0 = mid - p.Step*0.5
		t1 = mid + p.Step*0.5
	}
}

func (p MarchParams) unit(r Ray, t float32, axis int) float32 {
	return (r.O[axis] + float32(t*r.D[axis]) + p.Half) / (2 * p.Half)
}

func (p MarchParams) occupied(r Ray, grid []int32, t float32) bool {
	cell := 0
	for a := range 3 {
		u := p.unit(r, t, a)
		if !(u >= 0 && u <= 1) {
			return false
		}
		cell = cell*p.Res + min(max(int(u*float32(p.Res)), 0), p.Res-1)
	}
	return grid[cell] != 0
}

// toNextCell is the distance along the ray to the next cell boundary.
func (p MarchParams) toNextCell(r Ray, t float32) float32 {
	nearest := float32(math.Inf(1))
	for a := range 3 {
		v := p.unit(r, t, a) * float32(p.Res)
		sign := float32(math.Copysign(0.5, float64(r.D[a])))
		edge := float32(math.Floor(float64(v + 0.5 + sign)))
		d := (edge - v) * (1 / r.D[a]) / float32(p.Res) * (2 * p.Half)
		if d < nearest {
			nearest = d
		}
	}
	return max(nearest, 0)
}

// eachRay marches all rays of a call.
func eachRay[T Real](p MarchParams, in []View[T], emit func(ray int, start, end float32)) {
	for i := range in[0].Shape[0] {
		var r Ray
		for a := range 3 {
			r.O[a], r.D[a] = float32(in[0].F[3*i+a]), float32(in[1].F[3*i+a])
		}
		var jitter float32
		if in[3].F != nil {
			jitter = float32(in[3].F[i])
		}
		p.March(r, in[2].I, jitter, func(s, e float32) { emit(i, s, e) })
	}
}

func marchCountRef[T Real](p MarchParams, in, out []View[T]) {
	clear(out[0].I)
	eachRay(p, in, func(ray int, _, _ float32) { out[0].I[ray]++ })
}

func marchSamplesRef[T Real](p MarchParams, in, out []View[T]) {
	n := 0
	eachRay(p, in, func(ray int, s, e float32) {
		out[0].I[n], out[1].F[2*n], out[1].F[2*n+1] = int32(ray), T(s), T(e)
		n++
	})
}

// marchCases shoots rays along the axes through a box with dyadic sizes, so
// that no rounding can move a sample into another cell, and one that misses.
func marchCases(write bool) []Case {
	o := []float64{-2, 0.1, 0.2, 0.3, 2, -0.3, 0.1, 0.1, 0.1, -2, 3, 0}
	d := []float64{1, 0, 0, 0, -1, 0, 0, 0, 1, 1, 0, 0}
	grid := Ints(0, 2, 64)
	jitter := Values([]float64{0, 0.5, 0.25, 0.75}, 4)
	p := MarchParams{Half: 0.5, Step: 1.0 / 64, Res: 4}
	cases := []Case{
		{Name: "no grid", P: MarchParams{Half: 0.5, Step: 1.0 / 64}, In: []Fill{Values(o, 4, 3), Values(d, 4, 3), {}, {}}},
		{Name: "grid", P: p, In: []Fill{Values(o, 4, 3), Values(d, 4, 3), grid, {}}},
		{Name: "jitter", P: p, In: []Fill{Values(o, 4, 3), Values(d, 4, 3), Fixed(1, 64), jitter}},
	}
	if !write {
		return cases
	}
	// Sizes as MarchCount gives them; the grid of the second case is filled.
	cases = []Case{cases[0], cases[2]}
	for i, off := range [][]float64{{0, 64, 128, 154, 154}, {0, 64, 127, 152, 152}} {
		n := int(off[4])
		cases[i].In = append(cases[i].In, Values(off, 5))
		cases[i].OutShapes = [][]int{{n}, {n, 2}}
	}
	return cases
}
