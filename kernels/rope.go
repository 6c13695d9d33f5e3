package kernels

import "math"

// RoPEParams are the parameters of RoPE.
type RoPEParams struct {
	Theta   float32 // base of the frequencies, 10000 in LLaMA
	Offset  int     // position of the first token, where no positions are given
	Inverse bool    // turn the other way: the gradient
}

// MaxRoPEDim is the largest head size RoPE takes.
const MaxRoPEDim = 256

// RoPE rotates queries or keys by their position (Su et al. 2021), in the
// "rotate_half" layout of LLaMA's published weights: element i of a head is
// paired with i + D/2 and the pair turned by position * Theta^(-2i/D).
//
// x (B, T, H, D) with even D; positions (B, T) integers, or absent: then
// token t of each item has position Offset + t. The angle is exact: where
// others round position * frequency to float32, they are up to 2e-4 off at
// position 4000.
var RoPE = Declare(Decl[RoPEParams]{
	Name: "rope", Doc: "pairs (x[i], x[i + D/2]) of each head turned by position * theta^(-2i/D)",
	In: []Arg{{Name: "x"}, {Name: "positions", Kind: Int, Optional: true}}, Out: []Arg{{Name: "y"}},
	Shapes: func(p RoPEParams, in [][]int) [][]int {
		x := in[0]
		Check(len(x) == 4 && x[3]%2 == 0 && x[3] <= MaxRoPEDim && p.Theta > 0, "rope", in, "want (B, T, H, even D up to %d) and a positive theta", MaxRoPEDim)
		Check(in[1] == nil || sameShape(in[1], x[:2]), "rope", in, "positions are not (B, T)")
		return [][]int{x}
	},
	Ref32: ropeRef[float32], Ref64: ropeRef[float64],
	Shader: ropePlan,
	Cost:   func(_ RoPEParams, in, _ [][]int) Cost { return Cost{FLOPs: 3 * int64(numel(in[0]))} },
	Tol:    TolTrig,
	Cases: []Case{
		{Name: "odd", P: RoPEParams{Theta: 10000}, In: []Fill{Normal(2, 7, 3, 6), {}}, Special: true},
		{Name: "offset", P: RoPEParams{Theta: 10000, Offset: 3125}, In: []Fill{Normal(1, 3, 5, 128), {}}},
		{Name: "inverse", P: RoPEParams{Theta: 10000, Offset: 40, Inverse: true}, In: []Fill{Normal(2, 5, 2, 64), {}}},
		{Name: "positions", P: RoPEParams{Theta: 10000}, In: []Fill{Normal(2, 40, 2, 64), Ints(-5, 4096, 2, 40)}},
		{Name: "other base", P: RoPEParams{Theta: 500000}, In: []Fill{Normal(1, 300, 1, 256), {}}},
		{Name: "one pair", P: RoPEParams{Theta: 10000}, In: []Fill{Normal(1, 4, 1, 2), {}}},
		{Name: "no tokens", P: RoPEParams{Theta: 10000}, In: []Fill{Normal(2, 0, 2, 8), {}}},
		{Name: "bench", P: RoPEParams{Theta: 10000}, In: []Fill{Normal(1, 3125, 32, 128), {}}, Bench: true},
	},
})

// Frequency returns the angle, in radians, by which pair i of a head of size
// dim turns from one position to the next.
func (p RoPEParams) Frequency(i, dim int) float64 {
	return math.Pow(float64(p.Theta), -2*float64(i)/float64(dim))
}

func ropeRef[T Real](p RoPEParams, in, out []View[T]) {
	s := in[0].Shape
	tokens, heads, dim := s[1], s[2], s[3]
	half := dim / 2
	for bt := range s[0] * tokens {
		pos := p.Offset + bt%tokens
		if in[1].I != nil {
			pos = int(in[1].I[bt])
		}
		for i := range half {
			angle := float64(pos) * p.Frequency(i, dim)
			if p.Inverse {
				angle = -angle
			}
			sin, cos := math.Sincos(angle)
			for h := range heads {
				x, y := in[0].F[(bt*heads+h)*dim:], out[0].F[(bt*heads+h)*dim:]
				a, b := x[i], x[i+half]
				y[i] = a*T(cos) - b*T(sin)
				y[i+half] = b*T(cos) + a*T(sin)
			}
		}
	}
}

func ropePlan(p RoPEParams, pl *Plan) {
	s := pl.In[0].Shape()
	n := pl.In[0].Len() / 2
	params := append(Words(n, s[1], s[2], s[3]/2, p.Offset, 0, 0, 0), p.turns(s[3])...)
	pl.Dispatch("rope", []Const{{"POSITIONS", pl.In[1] != nil}}, params, pl.Operands(), pl.Fold(ceilDiv(n, 256)))
}

// turns returns each pair's frequency in turns / 2^32, filled up to
// MaxRoPEDim/2: the product with a position, in arithmetic that wraps around, is
// the angle reduced to one turn, off by at most position * 7e-10 radians.
func (p RoPEParams) turns(dim int) []uint32 {
	words := make([]uint32, MaxRoPEDim/2)
	for i := range dim / 2 {
		t := p.Frequency(i, dim) / (2 * math.Pi)
		if p.Inverse {
			t = -t
		}
		// Whole turns do not matter, and a theta below 1 can give many.
		words[i] = uint32(int64(math.Round((t - math.Floor(t)) * (1 << 32))))
	}
	return words
}
