package nerf

import (
	"context"
	"image"
	"image/color"
	"math"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Radiance evaluates a radiance field at unit positions u (N, 3): colours
// (N, 3) and densities (N). A Net's Query is one; the decoder of a tri-plane
// is another.
type Radiance func(u *autograd.Var) (rgb, sigma *autograd.Var)

// RenderOptions say how rays are marched.
type RenderOptions struct {
	Half float32 // half the box's edge
	Step float32 // between samples; 0: 1/1024 of the box's diagonal
	Grid *Grid   // nil: samples all along the ray
	// MinTransmittance ends a ray where less light passes. The published
	// ground-truth renderings use 1e-4.
	MinTransmittance float32
	Background       [3]float32
	// Progress, if not nil, is told how many of how many rays are done.
	Progress func(done, total int)
}

// March returns the marching parameters of the options.
func (o RenderOptions) March() kernels.MarchParams {
	p := kernels.MarchParams{Half: o.Half, Step: o.Step}
	if p.Step == 0 {
		p.Step = float32(2 * float64(o.Half) * math.Sqrt(3) / 1024)
	}
	if o.Grid != nil {
		p.Res = o.Grid.Res
	}
	return p
}

const (
	rayChunk    = 8192    // rays marched at a time
	sampleChunk = 1 << 17 // samples evaluated at a time, unless one ray has more
)

// Pixels are rendered rays: 5 values each, colour over the background,
// opacity, depth.
type Pixels []float32

// Render renders rays (R x 3 origins and directions, flat) of a field.
func Render(ctx context.Context, d kernels.Device, field Radiance, origins, directions []float32, o RenderOptions) (Pixels, error) {
	total := len(origins) / 3
	pixels := make(Pixels, 0, 5*total)
	grid := o.Grid.upload(d)
	defer grid.Free()
	for at := 0; at < total; at += rayChunk {
		end := min(total, at+rayChunk)
		r := rays{origins[3*at : 3*end], directions[3*at : 3*end]}
		counts, err := r.count(ctx, d, grid, o.March())
		if err != nil {
			return nil, err
		}
		for lo := 0; lo < len(counts); {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			hi, samples := lo+1, int(counts[lo])
			for hi < len(counts) && samples+int(counts[hi]) <= sampleChunk {
				samples += int(counts[hi])
				hi++
			}
			px, err := r.slice(lo, hi).render(ctx, d, field, grid, counts[lo:hi], o)
			if err != nil {
				return nil, err
			}
			pixels = append(pixels, px...)
			lo = hi
			if o.Progress != nil {
				o.Progress(at+hi, total)
			}
		}
	}
	return pixels, nil
}

// rays are origins and directions, three values each.
type rays struct{ o, d []float32 }

func (r rays) slice(lo, hi int) rays { return rays{r.o[3*lo : 3*hi], r.d[3*lo : 3*hi]} }

func (r rays) count(ctx context.Context, d kernels.Device, grid *tensor.Tensor, p kernels.MarchParams) ([]int32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	n := len(r.o) / 3
	counts := t.Run1(kernels.MarchCount, p, t.Float32(r.o, n, 3).Value(), t.Float32(r.d, n, 3).Value(), grid, nil)
	return counts.ReadInt32(ctx)
}

func (r rays) render(ctx context.Context, d kernels.Device, field Radiance, grid *tensor.Tensor, counts []int32, o RenderOptions) ([]float32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	n := len(counts)
	offsets := make([]int32, n+1)
	for i, c := range counts {
		offsets[i+1] = offsets[i] + c
	}
	bg := make([]float32, 3*n)
	for i := range bg {
		bg[i] = o.Background[i%3]
	}
	if offsets[n] == 0 {
		return emptyPixels(bg), nil
	}
	s := int(offsets[n])
	vo, vd := t.Float32(r.o, n, 3), t.Float32(r.d, n, 3)
	off := t.Int32(offsets, n+1)
	ids := t.Own(tensor.New(d, tensor.I32, s))
	spans := t.Own(tensor.New(d, d.Float(), s, 2))
	t.RunInto(kernels.MarchSamples, o.March(), []*tensor.Tensor{vo.Value(), vd.Value(), grid, nil, off}, ids, spans)
	rgb, sigma := field(UnitPositions(vo, vd, ids, spans, o.Half))
	px := t.Run1(kernels.Composite, kernels.CompositeParams{MinTransmittance: o.MinTransmittance},
		rgb.Value(), sigma.Value(), spans, off, t.Float32(bg, n, 3).Value())
	return px.ReadFloat32(ctx)
}

// UnitPositions returns the middles of samples in box units (S, 3): origin +
// direction (start + end) / 2 for the ray of each sample.
func UnitPositions(origins, directions *autograd.Var, ids, spans *tensor.Tensor, half float32) *autograd.Var {
	t := origins.Tape()
	o, d := autograd.Embedding(origins, ids), autograd.Embedding(directions, ids)
	mid := autograd.Mean(t.Const(spans), 1).View(-1, 1)
	p := autograd.Add(o, autograd.Mul(d, mid))
	return autograd.Scale(autograd.Add(p, t.Float32([]float32{half}, 1)), 1/(2*half))
}

func emptyPixels(bg []float32) []float32 {
	px := make([]float32, 0, len(bg)/3*5)
	for i := 0; i < len(bg); i += 3 {
		px = append(px, bg[i], bg[i+1], bg[i+2], 0, 0)
	}
	return px
}

// Image returns the pixels as an image of w x h.
func (p Pixels) Image(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.SetRGBA(i%w, i/w, color.RGBA{to8(p[5*i]), to8(p[5*i+1]), to8(p[5*i+2]), 255})
	}
	return img
}

func to8(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }

// Render renders a whole view of the field.
func (f *Field) Render(ctx context.Context, d kernels.Device, c Camera, o RenderOptions) (Pixels, error) {
	net := NewNet(d, f.Arch, f.Weights)
	defer net.Free()
	if o.Half == 0 {
		o.Half = f.Half
	}
	origins, directions := c.Rays()
	return Render(ctx, d, net.Query, origins, directions, o)
}
