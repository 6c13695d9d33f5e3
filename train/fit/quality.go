package fit

import (
	"context"
	"math"

	"llana/kernels"
	"llana/models/nerf"
)

// Quality says how close a NeRF is to its target.
type Quality struct {
	IoU    float64 // of the occupied points, intersection over union
	Colour float64 // mean absolute error of a channel, inside the target
}

// Measure compares fields with their targets at n uniform points that no fit
// has seen.
func Measure(ctx context.Context, d kernels.Device, f *nerf.Field, target Target, n int) (Quality, error) {
	const otherSeed = 5 << 32
	o := Options{Half: f.Half}
	unit := UniformUnit(n, otherSeed)
	points := make([]float32, 0, len(unit))
	for i := range n {
		p := o.world(unit[3*i:])
		points = append(points, p[:]...)
	}
	got, err := f.Query(ctx, d, points)
	if err != nil {
		return Quality{}, err
	}
	surface := math.Exp(Default().SurfaceLogit() - 1)
	var both, either, inside int
	var miss float64
	for i := range n {
		dist, rgb := target.At([3]float32(points[3*i:]))
		q := got[4*i:]
		is, was := float64(q[3]) > surface, dist < 0
		if is && was {
			both++
		}
		if is || was {
			either++
		}
		if was {
			inside++
			for k := range 3 {
				miss += math.Abs(float64(q[k] - rgb[k]))
			}
		}
	}
	return Quality{float64(both) / float64(max(1, either)), miss / float64(3*max(1, inside))}, nil
}
