package kernels

import (
	"math"
	"math/rand/v2"
)

// CompositeParams are the parameters of Composite.
type CompositeParams struct {
	// MinTransmittance drops samples that less than this share of the light
	// reaches (1e-4 in nerfacc's visibility filter); 0 keeps all.
	MinTransmittance float32
}

// Composite is front-to-back alpha compositing of the samples of rays.
//
// rgb (S, 3), sigma (S), spans (S, 2) where each sample's interval begins and
// ends, offsets (R+1) of each ray's samples, background (R, 3) or absent
// (black). With dt = end - start, alpha = 1 - exp(-sigma dt), T = the product
// of (1 - alpha) before a sample and w = T alpha, a ray's pixel (5 values) is
// colour = sum w rgb + background (1 - opacity), opacity = sum w and
// depth = sum w (start + end) / 2.
var Composite = Declare(Decl[CompositeParams]{
	Name: "composite", Doc: "front-to-back alpha compositing of each ray's samples: colour over a background, opacity, depth",
	In: compositeIn(), Out: []Arg{{Name: "pixels"}},
	Shapes: func(_ CompositeParams, in [][]int) [][]int {
		return [][]int{{compositeRays("composite", in), 5}}
	},
	Ref32: compositeRef[float32], Ref64: compositeRef[float64],
	Shader: func(p CompositeParams, pl *Plan) {
		r := pl.In[3].Len() - 1
		pl.Dispatch("composite", []Const{{"BACKGROUND", pl.In[4] != nil}}, Words(r, p.MinTransmittance), pl.Operands(), pl.Fold(ceilDiv(r, 64)))
	},
	Cost: func(_ CompositeParams, in, _ [][]int) Cost { return Cost{FLOPs: 20 * int64(in[1][0])} },
	Tol:  TolNorm,
	Cases: []Case{
		{Name: "background", P: CompositeParams{}, In: compositeCase(8, true)},
		{Name: "black", P: CompositeParams{}, In: compositeCase(8, false)},
		{Name: "visible only", P: CompositeParams{MinTransmittance: 1e-4}, In: compositeCase(400, true)},
		{Name: "bench", P: CompositeParams{}, In: compositeBench(), Bench: true},
	},
})

// CompositeBackward gives drgb and dsigma from dpixels, for MinTransmittance 0.
var CompositeBackward = Declare(Decl[None]{
	Name: "composite_backward", Doc: "with g = dL/dw: drgb = w dcolour; dsigma = dt (g T_next - sum of g w behind)",
	In: append(compositeIn(), Arg{Name: "dpixels"}), Out: []Arg{{Name: "drgb"}, {Name: "dsigma"}},
	Shapes: func(_ None, in [][]int) [][]int {
		r := compositeRays("composite_backward", in)
		Check(sameShape(in[5], []int{r, 5}), "composite_backward", in, "want dpixels (R, 5)")
		return [][]int{in[0], in[1]}
	},
	Ref32: compositeBackwardRef[float32], Ref64: compositeBackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		r := pl.In[3].Len() - 1
		pl.Dispatch("composite_backward", []Const{{"BACKGROUND", pl.In[4] != nil}}, Words(r), pl.Operands(), pl.Fold(ceilDiv(r, 64)))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 40 * int64(in[1][0])} },
	Tol:  TolNorm,
	Cases: []Case{
		{Name: "background", P: None{}, In: append(compositeCase(8, true), Normal(5, 5))},
		{Name: "black", P: None{}, In: append(compositeCase(8, false), Normal(5, 5))},
		{Name: "bench", P: None{}, In: append(compositeBench(), Normal(512, 5)), Bench: true},
	},
})

func compositeIn() []Arg {
	return []Arg{{Name: "rgb"}, {Name: "sigma"}, {Name: "spans"}, {Name: "offsets", Kind: Int}, {Name: "background", Optional: true}}
}

// spanFill fills spans with consecutive intervals of length dt.
func spanFill(dt float64, n int) Fill {
	return Fill{Shape: []int{n, 2}, Gen: func(_ *rand.Rand, i int) float64 { return float64(i/2+i%2) * dt }}
}

// compositeCase has five rays, the second without samples.
func compositeCase(density float64, background bool) []Fill {
	in := []Fill{Uniform(0, 1, 40, 3), Uniform(0, density, 40), spanFill(0.05, 40), Values([]float64{0, 13, 13, 14, 30, 40}, 6), {}}
	if background {
		in[4] = Uniform(0, 1, 5, 3)
	}
	return in
}

// compositeBench has 512 rays of 48 samples, as weights2space trains on.
func compositeBench() []Fill {
	offsets := Fill{Shape: []int{513}, Gen: func(_ *rand.Rand, i int) float64 { return float64(48 * i) }}
	return []Fill{Uniform(0, 1, 24576, 3), Uniform(0, 8, 24576), spanFill(0.002, 24576), offsets, Uniform(0, 1, 512, 3)}
}

func compositeRays(op string, in [][]int) int {
	Check(len(in[0]) == 2 && in[0][1] == 3, op, in, "want rgb (S, 3)")
	n := in[0][0]
	Check(sameShape(in[1], []int{n}) && sameShape(in[2], []int{n, 2}), op, in, "want sigma (S) and spans (S, 2)")
	Check(len(in[3]) == 1 && in[3][0] > 0, op, in, "want offsets (R+1)")
	r := in[3][0] - 1
	Check(in[4] == nil || sameShape(in[4], []int{r, 3}), op, in, "want a background (R, 3)")
	return r
}

func compositeRef[T Real](p CompositeParams, in, out []View[T]) {
	rgb, sigma, spans, offsets, bg := in[0].F, in[1].F, in[2].F, in[3].I, in[4].F
	for r := range len(offsets) - 1 {
		var px [5]float64
		optical := 0.0
		for i := int(offsets[r]); i < int(offsets[r+1]); i++ {
			t := math.Exp(-optical)
			if t < float64(p.MinTransmittance) {
				break
			}
			start, end := float64(spans[2*i]), float64(spans[2*i+1])
			s := float64(sigma[i]) * (end - start)
			w := t * -math.Expm1(-s)
			optical += s
			for a := range 3 {
				px[a] += w * float64(rgb[3*i+a])
			}
			px[3] += w
			px[4] += w * (start + end) / 2
		}
		for a := range 3 {
			if bg != nil {
				px[a] += float64(bg[3*r+a]) * (1 - px[3])
			}
		}
		for a, v := range px {
			out[0].F[5*r+a] = T(v)
		}
	}
}

func compositeBackwardRef[T Real](_ None, in, out []View[T]) {
	rgb, sigma, spans, offsets, bg, dpx := in[0].F, in[1].F, in[2].F, in[3].I, in[4].F, in[5].F
	for r := range len(offsets) - 1 {
		lo, hi := int(offsets[r]), int(offsets[r+1])
		d := dpx[5*r:]
		// g is dL/dw of a sample.
		g := func(i int) float64 {
			v := float64(d[3]) + float64(d[4])*float64(spans[2*i]+spans[2*i+1])/2
			for a := range 3 {
				c := float64(rgb[3*i+a])
				if bg != nil {
					c -= float64(bg[3*r+a])
				}
				v += float64(d[a]) * c
			}
			return v
		}
		each := func(f func(i int, w, next, dt float64)) {
			optical := 0.0
			for i := lo; i < hi; i++ {
				dt := float64(spans[2*i+1] - spans[2*i])
				t := math.Exp(-optical)
				optical += float64(sigma[i]) * dt
				next := math.Exp(-optical)
				f(i, t-next, next, dt)
			}
		}
		behind := 0.0
		each(func(i int, w, _, _ float64) { behind += g(i) * w })
		each(func(i int, w, next, dt float64) {
			behind -= g(i) * w
			out[1].F[i] = T(dt * (g(i)*next - behind))
			for a := range 3 {
				out[0].F[3*i+a] = T(w * float64(d[a]))
			}
		})
	}
}
