package weights2space

import (
	"context"
	"math/rand/v2"

	"llana/kernels"
	"llana/models/nerf"
)

// rayItem is the supervision of one NeRF: rays that hit it, their samples and
// target colours, and positions in empty space.
type rayItem struct {
	counts     []int32 // samples of each ray
	spans      []float32
	positions  []float32 // of the samples, then of empty space
	foreground int
	target     []float32
	background []float32
}

const renderChunk = 2048 // rays rendered at a time to find those that hit

// drawRays draws random rays through the NeRF's views, renders them, and keeps
// the first NumRays that hit it, as the reference does. It returns nil if the
// NeRF has fewer: such an item is left out of its batch.
func (tr *Trainer) drawRays(ctx context.Context, r *rand.Rand, it *Item, bg [3]float32) (*rayItem, error) {
	cams, err := it.cameras(tr.cfg.ImageSize, 36)
	if err != nil {
		return nil, err
	}
	net := nerf.NewNet(tr.dev, it.Field.Arch, it.Field.Weights)
	defer net.Free()
	o := nerf.RenderOptions{Half: it.Field.Half, Grid: it.Grid, MinTransmittance: 1e-4, Background: bg}
	out := &rayItem{}
	var hits []kernels.Ray
	for drawn := 0; drawn < tr.cfg.DrawnRays && len(hits) < tr.cfg.NumRays; drawn += renderChunk {
		var origins, directions []float32
		var rays []kernels.Ray
		for range min(renderChunk, tr.cfg.DrawnRays-drawn) {
			c := &cams[r.IntN(len(cams))]
			ray := c.Ray(r.IntN(c.W), r.IntN(c.H))
			rays = append(rays, ray)
			origins, directions = append(origins, ray.O[:]...), append(directions, ray.D[:]...)
		}
		px, err := nerf.Render(ctx, tr.dev, net.Query, origins, directions, o)
		if err != nil {
			return nil, err
		}
		for i, ray := range rays {
			if opacity := px[5*i+3]; opacity != 0 && len(hits) < tr.cfg.NumRays {
				hits = append(hits, ray)
				out.addTarget(px[5*i:5*i+3], opacity, bg, tr.cfg.DoubleComposite)
			}
		}
	}
	if len(hits) < tr.cfg.NumRays {
		return nil, nil
	}
	out.march(r, hits, it, tr.cfg.MaxFG)
	out.fillEmpty(r, it, tr.cfg.MaxFG+10000-out.foreground, tr.cfg.MaxBG)
	return out, nil
}

// addTarget keeps a pixel's colour. The reference blends the background in a
// second time.
func (ri *rayItem) addTarget(colour []float32, opacity float32, bg [3]float32, twice bool) {
	for c, v := range colour {
		if twice {
			v = v*opacity + bg[c]*(1-opacity)
		}
		ri.target = append(ri.target, v)
		ri.background = append(ri.background, bg[c])
	}
}

// march samples the rays with jitter and, if there are too many samples, keeps
// a random choice of them in order.
func (ri *rayItem) march(r *rand.Rand, rays []kernels.Ray, it *Item, most int) {
	o := nerf.RenderOptions{Half: it.Field.Half, Grid: it.Grid}
	p := o.March()
	var grid []int32
	if it.Grid != nil {
		grid = it.Grid.Cells
	}
	ri.counts = make([]int32, len(rays))
	var rayOf []int
	for i, ray := range rays {
		p.March(ray, grid, r.Float32(), func(s, e float32) {
			ri.spans = append(ri.spans, s, e)
			rayOf = append(rayOf, i)
		})
	}
	kept := chooseInOrder(r, len(rayOf), most)
	spans := make([]float32, 0, 2*len(kept))
	for _, k := range kept {
		ray := rays[rayOf[k]]
		ri.counts[rayOf[k]]++
		s, e := ri.spans[2*k], ri.spans[2*k+1]
		spans = append(spans, s, e)
		for a := range 3 {
			ri.positions = append(ri.positions, ray.O[a]+ray.D[a]*((s+e)/2))
		}
	}
	ri.spans, ri.foreground = spans, len(kept)
}

// chooseInOrder returns at most k of n indices, chosen at random, ascending.
func chooseInOrder(r *rand.Rand, n, k int) []int {
	out := make([]int, 0, min(n, k))
	for i := range n {
		// Selection sampling (Knuth 3.4.2 S).
		if r.IntN(n-i) < k-len(out) {
			out = append(out, i)
		}
	}
	return out
}

// fillEmpty adds n positions in empty cells, in different cells while there
// are enough of at most limit drawn ones.
func (ri *rayItem) fillEmpty(r *rand.Rand, it *Item, n, limit int) {
	if it.Grid == nil {
		return
	}
	free := cells(it.Grid, false)
	if len(free) == 0 {
		return
	}
	r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	free = free[:min(len(free), limit)]
	for i := range n {
		ri.positions = append(ri.positions, cellPoint(r, int(free[i%len(free)]), it.Grid)...)
	}
}
