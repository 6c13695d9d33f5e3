package nerf

import (
	"fmt"
	"math"

	"llana/kernels"
)

// Arch is the shape of a NeRF's network: a frequency encoding of 3
// coordinates, hidden layers of one width with ReLU, a linear output. There
// are no biases.
type Arch struct {
	Octaves int
	Hidden  int // hidden layers; one matrix more than their number
	Width   int // of the hidden layers
	Outputs int // at least 4: r, g, b, density, then padding
	// ZeroRows is the number of rows of zeros below the weights in the matrix
	// that weights2space reads.
	ZeroRows int
}

// Published is the network of the ShapeNet and Objaverse NeRFs: 144 inputs,
// three hidden layers of 64, outputs padded to 16; 18,432 weights. The
// reference pads the output layer to a square before it cuts rows.
var Published = Arch{Octaves: 24, Hidden: 3, Width: 64, Outputs: 16, ZeroRows: 48}

// Toy is the network of the toy world's NeRFs: 18 inputs, two hidden layers of
// 64; 5,504 weights. Few octaves fit less sharply, but their weights are
// easier to read.
var Toy = Arch{Octaves: 3, Hidden: 2, Width: 64, Outputs: 4}

// Layer is the place of a weight matrix (Out, In) in the parameter vector.
type Layer = kernels.NeRFLayer

// Layers returns the matrices in storage order. y = W x, row-major.
func (a Arch) Layers() []Layer { return a.field(false).Layers() }

// field returns the parameters of kernels.NeRFField.
func (a Arch) field(raw bool) kernels.NeRFFieldParams {
	return kernels.NeRFFieldParams{Octaves: a.Octaves, Hidden: a.Hidden, Width: a.Width, Outputs: a.Outputs, Raw: raw}
}

// Len returns the number of weights.
func (a Arch) Len() int { return a.field(false).Len() }

// Rows returns the number of rows of the weight matrix that weights2space
// reads; see Matrix.
func (a Arch) Rows() int { return (a.Len()+a.Width-1)/a.Width + a.ZeroRows }

// Matrix returns the weights as weights2space reads them: the vector cut into
// rows of Width, then ZeroRows rows of zeros. For the published network that
// is 336 x 64, for the toy world's 86 x 64.
func (a Arch) Matrix(weights []float32) []float32 {
	m := make([]float32, a.Rows()*a.Width)
	copy(m, weights)
	return m
}

// known lists the networks that a parameter vector's length is matched
// against when no description lies beside it.
var known = []Arch{Published, Toy}

// ArchOf returns the known network with n weights.
func ArchOf(n int) (Arch, error) {
	for _, a := range known {
		if a.Len() == n {
			return a, nil
		}
	}
	return Arch{}, fmt.Errorf("%d weights fit no known network (%d: published, %d: toy world)", n, Published.Len(), Toy.Len())
}

// SharedSeed is the seed all published NeRFs were initialised with. A shared
// initialisation is what makes the weights of different NeRFs comparable.
const SharedSeed = 999

// Init returns initial weights as tiny-cuda-nn draws them: one pcg32 generator
// through all matrices, each uniform in +-sqrt(6 / (rows + columns)).
func (a Arch) Init(seed uint64) []float32 {
	rng := newPCG32(seed)
	w := make([]float32, 0, a.Len())
	for _, l := range a.Layers() {
		s := float32(math.Sqrt(6 / float64(float32(l.Out+l.In))))
		for range l.Out * l.In {
			f := float32(rng.float() * 2)
			w = append(w, float32(f*s)-s)
		}
	}
	return w
}

// pcg32 is O'Neill's generator as tiny-cuda-nn seeds it.
type pcg32 struct{ state, inc uint64 }

func newPCG32(seed uint64) *pcg32 {
	r := &pcg32{inc: 3}
	r.next()
	r.state += seed
	r.next()
	return r
}

func (r *pcg32) next() uint32 {
	old := r.state
	r.state = old*0x5851f42d4c957f2d + r.inc
	x := uint32(((old >> 18) ^ old) >> 27)
	rot := uint32(old >> 59)
	return x>>rot | x<<((-rot)&31)
}

// float returns a number in [0, 1) with 23 random bits.
func (r *pcg32) float() float32 { return math.Float32frombits(r.next()>>9|0x3f800000) - 1 }
