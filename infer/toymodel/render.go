package toymodel

import (
	"context"
	"image"

	"llana/autograd"
	"llana/kernels"
	"llana/models/nerf"
	"llana/models/spatialllana"
	"llana/models/weights2space"
	"llana/tensor"
	"llana/train/fit"
)

const (
	gridRes    = 24
	renderStep = 0.012 // a fifth of the published steps: these solids have no fine detail
)

// background of the pictures: dark, so that white solids show.
var background = [3]float32{0.09, 0.10, 0.125}

// Encode returns the tokens of NeRFs as the language models read them.
func (m *Models) Encode(ctx context.Context, scenes []HeldOut) ([]*spatialllana.Object, error) {
	d := m.Encoder.Params.Device()
	out := make([]*spatialllana.Object, 0, len(scenes))
	const batch = 16
	for at := 0; at < len(scenes); at += batch {
		part := scenes[at:min(len(scenes), at+batch)]
		tokens, err := m.tokens(ctx, d, part)
		if err != nil {
			return nil, err
		}
		size := len(tokens) / len(part)
		for i := range part {
			out = append(out, &spatialllana.Object{Tokens: m.Encoder.Config.Tokens(), Width: m.Encoder.Width, Data: tokens[i*size : (i+1)*size]})
		}
	}
	return out, nil
}

func (m *Models) tokens(ctx context.Context, d kernels.Device, scenes []HeldOut) ([]float32, error) {
	t := autograd.Inference(d)
	defer t.Release()
	var matrices []float32
	for _, s := range scenes {
		matrices = append(matrices, s.Field.Matrix(s.Field.Weights)...)
	}
	a := scenes[0].Field.Arch
	x := t.Float32(matrices, len(scenes), a.Rows(), a.Width)
	return m.Encoder.Tokens(x, nil).Value().ReadFloat32(ctx)
}

// Render renders the view of a camera, of the NeRF itself and of the tri-plane
// that its tokens form.
func (m *Models) Render(ctx context.Context, s HeldOut, tokens *spatialllana.Object, c nerf.Camera) (field, triplane *image.RGBA, err error) {
	d := m.Encoder.Params.Device()
	grids, err := fit.Grids(ctx, d, []*nerf.Field{s.Field}, gridRes)
	if err != nil {
		return nil, nil, err
	}
	o := nerf.RenderOptions{Half: s.Field.Half, Step: renderStep, Grid: grids[0], MinTransmittance: 1e-3, Background: background}
	px, err := s.Field.Render(ctx, d, c, o)
	if err != nil {
		return nil, nil, err
	}
	x := tensor.Float32(d, tokens.Data, 1, tokens.Tokens, tokens.Width)
	defer x.Free()
	decode := m.decoder(x)
	if o.Grid, err = gridOf(ctx, d, decode, s.Field.Half); err != nil {
		return nil, nil, err
	}
	origins, directions := c.Rays()
	again, err := nerf.Render(ctx, d, decode, origins, directions, o)
	if err != nil {
		return nil, nil, err
	}
	return px.Image(c.W, c.H), again.Image(c.W, c.H), nil
}

// decoder reads the tri-plane of tokens (1, T, width) as a radiance field.
func (m *Models) decoder(tokens *tensor.Tensor) nerf.Radiance {
	return func(u *autograd.Var) (rgb, sigma *autograd.Var) {
		t := u.Tape()
		signed := autograd.Sub(autograd.Scale(u, 2), t.Float32([]float32{1}, 1))
		p := weights2space.Points{Unit: u.Value(), Signed: signed.View(1, -1, 3).Value()}
		return m.Encoder.Decode(t.Const(tokens), p)
	}
}

// gridOf marks the cells in which a field has some density at the centre or
// the corners.
func gridOf(ctx context.Context, d kernels.Device, field nerf.Radiance, half float32) (*nerf.Grid, error) {
	const n = 2*gridRes + 1 // corners and centres along an axis
	unit := make([]float32, 0, 3*n*n*n)
	for x := range n {
		for y := range n {
			for z := range n {
				// Faces of the box are outside it: stay a little inside.
				at := func(i int) float32 { return min(max(float32(i)/(n-1), 1e-4), 1-1e-4) }
				unit = append(unit, at(x), at(y), at(z))
			}
		}
	}
	t := autograd.Inference(d)
	defer t.Release()
	_, sigma := field(t.Float32(unit, len(unit)/3, 3))
	dense, err := sigma.Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	g := &nerf.Grid{Res: gridRes, Cells: make([]int32, gridRes*gridRes*gridRes), Half: half}
	for i, s := range dense {
		if s > 0.5 {
			mark(g, i/(n*n), i/n%n, i%n)
		}
	}
	return g, nil
}

// mark marks the cells that touch a point, given in half cells.
func mark(g *nerf.Grid, x, y, z int) {
	for i := max(0, (x-1)/2); i <= min(g.Res-1, x/2); i++ {
		for j := max(0, (y-1)/2); j <= min(g.Res-1, y/2); j++ {
			for k := max(0, (z-1)/2); k <= min(g.Res-1, z/2); k++ {
				g.Cells[(i*g.Res+j)*g.Res+k] = 1
			}
		}
	}
}
