package nerf

import (
	"context"
	"slices"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Field is one NeRF: its network and weights, and the cube [-Half, Half]^3 it
// fills.
type Field struct {
	Arch
	Weights []float32
	Half    float32
}

// DefaultHalf is half the edge of the published NeRFs' box.
const DefaultHalf = 0.7

// Net is a batch of G NeRFs of one shape with their weights on a device.
type Net struct {
	Arch
	Params *autograd.Leaf // (G, Len), parameter vectors
}

// NewNet uploads the weights of fields, which share one network.
func NewNet(d kernels.Device, a Arch, weights ...[]float32) *Net {
	t := tensor.New(d, d.Float(), len(weights), a.Len())
	t.SetFloat32(slices.Concat(weights...))
	return &Net{a, &autograd.Leaf{Value: t}}
}

// Free frees the weights.
func (n *Net) Free() { n.Params.Free() }

// Weights reads back the parameter vectors of all NeRFs.
func (n *Net) Weights(ctx context.Context) ([][]float32, error) {
	v, err := n.Params.Value.ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Collect(slices.Chunk(v, n.Len())), nil
}

// Query evaluates the NeRFs at unit positions u: (G, N, 3), or (N, 3) for all
// of them. Colours (G N, 3) and densities (G N), those of one NeRF after the
// other.
func (n *Net) Query(u *autograd.Var) (rgb, sigma *autograd.Var) { return n.evaluate(u, false) }

// Raw is Query without the activations: colour logits, and the logarithm of the
// density plus 1, which are defined outside the box too.
func (n *Net) Raw(u *autograd.Var) (rgb, sigma *autograd.Var) { return n.evaluate(u, true) }

func (n *Net) evaluate(u *autograd.Var, raw bool) (rgb, sigma *autograd.Var) {
	if len(u.Shape()) == 2 {
		u = u.View(1, u.Dim(0), 3)
	}
	if p := n.field(raw); p.Fits() {
		return autograd.NeRFField(u.Tape().Use(n.Params), u.Value(), p)
	}
	return n.compose(u, raw)
}

// compose evaluates networks that kernels.NeRFField does not: those with wider
// hidden layers, or none.
func (n *Net) compose(u *autograd.Var, raw bool) (rgb, sigma *autograd.Var) {
	t := u.Tape()
	weights := t.Use(n.Params)
	g := weights.Dim(0)
	if u.Dim(0) != g {
		u = autograd.Concat(0, slices.Repeat([]*autograd.Var{u}, g)...)
	}
	x := autograd.FrequencyEncode(t, u.Value(), n.Octaves)
	for i, l := range n.Layers() {
		if i > 0 {
			x = autograd.ReLU(x)
		}
		w := autograd.Slice(weights, 1, l.Offset, l.Offset+l.Out*l.In).View(g, l.Out, l.In)
		x = autograd.MatMul(x, w, kernels.MatMulParams{TransB: true})
	}
	points := g * u.Dim(1)
	y := x.View(points, n.Outputs)
	if raw {
		return autograd.Slice(y, 1, 0, 3), autograd.Slice(y, 1, 3, 4).View(points)
	}
	return autograd.Radiance(y, u.View(points, 3).Value())
}

// Unit maps world positions to box units, (p + half) / (2 half).
func Unit(positions []float32, half float32) []float32 {
	u := make([]float32, len(positions))
	for i, p := range positions {
		u[i] = (p + half) / (2 * half)
	}
	return u
}

// queryChunk bounds the memory of a query, and how long it goes on when it is
// cancelled.
const queryChunk = 1 << 18

// Query evaluates the field at world positions (N x 3, flat): red, green, blue
// and density of each (N x 4, flat).
func (f *Field) Query(ctx context.Context, d kernels.Device, positions []float32) ([]float32, error) {
	net := NewNet(d, f.Arch, f.Weights)
	defer net.Free()
	out := make([]float32, 0, len(positions)/3*4)
	for at := 0; at < len(positions); at += 3 * queryChunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := positions[at:min(len(positions), at+3*queryChunk)]
		rgb, sigma, err := net.query(ctx, d, Unit(part, f.Half))
		if err != nil {
			return nil, err
		}
		for i, s := range sigma {
			out = append(out, rgb[3*i], rgb[3*i+1], rgb[3*i+2], s)
		}
	}
	return out, nil
}

func (n *Net) query(ctx context.Context, d kernels.Device, unit []float32) (rgb, sigma []float32, err error) {
	t := autograd.Inference(d)
	defer t.Release()
	c, s := n.Query(t.Float32(unit, len(unit)/3, 3))
	if rgb, err = c.Value().ReadFloat32(ctx); err != nil {
		return nil, nil, err
	}
	sigma, err = s.Value().ReadFloat32(ctx)
	return rgb, sigma, err
}
