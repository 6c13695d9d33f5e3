package fit

import (
	"context"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
)

// visibleLogit is the fourth output from which a corner makes its cells
// occupied: a density of 0.22, of which a ray loses a per cent in a cell.
const visibleLogit = -0.5

// gridChunk is the number of points evaluated at a time.
const gridChunk = 4096

// Grids returns the occupancy grids of fields of one network, with res cells
// along an axis. A cell is occupied if one of its corners has a density that
// can be seen.
func Grids(ctx context.Context, d kernels.Device, fields []*nerf.Field, res int) ([]*nerf.Grid, error) {
	weights := make([][]float32, len(fields))
	for i, f := range fields {
		weights[i] = f.Weights
	}
	net := nerf.NewNet(d, fields[0].Arch, weights...)
	defer net.Free()
	unit := corners(res)
	n := len(unit) / 3
	seen := make([][]bool, len(fields))
	for at := 0; at < n; at += gridChunk {
		part := unit[3*at : 3*min(n, at+gridChunk)]
		logits, err := densityLogits(ctx, d, net, part)
		if err != nil {
			return nil, err
		}
		for i := range seen {
			size := len(part) / 3
			for _, l := range logits[i*size : (i+1)*size] {
				seen[i] = append(seen[i], l > visibleLogit)
			}
		}
	}
	grids := make([]*nerf.Grid, len(fields))
	for i, f := range fields {
		grids[i] = &nerf.Grid{Res: res, Cells: cells(seen[i], res), Half: f.Half}
	}
	return grids, nil
}

// densityLogits evaluates the logarithm of the density plus 1 of all networks at
// the same points.
func densityLogits(ctx context.Context, d kernels.Device, net *nerf.Net, unit []float32) ([]float32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	_, logits := net.Raw(t.Float32(unit, len(unit)/3, 3))
	return logits.Value().ReadFloat32(ctx)
}

// corners returns the corners of the cells of the unit box, z fastest.
func corners(res int) []float32 {
	n := res + 1
	u := make([]float32, 0, 3*n*n*n)
	for i := range n * n * n {
		for _, k := range [3]int{i / (n * n), i / n % n, i % n} {
			u = append(u, float32(k)/float32(res))
		}
	}
	return u
}

// cells marks the cells that have a seen corner.
func cells(seen []bool, res int) []int32 {
	n := res + 1
	c := make([]int32, res*res*res)
	for i := range c {
		x, y, z := i/(res*res), i/res%res, i%res
		for k := range 8 {
			if seen[((x+k>>2)*n+y+k>>1&1)*n+z+k&1] {
				c[i] = 1
			}
		}
	}
	return c
}
