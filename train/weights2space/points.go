package weights2space

import (
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
)

// drawPoints draws n positions in the NeRF's box: half uniformly, half in
// occupied cells of its grid.
func drawPoints(r *rand.Rand, it *Item, occupied []int32, n int) []float32 {
	h := it.Field.Half
	p := make([]float32, 0, 3*n)
	for range n / 2 {
		for range 3 {
			p = append(p, (2*r.Float32()-1)*h)
		}
	}
	for len(p) < 3*n {
		if len(occupied) == 0 {
			p = append(p, (2*r.Float32()-1)*h)
			continue
		}
		p = append(p, cellPoint(r, int(occupied[r.IntN(len(occupied))]), it.Grid)...)
	}
	return p
}

// cellPoint draws a position in a cell of a grid.
func cellPoint(r *rand.Rand, cell int, g *nerf.Grid) []float32 {
	res := g.Res
	p := make([]float32, 3)
	for a, i := range [3]int{cell / (res * res), cell / res % res, cell % res} {
		p[a] = ((float32(i)+r.Float32())/float32(res)*2 - 1) * g.Half
	}
	return p
}

// cells lists the grid's cells whose state is want.
func cells(g *nerf.Grid, want bool) []int32 {
	if g == nil {
		return nil
	}
	var out []int32
	for i, c := range g.Cells {
		if (c != 0) == want {
			out = append(out, int32(i))
		}
	}
	return out
}

// pointsLoss compares colour logits and density at single points with those of
// the NeRFs themselves:
//
//	mean of w bce(y3, sigmoid(t3)) + colourWeight mean of [t3 > 0] |rgb - rgb_t|^2 / 3
//
// with y3 the logarithm of the density plus 1, and w inside for the second
// half of each NeRF's points, else 1. Occupancy is a better-behaved target
// than density, which spans many orders of magnitude.
//
// Nothing is read back: the NeRFs are evaluated on the device, on a tape of
// their own, which the caller releases after the step.
func (tr *Trainer) pointsLoss(t, teacher *autograd.Tape, tokens *autograd.Var, items []*Item, positions []float32) *autograd.Var {
	n := len(positions) / 3
	perItem := n / len(items)
	raw := tr.model.Raw(tokens, tr.model.NewPoints(t, positions, len(items)))
	targetColour, targetLogit := teach(teacher, items, positions)

	weight, ones := make([]float32, n), make([]float32, n)
	for i := range n {
		weight[i], ones[i] = 1, 1
		if i%perItem >= perItem/2 {
			weight[i] = float32(tr.cfg.InsideWeight)
		}
	}
	occ := autograd.BCELogits(autograd.Slice(raw, 1, 3, 4), autograd.Sigmoid(targetLogit).Value(), t.Float32(weight, n, 1).Value())

	// The derivative of max(x, 0) is 1 where x > 0 and 0 elsewhere.
	logit := targetLogit.Value()
	inside := t.Const(teacher.Run1(kernels.ReLUBackward, kernels.None{}, logit, logit, teacher.Float32(ones, n, 1).Value()))
	rgb := t.Const(autograd.Sigmoid(targetColour).Value())
	masked := autograd.Mul(autograd.Sub(autograd.Sigmoid(autograd.Slice(raw, 1, 0, 3)), rgb), inside)
	mse := autograd.MeanAll(autograd.Mul(masked, masked))
	return autograd.Add(occ, autograd.Scale(mse, float32(tr.cfg.ColourWeight)))
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// teach evaluates the networks of NeRFs of one shape at their positions, as
// many for each: colour logits (N, 3) and logarithms of the density plus 1
// (N, 1).
func teach(t *autograd.Tape, items []*Item, positions []float32) (colour, logit *autograd.Var) {
	var weights [][]float32
	for _, it := range items {
		weights = append(weights, it.Field.Weights)
	}
	net := nerf.NewNet(t.Device(), items[0].Field.Arch, weights...)
	defer net.Free()
	unit := nerf.Unit(positions, items[0].Field.Half)
	n := len(unit) / 3
	colour, logit = net.Raw(t.Float32(unit, len(items), n/len(items), 3))
	return colour, logit.View(n, 1)
}
