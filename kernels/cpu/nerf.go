package cpu

import (
	"math"

	"llana/kernels"
)

func init() {
	fast[kernels.FrequencyEncode] = frequencyEncode
	fast[kernels.Radiance] = radiance
	fast[kernels.RadianceBackward] = radianceBackward
	fast[kernels.Triplane] = triplane
	fast[kernels.TriplaneBackward] = triplaneBackward
	fast[kernels.MarchCount] = marchCount
	fast[kernels.MarchSamples] = marchSamples
	fast[kernels.Composite] = composite
	fast[kernels.CompositeBackward] = compositeBackward
}

func frequencyEncode(d *device, c *kernels.Call) {
	octaves := c.P.(kernels.EncodeParams).Octaves
	u, y := floats(c.In[0]), floats(c.Out[0])
	scale := powers(octaves)
	d.rows(len(u), 2*octaves, func(w *worker, lo, hi int) {
		encode(w, y[lo*2*octaves:hi*2*octaves], u[lo:hi], octaves, scale)
	})
}

// powers returns 2^k for k < octaves, and for as many more as encode reads.
func powers(octaves int) []float32 {
	scale := make([]float32, roundUp(octaves, 8))
	for k := range scale {
		scale[k] = float32(math.Ldexp(1, k))
	}
	return scale
}

// encode writes sin and cos of pi u scale[k] for k < octaves, one after the
// other, for each u.
func encode(w *worker, y, u []float32, octaves int, scale []float32) {
	if level == portable {
		for i, x := range u {
			for k := range octaves {
				o := (i*octaves + k) * 2
				y[o], y[o+1] = sinCosPi(x * scale[k])
			}
		}
		return
	}
	// The vector code writes eight octaves at a time, past the end of an
	// element whose octaves are fewer; the next one overwrites that. The last
	// elements go through a buffer.
	direct := max(0, len(u)-8)
	if octaves%8 == 0 {
		direct = len(u)
	}
	if octaves == 0 {
		return
	}
	if direct > 0 {
		encodeVector(&y[0], &u[0], direct, octaves, &scale[0])
	}
	if rest := u[direct:]; len(rest) > 0 {
		buf := w.floats(scratch0, len(rest)*2*octaves+16)
		encodeVector(&buf[0], &rest[0], len(rest), octaves, &scale[0])
		copy(y[direct*2*octaves:], buf[:len(rest)*2*octaves])
	}
}

func radiance(d *device, c *kernels.Call) {
	y, u, rgb, sigma := floats(c.In[0]), floats(c.In[1]), floats(c.Out[0]), floats(c.Out[1])
	n := width(c.In[0].Shape())
	d.rows(len(sigma), 24, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y, c := y[i*n:i*n+4], rgb[3*i:3*i+3]
			for a := range c {
				c[a] = 1 / (1 + expf(-y[a]))
			}
			sigma[i] = 0
			if insideUnit(u[3*i : 3*i+3]) {
				sigma[i] = expf(y[3] - 1)
			}
		}
	})
}

func radianceBackward(d *device, c *kernels.Call) {
	y, u, drgb, dsigma, dy := floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), floats(c.In[3]), floats(c.Out[0])
	n := width(c.In[0].Shape())
	d.rows(len(dsigma), 24, func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y, g := y[i*n:i*n+4], dy[i*n:(i+1)*n]
			clear(g)
			for a := range 3 {
				s := 1 / (1 + expf(-y[a]))
				g[a] = drgb[3*i+a] * (s * (1 - s))
			}
			if insideUnit(u[3*i : 3*i+3]) {
				g[3] = dsigma[i] * expf(min(y[3]-1, 15))
			}
		}
	})
}

func insideUnit(u []float32) bool {
	return u[0] > 0 && u[0] < 1 && u[1] > 0 && u[1] < 1 && u[2] > 0 && u[2] < 1
}

// triplaneSides returns the number of points of an item, the side of its
// planes and the number of channels.
func triplaneSides(tokens, points []int) (n, r, channels int) {
	return points[1], int(math.Round(math.Sqrt(float64(tokens[1]) / 3))), tokens[2]
}

func triplane(d *device, c *kernels.Call) {
	tokens, points, y := floats(c.In[0]), floats(c.In[1]), floats(c.Out[0])
	n, r, ch := triplaneSides(c.In[0].Shape(), c.In[1].Shape())
	d.rows(len(points)/3, 12*(8+ch/4), func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			planes, o := tokens[i/n*3*r*r*ch:], y[i*ch:(i+1)*ch]
			clear(o)
			kernels.TriplaneTaps(r, points[3*i:3*i+3], func(t int, weight float32) {
				vecAddScaled(o, o, planes[t*ch:(t+1)*ch], weight)
			})
		}
	})
}

// triplaneBackward gives each thread channels of an item, so that a token's
// gradients add up in the order of the points.
func triplaneBackward(d *device, c *kernels.Call) {
	points, dy, dtokens := floats(c.In[1]), floats(c.In[2]), floats(c.Out[0])
	n, r, ch := triplaneSides(c.In[0].Shape(), c.In[1].Shape())
	const block = 128
	blocks := (ch + block - 1) / block
	clear(dtokens)
	d.rows(c.In[0].Dim(0)*blocks, n*12*(8+min(ch, block)/4), func(_ *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			b, from := i/blocks, i%blocks*block
			to := min(from+block, ch)
			planes := dtokens[b*3*r*r*ch:]
			for p := b * n; p < (b+1)*n; p++ {
				g := dy[p*ch+from : p*ch+to]
				kernels.TriplaneTaps(r, points[3*p:3*p+3], func(t int, weight float32) {
					o := planes[t*ch+from : t*ch+to]
					vecAddScaled(o, o, g, weight)
				})
			}
		}
	})
}

// rays calls emit for the samples of the rays lo..hi of a march.
func rays(c *kernels.Call, lo, hi int, emit func(ray int, start, end float32)) {
	p := c.P.(kernels.MarchParams)
	origins, directions, grid, jitter := floats(c.In[0]), floats(c.In[1]), ints(c.In[2]), floats(c.In[3])
	for i := lo; i < hi; i++ {
		r := kernels.Ray{O: [3]float32(origins[3*i:]), D: [3]float32(directions[3*i:])}
		var j float32
		if jitter != nil {
			j = jitter[i]
		}
		p.March(r, grid, j, func(start, end float32) { emit(i, start, end) })
	}
}

// marchRayCost is the cost of marching along a ray.
const marchRayCost = 4096

func marchCount(d *device, c *kernels.Call) {
	counts := ints(c.Out[0])
	d.rows(len(counts), marchRayCost, func(_ *worker, lo, hi int) {
		clear(counts[lo:hi])
		rays(c, lo, hi, func(ray int, _, _ float32) { counts[ray]++ })
	})
}

func marchSamples(d *device, c *kernels.Call) {
	offsets, number, spans := ints(c.In[4]), ints(c.Out[0]), floats(c.Out[1])
	d.rows(len(offsets)-1, marchRayCost, func(_ *worker, lo, hi int) {
		n := int(offsets[lo])
		rays(c, lo, hi, func(ray int, start, end float32) {
			number[n], spans[2*n], spans[2*n+1] = int32(ray), start, end
			n++
		})
	})
}

// raySamples are the samples of a compositing call.
type raySamples struct {
	rgb, sigma, spans []float32
	offsets           []int32
	background        []float32 // or nil
}

func samplesOf(c *kernels.Call) raySamples {
	return raySamples{floats(c.In[0]), floats(c.In[1]), floats(c.In[2]), ints(c.In[3]), floats(c.In[4])}
}

// behind returns the background of a ray.
func (s *raySamples) behind(ray int) [3]float32 {
	if s.background == nil {
		return [3]float32{}
	}
	return [3]float32(s.background[3*ray:])
}

// rayCost is the cost of compositing an average ray.
func (s *raySamples) rayCost() int { return 8 + 16*len(s.sigma)/max(len(s.offsets)-1, 1) }

func composite(d *device, c *kernels.Call) {
	s, pixels := samplesOf(c), floats(c.Out[0])
	least := float64(c.P.(kernels.CompositeParams).MinTransmittance)
	d.rows(len(s.offsets)-1, s.rayCost(), func(_ *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			var px [5]float64
			optical, light := 0.0, 1.0
			for i := int(s.offsets[r]); i < int(s.offsets[r+1]) && !(light < least); i++ {
				start, end := s.spans[2*i], s.spans[2*i+1]
				optical += float64(s.sigma[i]) * float64(end-start)
				next := math.Exp(-optical)
				w := light - next
				light = next
				for a := range 3 {
					px[a] += w * float64(s.rgb[3*i+a])
				}
				px[3] += w
				px[4] += w * (float64(start) + float64(end)) / 2
			}
			bg := s.behind(r)
			for a := range 3 {
				if s.background != nil {
					px[a] += float64(bg[a]) * (1 - px[3])
				}
			}
			for a, v := range px {
				pixels[5*r+a] = float32(v)
			}
		}
	})
}

func compositeBackward(d *device, c *kernels.Call) {
	s, dpixels := samplesOf(c), floats(c.In[5])
	drgb, dsigma := floats(c.Out[0]), floats(c.Out[1])
	d.rows(len(s.offsets)-1, 2*s.rayCost(), func(w *worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			s.rayGradient(w, r, dpixels[5*r:5*r+5], drgb, dsigma)
		}
	})
}

// rayGradient computes the gradients of one ray's samples from front to back;
// what lies behind a sample is the whole minus what is in front of it.
func (s *raySamples) rayGradient(w *worker, ray int, d []float32, drgb, dsigma []float32) {
	lo, hi := int(s.offsets[ray]), int(s.offsets[ray+1])
	bg := s.behind(ray)
	gains, lights := w.floats(scratch0, hi-lo), w.floats(scratch1, hi-lo)
	optical, light, behind := 0.0, 1.0, 0.0
	for i := lo; i < hi; i++ {
		start, end := s.spans[2*i], s.spans[2*i+1]
		optical += float64(s.sigma[i]) * float64(end-start)
		next := math.Exp(-optical)
		g := d[3] + d[4]*(start+end)/2 // dL/dw
		for a := range 3 {
			g += d[a] * (s.rgb[3*i+a] - bg[a])
			drgb[3*i+a] = float32(light-next) * d[a]
		}
		behind += float64(g) * (light - next)
		gains[i-lo], lights[i-lo] = g, float32(next)
		light = next
	}
	before := 1.0
	for i := lo; i < hi; i++ {
		dt := float64(s.spans[2*i+1] - s.spans[2*i])
		g, next := float64(gains[i-lo]), float64(lights[i-lo])
		behind -= g * (before - next)
		dsigma[i] = float32(dt * (g*next - behind))
		before = next
	}
}
