package kernels

import "math"

// Triplane samples three feature planes at 3-D points and sums the three
// results, as the tri-plane of weights2space is read.
//
// tokens (B, 3 R R, C): token plane*R*R + row*R + col. points (B, N, 3) in
// [-1, 1]. Plane 0 is read at (x -> col, y -> row), plane 1 at (x, z), plane 2
// at (y, z), bilinearly with corners aligned (-1 is index 0, 1 is index R-1)
// and zeros outside. Output (B, N, C).
var Triplane = Declare(Decl[None]{
	Name: "triplane", Doc: "features of three R x R planes at points in [-1, 1]^3, bilinear, corners aligned, zero outside, summed",
	In: []Arg{{Name: "tokens"}, {Name: "points"}}, Out: []Arg{{Name: "features"}},
	Shapes: func(_ None, in [][]int) [][]int {
		b, _, c := triplaneSize("triplane", in, in[0], in[1])
		return [][]int{{b, in[1][1], c}}
	},
	Ref32: triplaneRef[float32], Ref64: triplaneRef[float64],
	Shader: func(_ None, pl *Plan) {
		tok, pts := pl.In[0].Shape(), pl.In[1].Shape()
		b, r, c := triplaneSize("triplane", nil, tok, pts)
		n := b * pts[1] * c
		pl.Dispatch("triplane", nil, Words(n, pts[1], r, c), pl.Operands(), pl.Fold(ceilDiv(n, 256)))
	},
	Cost: func(_ None, in, out [][]int) Cost { return Cost{FLOPs: 24 * int64(numel(out[0]))} },
	Tol:  TolElementwise,
	Cases: []Case{
		{Name: "batch", P: None{}, In: []Fill{Normal(2, 75, 7), Uniform(-1.3, 1.3, 2, 31, 3)}},
		{Name: "corners", P: None{}, In: []Fill{Normal(1, 48, 43), Ints(-1, 2, 1, 20, 3)}},
		{Name: "no points", P: None{}, In: []Fill{Normal(1, 12, 3), Normal(1, 0, 3)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1, 3072, 516), Uniform(-1, 1, 1, 35000, 3)}, Bench: true},
	},
})

// TriplaneBackward gives dtokens from points and dfeatures. tokens is read for
// its shape only.
var TriplaneBackward = Declare(Decl[None]{
	Name: "triplane_backward", Doc: "dtokens: each cell gathers from the points around it, in their order",
	In: []Arg{{Name: "tokens"}, {Name: "points"}, {Name: "dfeatures"}}, Out: []Arg{{Name: "dtokens"}},
	Shapes: func(_ None, in [][]int) [][]int {
		b, _, c := triplaneSize("triplane_backward", in, in[0], in[1])
		Check(sameShape(in[2], []int{b, in[1][1], c}), "triplane_backward", in, "dfeatures does not fit")
		return [][]int{in[0]}
	},
	Ref32: triplaneBackwardRef[float32], Ref64: triplaneBackwardRef[float64],
	Shader: func(_ None, pl *Plan) {
		tok, pts := pl.In[0].Shape(), pl.In[1].Shape()
		b, r, c := triplaneSize("triplane_backward", nil, tok, pts)
		cells, blocks := b*3*r*r, ceilDiv(c, 64)
		pl.Dispatch("triplane_backward", nil, Words(cells*blocks, blocks, pts[1], r, c),
			[]Bind{B(pl.In[1]), B(pl.In[2]), B(pl.Out[0])}, pl.Fold(cells*blocks))
	},
	Cost: func(_ None, in, _ [][]int) Cost { return Cost{FLOPs: 24 * int64(numel(in[2]))} },
	Tol:  TolProduct,
	Cases: []Case{
		{Name: "batch", P: None{}, In: []Fill{Normal(2, 75, 7), Uniform(-1.3, 1.3, 2, 31, 3), Normal(2, 31, 7)}},
		{Name: "many points, wide", P: None{}, In: []Fill{Normal(1, 12, 130), Uniform(-1, 1, 1, 300, 3), Normal(1, 300, 130)}},
		{Name: "corners", P: None{}, In: []Fill{Normal(1, 48, 43), Ints(-1, 2, 1, 20, 3), Normal(1, 20, 43)}},
		{Name: "no points", P: None{}, In: []Fill{Normal(1, 12, 3), Normal(1, 0, 3), Normal(1, 0, 3)}},
		{Name: "bench", P: None{}, In: []Fill{Normal(1, 3072, 516), Uniform(-1, 1, 1, 35000, 3), Normal(1, 35000, 516)}, Bench: true},
	},
})

// triplaneAxes are the coordinates that give a plane's column and row.
var triplaneAxes = [3][2]int{{0, 1}, {0, 2}, {1, 2}}

func triplaneSize(op string, all [][]int, tokens, points []int) (b, r, c int) {
	Check(len(tokens) == 3 && len(points) == 3 && points[2] == 3 && tokens[0] == points[0], op, all,
		"want tokens (B, 3 R R, C) and points (B, N, 3)")
	r = int(math.Round(math.Sqrt(float64(tokens[1]) / 3)))
	Check(3*r*r == tokens[1] && r > 0, op, all, "%d tokens are not three square planes", tokens[1])
	return tokens[0], r, tokens[2]
}

// TriplaneTaps calls f for each of the up to twelve tokens around a point in
// [-1, 1]^3, with its bilinear weight.
func TriplaneTaps[T Real](r int, point []T, f func(token int, weight T)) {
	for plane, ax := range triplaneAxes {
		x := (point[ax[0]] + 1) / 2 * T(r-1)
		y := (point[ax[1]] + 1) / 2 * T(r-1)
		x0, y0 := math.Floor(float64(x)), math.Floor(float64(y))
		for dy := range 2 {
			for dx := range 2 {
				col, row := x0+float64(dx), y0+float64(dy)
				if !(col >= 0 && row >= 0 && col <= float64(r-1) && row <= float64(r-1)) {
					continue
				}
				w := (1 - abs(x-T(col))) * (1 - abs(y-T(row)))
				f(plane*r*r+int(row)*r+int(col), w)
			}
		}
	}
}

func abs[T Real](x T) T {
	if x < 0 {
		return -x
	}
	return x
}

func triplaneRef[T Real](_ None, in, out []View[T]) {
	b, r, c := triplaneSize("triplane", nil, in[0].Shape, in[1].Shape)
	n := in[1].Shape[1]
	clear(out[0].F)
	for i := range b * n {
		tokens := in[0].F[i/n*3*r*r*c:]
		o := out[0].F[i*c:][:c]
		TriplaneTaps(r, in[1].F[3*i:], func(t int, w T) {
			for j := range o {
				o[j] += w * tokens[t*c+j]
			}
		})
	}
}

func triplaneBackwardRef[T Real](_ None, in, out []View[T]) {
	b, r, c := triplaneSize("triplane_backward", nil, in[0].Shape, in[1].Shape)
	n := in[1].Shape[1]
	clear(out[0].F)
	for i := range b * n {
		grad := out[0].F[i/n*3*r*r*c:]
		dy := in[2].F[i*c:][:c]
		TriplaneTaps(r, in[1].F[3*i:], func(t int, w T) {
			for j, d := range dy {
				grad[t*c+j] += w * d
			}
		})
	}
}
