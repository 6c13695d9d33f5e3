package kernels

// DropoutParams hold the probability, in [0, 1), that an element is dropped.
type DropoutParams struct{ P float32 }

// Dropout sets elements to 0 with probability P and scales the others by
// 1 / (1 - P). seed (1) chooses the mask: element i is kept if
// Hash(seed, i) >= DropBelow(P).
// The gradient is the same operation on dy.
var Dropout = Declare(Decl[DropoutParams]{
	Name: "dropout", Doc: "y = x / (1 - p) where the hash of seed and position keeps it, else 0; its own gradient",
	In: []Arg{{Name: "x"}, {Name: "seed", Kind: Int}}, Out: []Arg{{Name: "y"}},
	Shapes: func(p DropoutParams, in [][]int) [][]int {
		Check(p.P >= 0 && p.P < 1, "dropout", in, "probability %v is not in [0, 1)", p.P)
		Check(numel(in[1]) == 1, "dropout", in, "want one seed")
		return [][]int{in[0]}
	},
	Ref32: dropoutRef[float32], Ref64: dropoutRef[float64],
	Shader: func(p DropoutParams, pl *Plan) {
		n := pl.Out[0].Len()
		pl.Dispatch("dropout", nil, Words(n, DropBelow(p.P), float32(1/(1-float64(p.P)))), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ DropoutParams, in, _ [][]int) Cost { return Cost{FLOPs: int64(numel(in[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "odd", P: DropoutParams{0.1}, In: []Fill{Normal(7, 43), Fixed(5, 1)}},
		{Name: "most dropped", P: DropoutParams{0.9}, In: []Fill{Normal(1000), Fixed(-77, 1)}},
		{Name: "nothing dropped", P: DropoutParams{0}, In: []Fill{Normal(7, 43), Fixed(5, 1)}, Special: true},
		{Name: "empty", P: DropoutParams{0.5}, In: []Fill{Normal(0, 3), Fixed(5, 1)}},
		{Name: "bench", P: DropoutParams{0.1}, In: []Fill{Normal(3072, 2064), Fixed(5, 1)}, Bench: true},
	},
})

// DropBelow returns the hash value from which on an element is kept when the
// probability of dropping is p: it is kept if Hash(seed, i) >= DropBelow(p).
func DropBelow(p float32) uint32 { return uint32(float64(p) * (1 << 32)) }

func dropoutRef[T Real](p DropoutParams, in, out []View[T]) {
	seed, below := uint32(in[1].I[0]), DropBelow(p.P)
	for i, x := range in[0].F {
		out[0].F[i] = 0
		if Hash(seed, uint32(i)) >= below {
			out[0].F[i] = x / (1 - T(p.P))
		}
	}
}
