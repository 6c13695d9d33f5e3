package fit

import (
	"context"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
)

// Upkeep of the occupancy grid, as in nerfacc 0.3.5: every 16 steps, with all
// cells in the first 256 steps. Fits of fewer than 2000 steps, in which the
// densities of the first steps would not be forgotten, do as many updates in
// less time.
const (
	gridEvery    = 16   // steps from one update to the next
	gridUpdates  = 125  // at least, in a fit
	gridWarmup   = 16   // updates of all cells
	gridDecay    = 0.95 // of a cell's running maximum, at an update
	gridOccupied = 0.01 // optical thickness of a step that makes a cell occupied
	densityChunk = 1 << 15
)

// occupancy is an occupancy grid under maintenance: of each cell, the largest
// optical thickness of a step that was found there, forgotten slowly.
type occupancy struct {
	nerf.Grid
	step float32 // length of a step along a ray
	occs []float32
	rng  *rand.Rand
	done int // updates
}

func newOccupancy(res int, half, step float32, rng *rand.Rand) *occupancy {
	n := res * res * res
	grid := nerf.Grid{Res: res, Cells: make([]int32, n), Half: half}
	return &occupancy{Grid: grid, step: step, occs: make([]float32, n), rng: rng}
}

// updateEvery returns after how many steps of a fit the grid is updated.
func updateEvery(steps int) int { return min(max(1, steps/gridUpdates), gridEvery) }

// update evaluates the density at a random point of some cells and decides
// anew which cells are occupied.
func (g *occupancy) update(ctx context.Context, d kernels.Device, net *nerf.Net) error {
	cells := g.choose()
	g.done++
	unit := make([]float32, 0, 3*densityChunk)
	for at := 0; at < len(cells); at += densityChunk {
		part := cells[at:min(len(cells), at+densityChunk)]
		unit = unit[:0]
		for _, c := range part {
			u := g.pointIn(int(c))
			unit = append(unit, u[:]...)
		}
		sigma, err := densities(ctx, d, net, unit)
		if err != nil {
			return err
		}
		for i, c := range part {
			g.occs[c] = max(gridDecay*g.occs[c], sigma[i]*g.step)
		}
	}
	g.binarise()
	return nil
}

// choose returns the cells to look at: all of them at first; later a quarter
// of their number, drawn uniformly, and up to as many occupied ones.
func (g *occupancy) choose() []int32 {
	var cells []int32
	if g.done < gridWarmup {
		for c := range g.Cells {
			cells = append(cells, int32(c))
		}
		return cells
	}
	quarter := max(1, len(g.Cells)/4)
	for range quarter {
		cells = append(cells, g.rng.Int32N(int32(len(g.Cells))))
	}
	var occupied []int32
	for c, is := range g.Cells {
		if is != 0 {
			occupied = append(occupied, int32(c))
		}
	}
	if len(occupied) > quarter {
		for i := range quarter {
			occupied[i] = occupied[g.rng.IntN(len(occupied))]
		}
		occupied = occupied[:quarter]
	}
	return append(cells, occupied...)
}

// pointIn returns a random point of a cell in box units.
func (g *occupancy) pointIn(c int) (u [3]float32) {
	for a, k := range [3]int{c / (g.Res * g.Res), c / g.Res % g.Res, c % g.Res} {
		u[a] = (float32(k) + g.rng.Float32()) / float32(g.Res)
	}
	return u
}

// binarise marks cells above the mean, or above a fixed thickness if that is
// less.
func (g *occupancy) binarise() {
	sum := 0.0
	for _, o := range g.occs {
		sum += float64(o)
	}
	threshold := min(float32(sum/float64(len(g.occs))), gridOccupied)
	for c, o := range g.occs {
		g.Cells[c] = 0
		if o > threshold {
			g.Cells[c] = 1
		}
	}
}

// densities evaluates the densities at unit positions.
func densities(ctx context.Context, d kernels.Device, net *nerf.Net, unit []float32) ([]float32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	_, sigma := net.Query(t.Float32(unit, len(unit)/3, 3))
	return sigma.Value().ReadFloat32(ctx)
}
