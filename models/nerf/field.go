package nerf

import (
	"context"

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

// Net is a batch of G NeRFs of one shape with their weights on a device, one
// tensor (G, out, in) for each layer.
type Net struct {
	Arch
	Layers []*autograd.Leaf
}

// NewNet uploads the weights of fields, which share one network.
func NewNet(d kernels.Device, a Arch, weights ...[]float32) *Net {
	n := &Net{Arch: a}
	for _, l := range a.Layers() {
		data := make([]float32, 0, len(weights)*l.Out*l.In)
		for _, w := range weights {
			data = append(data, w[l.Offset:l.Offset+l.Out*l.In]...)
		}
		t := tensor.New(d, d.Float(), len(weights), l.Out, l.In)
		t.SetFloat32(data)
		n.Layers = append(n.Layers, &autograd.Leaf{Value: t})
	}
	return n
}

// Free frees the weights.
func (n *Net) Free() {
	for _, l := range n.Layers {
		l.Free()
	}
}

// Weights reads back the parameter vectors of all NeRFs.
func (n *Net) Weights(ctx context.Context) ([][]float32, error) {
	g := n.Layers[0].Value.Dim(0)
	out := make([][]float32, g)
	for i := range out {
		out[i] = make([]float32, 0, n.Len())
	}
	for i, l := range n.Arch.Layers() {
		v, err := n.Layers[i].Value.ReadFloat32(ctx)
		if err != nil {
			return nil, err
		}
		size := l.Out * l.In
		for j := range out {
			out[j] = append(out[j], v[j*size:(j+1)*size]...)
		}
	}
	return out, nil
}

// Raw evaluates the networks at unit positions u (N, 3): outputs before
// activation (N, Outputs). With G > 1 NeRFs, either all see the same N
// positions or each its own N/G (perItem), and the result is (G*N', Outputs).
func (n *Net) Raw(u *autograd.Var, perItem bool) *autograd.Var {
	t := u.Tape()
	g := n.Layers[0].Value.Dim(0)
	x := autograd.FrequencyEncode(u, n.Octaves)
	if perItem || g == 1 {
		x = x.View(g, -1, x.Dim(-1))
	}
	p := kernels.MatMulParams{TransB: true}
	for i, l := range n.Layers {
		x = autograd.MatMul(x, t.Use(l), p)
		if i < len(n.Layers)-1 {
			x = autograd.ReLU(x)
		}
	}
	return x.View(-1, n.Outputs)
}

// Query evaluates one NeRF at unit positions u (N, 3): colours (N, 3) and
// densities (N).
func (n *Net) Query(u *autograd.Var) (rgb, sigma *autograd.Var) {
	return autograd.Radiance(n.Raw(u, true), u.Value())
}

// Unit maps world positions to box units, (p + half) / (2 half).
func Unit(positions []float32, half float32) []float32 {
	u := make([]float32, len(positions))
	for i, p := range positions {
		u[i] = (p + half) / (2 * half)
	}
	return u
}

// queryChunk bounds the memory of a query.
const queryChunk = 1 << 16

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
