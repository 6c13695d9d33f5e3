package fit

import (
	"context"
	"math"

	"llana/kernels"
	"llana/models/nerf"
)

const (
	evalRays = 1 << 15 // rendered at a time
	// maxPSNR is that of a perfect rendering.
	maxPSNR = 100
)

// PSNR returns the mean peak signal-to-noise ratio, in decibels, of renderings
// of a field against views, over black. progress, if not nil, is told how many
// pixels are done.
func PSNR(ctx context.Context, d kernels.Device, f *nerf.Field, views []nerf.View, o nerf.RenderOptions, progress func(pixels int)) (float64, error) {
	net := nerf.NewNet(d, f.Arch, f.Weights)
	defer net.Free()
	o.Half, o.Background = f.Half, [3]float32{}
	sum, done := 0.0, 0
	for i := range views {
		v := &views[i]
		n := v.W * v.H
		square := 0.0
		for at := 0; at < n; at += evalRays {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			end := min(n, at+evalRays)
			s, err := squareError(ctx, d, net, v, at, end, o)
			if err != nil {
				return 0, err
			}
			square += s
			if progress != nil {
				progress(done + end)
			}
		}
		done += n
		sum += min(maxPSNR, -10*math.Log10(square/float64(3*n)))
	}
	return sum / float64(len(views)), nil
}

// squareError renders pixels from to to-1 of a view, row after row, and sums
// up their squared errors.
func squareError(ctx context.Context, d kernels.Device, net *nerf.Net, v *nerf.View, from, to int, o nerf.RenderOptions) (float64, error) {
	var origins, directions, want []float32
	for i := from; i < to; i++ {
		r := v.Ray(i%v.W, i/v.W)
		origins, directions = append(origins, r.O[:]...), append(directions, r.D[:]...)
		rgb, _ := v.Pixel(i%v.W, i/v.W)
		want = append(want, rgb[:]...)
	}
	px, err := nerf.Render(ctx, d, net.Query, origins, directions, o)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, w := range want {
		e := float64(px[i/3*5+i%3] - w)
		sum += e * e
	}
	return sum, nil
}
