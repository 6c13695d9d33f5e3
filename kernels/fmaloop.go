package kernels

// FMALoopParams are the parameters of FMALoop.
type FMALoopParams struct {
	Rounds int
	Mul    float32
}

// fmaLanes is the number of independent chains of an element: enough to hide
// the latency of a multiply-add, few enough to stay in registers.
const fmaLanes = 32

// FMALoop measures how fast a device multiplies and adds in registers, the
// ceiling that other operations are compared with: it touches memory twice and
// computes as long as one likes. For each element, 32 chains a_l start at
// x + l and take a = a Mul + x for Rounds rounds; y is their sum.
var FMALoop = Declare(Decl[FMALoopParams]{
	Name: "fma_loop", Doc: "multiply-adds in registers, to measure a device's ceiling", In: []Arg{{Name: "x"}}, Out: []Arg{{Name: "y"}},
	Shapes: func(_ FMALoopParams, in [][]int) [][]int { return [][]int{in[0]} },
	Ref32:  fmaLoopRef[float32], Ref64: fmaLoopRef[float64],
	Shader: func(p FMALoopParams, pl *Plan) {
		n := pl.Out[0].Len()
		pl.Dispatch("fmaloop", nil, Words(n, p.Rounds, p.Mul), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(p FMALoopParams, in, _ [][]int) Cost {
		return Cost{FLOPs: 2 * fmaLanes * int64(p.Rounds) * int64(numel(in[0]))}
	},
	Tol: TolElementwise,
	Cases: []Case{
		{Name: "odd", P: FMALoopParams{7, 0.5}, In: []Fill{Normal(7, 43)}, Special: true},
		{Name: "no rounds", P: FMALoopParams{0, 0.5}, In: []Fill{Normal(5)}},
		{Name: "empty", P: FMALoopParams{3, 0.5}, In: []Fill{Normal(0)}},
	},
})

func fmaLoopRef[T Real](p FMALoopParams, in, out []View[T]) {
	for i, x := range in[0].F {
		var sum T
		for l := range fmaLanes {
			a := x + T(l)
			for range p.Rounds {
				a = a*T(p.Mul) + x
			}
			sum += a
		}
		out[0].F[i] = sum
	}
}
