package fit

import (
	"math/rand/v2"
	"runtime"
	"sync"

	"llana/kernels"
	"llana/models/nerf"
)

// viewRay is the ray of a pixel: what it should show, and where the field is
// sampled along it.
type viewRay struct {
	kernels.Ray
	rgb    [3]float32 // over black
	alpha  float32
	jitter float32
	spans  []float32 // (S, 2)
}

// rayBatch is the rays of a step and their samples, those that see something
// before those that see the background alone.
type rayBatch struct {
	foreground int
	unit       []float32 // (S, 3), the samples' positions in box units
	spans      []float32 // (S, 2)
	offsets    []int32   // (R+1)
	background []float32 // (R, 3)
	target     []float32 // (R, 3), over that background
}

// raySource draws rays from views and marches them through a grid.
type raySource struct {
	views []nerf.View
	march kernels.MarchParams
	rng   *rand.Rand
}

// rayBlock is the number of rays drawn and marched at a time.
const rayBlock = 256

// draw draws rays, each from a random pixel of a random view, until there are
// rays of them or they have so many samples; the last ray may have more.
func (s *raySource) draw(cells []int32, rays, samples int) *rayBatch {
	drawn := make([]viewRay, 0, rays)
	total := 0
	for len(drawn) < rays && total < samples {
		block := make([]viewRay, min(rayBlock, rays-len(drawn)))
		for i := range block {
			block[i] = s.ray()
		}
		s.marchAll(block, cells)
		for _, r := range block {
			drawn = append(drawn, r)
			if total += len(r.spans) / 2; total >= samples {
				break
			}
		}
	}
	return s.batch(drawn)
}

// ray draws a ray.
func (s *raySource) ray() viewRay {
	v := &s.views[s.rng.IntN(len(s.views))]
	x, y := s.rng.IntN(v.W), s.rng.IntN(v.H)
	rgb, alpha := v.Pixel(x, y)
	return viewRay{Ray: v.Ray(x, y), rgb: rgb, alpha: alpha, jitter: s.rng.Float32()}
}

// marchAll finds the rays' samples.
func (s *raySource) marchAll(rays []viewRay, cells []int32) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(rays); i += workers {
				r := &rays[i]
				s.march.March(r.Ray, cells, r.jitter, func(start, end float32) { r.spans = append(r.spans, start, end) })
			}
		})
	}
	wg.Wait()
}

// batch composes a batch of rays, on a random background.
func (s *raySource) batch(rays []viewRay) *rayBatch {
	b := &rayBatch{offsets: []int32{0}}
	background := [3]float32{s.rng.Float32(), s.rng.Float32(), s.rng.Float32()}
	for _, foreground := range []bool{true, false} {
		for i := range rays {
			if r := &rays[i]; (r.alpha > 0) == foreground {
				b.add(r, background, s.march.Half)
			}
		}
		if foreground {
			b.foreground = len(b.offsets) - 1
		}
	}
	return b
}

func (b *rayBatch) add(r *viewRay, background [3]float32, half float32) {
	for i := 0; i < len(r.spans); i += 2 {
		mid := (r.spans[i] + r.spans[i+1]) / 2
		for a := range 3 {
			b.unit = append(b.unit, (r.O[a]+mid*r.D[a]+half)/(2*half))
		}
	}
	b.spans = append(b.spans, r.spans...)
	b.offsets = append(b.offsets, int32(len(b.spans)/2))
	for a := range 3 {
		b.background = append(b.background, background[a])
		b.target = append(b.target, r.rgb[a]+(1-r.alpha)*background[a])
	}
}
