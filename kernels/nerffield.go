package kernels

import (
	"math"
	"strings"
)

// NeRFFieldParams are the parameters of NeRFField: the shape of the networks.
type NeRFFieldParams struct {
	Octaves int // of the frequency encoding, 1 to 127
	Hidden  int // layers of Width with ReLU, at least 1
	Width   int // 1 to NeRFFieldWidth
	Outputs int // rows of the last matrix, at least 4; those from the fifth on are padding
	// Raw leaves out the activations of the outputs: colours come out as logits,
	// densities as the logarithm plus 1, everywhere.
	Raw bool
}

// NeRFFieldWidth is the largest width of the hidden layers: the activations of
// a block of points fit in a GPU's workgroup memory.
const NeRFFieldWidth = 64

// NeRFLayer is the place of a weight matrix (Out, In) in a network's
// parameters. y = W x, row-major.
type NeRFLayer struct{ Offset, Out, In int }

// Layers returns the matrices in storage order.
func (p NeRFFieldParams) Layers() []NeRFLayer {
	ls := make([]NeRFLayer, 0, p.Hidden+1)
	in, at := 6*p.Octaves, 0
	for i := range p.Hidden + 1 {
		out := p.Width
		if i == p.Hidden {
			out = p.Outputs
		}
		ls = append(ls, NeRFLayer{at, out, in})
		at += out * in
		in = out
	}
	return ls
}

// Len returns the number of a network's weights.
func (p NeRFFieldParams) Len() int {
	last := p.Layers()[p.Hidden]
	return last.Offset + last.Out*last.In
}

// Fits reports whether NeRFField computes networks of this shape.
func (p NeRFFieldParams) Fits() bool {
	return p.Octaves >= 1 && p.Octaves <= 127 && p.Hidden >= 1 && p.Width >= 1 && p.Width <= NeRFFieldWidth && p.Outputs >= 4
}

// NeRFField evaluates G NeRFs of one shape: encoding, network and the
// activations of its outputs (FrequencyEncode, products without biases with
// ReLU between them, Radiance) in one pass, so that no activation of a point
// crosses memory. Unit positions u (G, N, 3), or (1, N, 3) for all networks;
// weights (G, Len), each network's matrices one after the other. Colours rgb
// (G N, 3) and densities sigma (G N).
var NeRFField = Declare(Decl[NeRFFieldParams]{
	Name: "nerf_field", Doc: "rgb, sigma = radiance of a NeRF's network at the frequency encoding of u; G networks, positions shared or not",
	In: []Arg{{Name: "u"}, {Name: "weights"}}, Out: []Arg{{Name: "rgb"}, {Name: "sigma"}},
	Shapes: func(p NeRFFieldParams, in [][]int) [][]int {
		z := p.SizeOf(in[0], in[1])
		return [][]int{{z.G * z.N, 3}, {z.G * z.N}}
	},
	Ref32: nerfFieldRef[float32], Ref64: nerfFieldRef[float64],
	Shader: nerfFieldPlan,
	Cost: func(p NeRFFieldParams, in, _ [][]int) Cost {
		return Cost{FLOPs: 2 * p.SizeOf(in[0], in[1]).points() * p.used(0)}
	},
	Tol:   TolField,
	Cases: nerfFieldCases(false),
})

// NeRFFieldBackward gives dweights from the gradients of both outputs. The
// activations are computed again. Gradients of the outputs' activations are
// those of RadianceBackward; padding has the gradient 0.
var NeRFFieldBackward = Declare(Decl[NeRFFieldParams]{
	Name: "nerf_field_backward", Doc: "dweights of nerf_field; the activations are computed again",
	In:  []Arg{{Name: "u"}, {Name: "weights"}, {Name: "drgb"}, {Name: "dsigma"}},
	Out: []Arg{{Name: "dweights"}},
	Shapes: func(p NeRFFieldParams, in [][]int) [][]int {
		z := p.SizeOf(in[0], in[1])
		Check(sameShape(in[2], []int{z.G * z.N, 3}) && sameShape(in[3], []int{z.G * z.N}), "nerf_field_backward", in, "gradients do not fit")
		return [][]int{in[1]}
	},
	Ref32: nerfFieldBackwardRef[float32], Ref64: nerfFieldBackwardRef[float64],
	Shader: nerfFieldBackwardPlan,
	Cost: func(p NeRFFieldParams, in, _ [][]int) Cost {
		return Cost{FLOPs: 2 * p.SizeOf(in[0], in[1]).points() * (2*p.used(0) + p.used(1))}
	},
	Tol:   TolField,
	Cases: nerfFieldCases(true),
})

// NeRFFieldSize are the lengths of a call: networks, points and weights of
// each; Shared if all networks see the same points.
type NeRFFieldSize struct {
	G, N, W int
	Shared  bool
}

// SizeOf returns the lengths for u and weights of the given shapes.
func (p NeRFFieldParams) SizeOf(u, weights []int) NeRFFieldSize {
	shapes := [][]int{u, weights}
	Check(p.Fits(), "nerf_field", shapes, "no networks of the shape %+v: want 1 to 127 octaves, hidden layers of 1 to %d, 4 or more outputs", p, NeRFFieldWidth)
	Check(len(u) == 3 && u[2] == 3 && len(weights) == 2 && weights[1] == p.Len(), "nerf_field", shapes, "want u (G, N, 3) and weights (G, %d)", p.Len())
	Check(u[0] == weights[0] || u[0] == 1, "nerf_field", shapes, "positions for %d networks of %d", u[0], weights[0])
	return NeRFFieldSize{G: weights[0], N: u[1], W: weights[1], Shared: u[0] == 1 && weights[0] != 1}
}

func (z NeRFFieldSize) points() int64 { return int64(z.G) * int64(z.N) }

// used counts the weights of the layers from one on, without padding.
func (p NeRFFieldParams) used(from int) int64 {
	n := 0
	for _, l := range p.Layers()[from:p.Hidden] {
		n += l.Out * l.In
	}
	return int64(n + 4*p.Width)
}

// nerfPoint evaluates a network at one position.
type nerfPoint[T Real] struct {
	NeRFFieldParams
	layers []NeRFLayer
	h      [][]T // the layers' inputs, then the four outputs
}

func newNeRFPoint[T Real](p NeRFFieldParams) *nerfPoint[T] {
	n := &nerfPoint[T]{NeRFFieldParams: p, layers: p.Layers()}
	for _, l := range n.layers {
		n.h = append(n.h, make([]T, l.In))
	}
	n.layers[p.Hidden].Out = 4
	n.h = append(n.h, make([]T, 4))
	return n
}

func (n *nerfPoint[T]) forward(u, w []T) (y []T) {
	encodeRef(EncodeParams{n.Octaves}, []View[T]{{F: u}}, []View[T]{{F: n.h[0]}})
	for i, l := range n.layers {
		for o := range l.Out {
			v := dot(n.h[i], w[l.Offset+o*l.In:])
			if i < n.Hidden && v < 0 {
				v = 0
			}
			n.h[i+1][o] = v
		}
	}
	return n.h[n.Hidden+1]
}

// backward adds the gradient of the weights to dw. dy is that of the outputs.
func (n *nerfPoint[T]) backward(w, dy, dw []T) {
	for i := n.Hidden; i >= 0; i-- {
		l := n.layers[i]
		dx := make([]T, l.In)
		for o, d := range dy {
			addScaled(dw[l.Offset+o*l.In:][:l.In], d, n.h[i])
			addScaled(dx, d, w[l.Offset+o*l.In:])
		}
		for k, x := range n.h[i] {
			if !(x > 0) {
				dx[k] = 0
			}
		}
		dy = dx
	}
}

// each calls f for every point: its row among the outputs, its position, its
// network's weights and where those begin.
func (z NeRFFieldSize) each(f func(row, position, weights int)) {
	for row := range z.G * z.N {
		at := row
		if z.Shared {
			at %= z.N
		}
		f(row, 3*at, row/z.N*z.W)
	}
}

func nerfFieldRef[T Real](p NeRFFieldParams, in, out []View[T]) {
	net := newNeRFPoint[T](p)
	p.SizeOf(in[0].Shape, in[1].Shape).each(func(row, at, weights int) {
		u := in[0].F[at : at+3]
		y := net.forward(u, in[1].F[weights:])
		rgb := out[0].F[3*row : 3*row+3]
		if p.Raw {
			copy(rgb, y)
			out[1].F[row] = y[3]
			return
		}
		out[1].F[row] = radianceAt(y, u, rgb)
	})
}

func nerfFieldBackwardRef[T Real](p NeRFFieldParams, in, out []View[T]) {
	net := newNeRFPoint[T](p)
	clear(out[0].F)
	dy := make([]T, 4)
	p.SizeOf(in[0].Shape, in[1].Shape).each(func(row, at, weights int) {
		u, w := in[0].F[at:at+3], in[1].F[weights:]
		y := net.forward(u, w)
		if p.Raw {
			copy(dy, in[2].F[3*row:3*row+3])
			dy[3] = in[3].F[row]
		} else {
			radianceGradientAt(y, u, in[2].F[3*row:3*row+3], in[3].F[row], dy)
		}
		net.backward(w, dy, out[0].F[weights:])
	})
}

func nerfFieldCases(backward bool) []Case {
	c := func(name string, p NeRFFieldParams, shared bool, g, n int) Case {
		positions := g
		if shared {
			positions = 1
		}
		scale := 2.4 / math.Sqrt(float64(p.Width))
		in := []Fill{Uniform(-0.1, 1.1, positions, n, 3), Uniform(-scale, scale, g, p.Len())}
		if backward {
			in = append(in, Normal(g*n, 3), Normal(g*n))
		}
		return Case{Name: name, P: p, In: in}
	}
	published, toy := NeRFFieldParams{24, 3, 64, 16, false}, NeRFFieldParams{3, 2, 64, 4, false}
	toyRaw := toy
	toyRaw.Raw = true
	cases := []Case{
		c("published", published, false, 1, 137),
		c("small ones at their own points", toy, false, 3, 70),
		c("small ones at the same points, raw", toyRaw, true, 3, 45),
		c("one layer, odd", NeRFFieldParams{2, 1, 5, 7, false}, false, 2, 33),
		c("many layers, odd", NeRFFieldParams{5, 5, 33, 4, true}, true, 2, 19),
		c("padding beyond the width", NeRFFieldParams{4, 2, 20, 70, false}, false, 2, 12),
		c("parts of a sum", NeRFFieldParams{2, 1, 8, 4, true}, false, 1, 1100),
		c("no points", toy, false, 2, 0),
		c("bench", published, false, 1, 1<<16),
		c("bench", published, false, 1, 1<<18),
		c("bench, small ones", toyRaw, true, 64, 512),
	}
	for i := range cases {
		cases[i].Bench = strings.HasPrefix(cases[i].Name, "bench")
	}
	return cases
}
