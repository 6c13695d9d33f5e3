package weights2space

import (
	"math"
	"math/rand/v2"

	"llana/autograd"
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
func (tr *Trainer) pointsLoss(t *autograd.Tape, tokens *autograd.Var, items []*Item, positions []float32) (*autograd.Var, error) {
	n := len(positions) / 3
	perItem := n / len(items)
	raw := tr.model.Raw(tokens, tr.model.NewPoints(t, positions, len(items)))
	target, err := tr.teach(items, positions)
	if err != nil {
		return nil, err
	}
	logit, weight := make([]float32, n), make([]float32, n)
	rgb, inside := make([]float32, 3*n), make([]float32, n)
	for i := range n {
		y := target[i*4 : i*4+4]
		logit[i] = sigmoid(y[3])
		for c := range 3 {
			rgb[3*i+c] = sigmoid(y[c])
		}
		weight[i] = 1
		if i%perItem >= perItem/2 {
			weight[i] = float32(tr.cfg.InsideWeight)
		}
		if y[3] > 0 {
			inside[i] = 1
		}
	}
	occ := autograd.BCELogits(autograd.Slice(raw, 1, 3, 4), t.Float32(logit, n, 1).Value(), t.Float32(weight, n, 1).Value())
	colour := autograd.Sub(autograd.Sigmoid(autograd.Slice(raw, 1, 0, 3)), t.Float32(rgb, n, 3))
	masked := autograd.Mul(colour, t.Float32(inside, n, 1))
	mse := autograd.MeanAll(autograd.Mul(masked, masked))
	return autograd.Add(occ, autograd.Scale(mse, float32(tr.cfg.ColourWeight))), nil
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// teach evaluates the NeRFs' networks at their positions: 4 raw outputs each.
func (tr *Trainer) teach(items []*Item, positions []float32) ([]float32, error) {
	var weights [][]float32
	for _, it := range items {
		weights = append(weights, it.Field.Weights)
	}
	arch := items[0].Field.Arch
	net := nerf.NewNet(tr.teacher, arch, weights...)
	defer net.Free()
	t := autograd.Inference(tr.teacher)
	defer t.Release()
	unit := nerf.Unit(positions, items[0].Field.Half)
	raw, err := net.Raw(t.Float32(unit, len(unit)/3, 3), true).Value().ReadFloat32(tr.ctx)
	if err != nil || arch.Outputs == 4 {
		return raw, err
	}
	out := make([]float32, 0, len(positions)/3*4)
	for i := 0; i < len(raw); i += arch.Outputs {
		out = append(out, raw[i:i+4]...)
	}
	return out, nil
}
