package kernels

import "llana/tensor"

// Act is an activation applied to a product's result before it is stored.
type Act uint8

const (
	ActNone Act = iota
	ActReLU
)

// MatMulParams are the parameters of MatMul and MatMulAdd. The stored
// matrices are A (M,K), or (K,M) with TransA; B (K,N), or (N,K) with TransB.
type MatMulParams struct {
	TransA, TransB bool
	Act            Act
}

// MatMul is the matrix product out = act(op(A) op(B) + bias) + residual.
//
// A and B are matrices, or batches of matrices (G,.,.): either both are
// batched, or one is and the other is used for every item. B may be packed.
// bias (N) is added to every row, residual has the shape of out; both may be
// absent.
var MatMul = Declare(matmulDecl("matmul", "out = act(op(A) op(B) + bias) + residual; op transposes on request; batched, either side shared",
	[]Arg{{Name: "a"}, {Name: "b", Packed: true}, {Name: "bias", Optional: true}, {Name: "residual", Optional: true}},
	[]Arg{{Name: "out"}}, matmulCases()))

// MatMulAdd is out += op(A) op(B): gradients of weights add up without
// another pass over memory. Operands as for MatMul, without bias and
// activation.
var MatMulAdd = Declare(matmulDecl("matmul_add", "out += op(A) op(B)",
	[]Arg{{Name: "a"}, {Name: "b", Packed: true}}, []Arg{{Name: "out", InOut: true}}, matmulAddCases()))

// MatMulSize are the lengths of a product: G independent M x K by K x N.
// A batch stride is 0 for a matrix that all items share.
type MatMulSize struct{ G, M, N, K, StrideA, StrideB int }

// SizeOf returns the lengths for operands of the given shapes.
func (p MatMulParams) SizeOf(a, b []int) MatMulSize {
	shapes := [][]int{a, b}
	for _, s := range shapes {
		Check(len(s) == 2 || len(s) == 3, "matmul", shapes, "operand of rank %d, want 2 or 3", len(s))
	}
	z := MatMulSize{G: 1}
	var ka, kb int
	z.M, ka = a[len(a)-2], a[len(a)-1]
	kb, z.N = b[len(b)-2], b[len(b)-1]
	if p.TransA {
		z.M, ka = ka, z.M
	}
	if p.TransB {
		kb, z.N = z.N, kb
	}
	Check(ka == kb, "matmul", shapes, "inner lengths %d and %d differ", ka, kb)
	z.K = ka
	if len(a) == 3 {
		z.G, z.StrideA = a[0], z.M*z.K
	}
	if len(b) == 3 {
		Check(len(a) == 2 || a[0] == b[0], "matmul", shapes, "batches differ")
		z.G, z.StrideB = b[0], z.K*z.N
	}
	return z
}

func matmulDecl(name, doc string, in, out []Arg, cases []Case) Decl[MatMulParams] {
	return Decl[MatMulParams]{
		Name: name, Doc: doc, In: in, Out: out, Tol: TolProduct, Cases: cases,
		Shapes: func(p MatMulParams, in [][]int) [][]int {
			z := p.SizeOf(in[0], in[1])
			out := []int{z.G, z.M, z.N}
			if len(in[0]) == 2 && len(in[1]) == 2 {
				out = out[1:]
			}
			if len(in) == 4 {
				Check(in[2] == nil || sameShape(in[2], []int{z.N}), name, in, "bias has shape %v, want [%d]", in[2], z.N)
				Check(in[3] == nil || sameShape(in[3], out), name, in, "residual has shape %v, want %v", in[3], out)
			}
			return [][]int{out}
		},
		Ref32: matmulRef[float32], Ref64: matmulRef[float64],
		Shader: matmulPlan,
		Cost: func(p MatMulParams, in, _ [][]int) Cost {
			z := p.SizeOf(in[0], in[1])
			return Cost{FLOPs: 2 * int64(z.G) * int64(z.M) * int64(z.N) * int64(z.K)}
		},
	}
}

func matmulRef[T Real](p MatMulParams, in, out []View[T]) {
	z := p.SizeOf(in[0].Shape, in[1].Shape)
	am, ak, bk, bn := z.K, 1, z.N, 1
	if p.TransA {
		am, ak = 1, z.M
	}
	if p.TransB {
		bk, bn = 1, z.K
	}
	add := len(in) == 2
	for g := range z.G {
		a, b, o := in[0].F[g*z.StrideA:], in[1].F[g*z.StrideB:], out[0].F[g*z.M*z.N:]
		for m := range z.M {
			for n := range z.N {
				var sum T
				for k := range z.K {
					sum += a[m*am+k*ak] * b[k*bk+n*bn]
				}
				if add {
					o[m*z.N+n] += sum
					continue
				}
				if in[2].F != nil {
					sum += in[2].F[n]
				}
				if p.Act == ActReLU && sum < 0 {
					sum = 0
				}
				if in[3].F != nil {
					sum += in[3].F[(g*z.M+m)*z.N+n]
				}
				o[m*z.N+n] = sum
			}
		}
	}
}

func matmulCases() []Case {
	mm := func(name string, p MatMulParams, in ...Fill) Case { return Case{Name: name, P: p, In: in} }
	ta, tb := MatMulParams{TransA: true}, MatMulParams{TransB: true}
	cases := []Case{
		mm("plain odd", MatMulParams{}, Normal(37, 43), Normal(43, 29)),
		mm("transposed left", ta, Normal(43, 37), Normal(43, 29)),
		mm("transposed right", tb, Normal(37, 43), Normal(29, 43)),
		mm("transposed both", MatMulParams{TransA: true, TransB: true}, Normal(43, 37), Normal(29, 43)),
		mm("one row", tb, Normal(1, 516), Normal(70, 516)),
		mm("one column", MatMulParams{}, Normal(70, 129), Normal(129, 1)),
		mm("larger than a tile", MatMulParams{}, Normal(130, 70), Normal(70, 131)),
		mm("bias and relu", MatMulParams{TransB: true, Act: ActReLU}, Normal(65, 33), Normal(67, 33), Normal(67)),
		mm("bias", tb, Normal(65, 33), Normal(67, 33), Normal(67)),
		mm("residual", tb, Normal(65, 33), Normal(67, 33), Fill{}, Normal(65, 67)),
		mm("relu before the residual", MatMulParams{TransB: true, Act: ActReLU}, Normal(3, 65, 33), Normal(67, 33), Normal(67), Normal(3, 65, 67)),
		mm("batched", tb, Normal(3, 20, 17), Normal(3, 21, 17)),
		mm("batched, right shared", tb, Normal(3, 20, 17), Normal(21, 17)),
		mm("batched, left shared", MatMulParams{}, Normal(20, 17), Normal(3, 17, 21)),
		mm("nothing to sum", MatMulParams{}, Normal(3, 0), Normal(0, 4)),
		mm("no rows", MatMulParams{}, Normal(0, 5), Normal(5, 4)),
	}
	cases[0].Special = true
	for _, d := range []tensor.DType{tensor.BF16, tensor.F16, tensor.Q8, tensor.Q4} {
		name := d.String()
		cases = append(cases,
			mm(name+", one row", tb, Normal(1, 112), Normal(70, 112).As(d)),
			mm(name+", few rows, bias, relu, residual", MatMulParams{TransB: true, Act: ActReLU}, Normal(5, 80), Normal(33, 80).As(d), Normal(33), Normal(5, 33)),
			mm(name+", many rows", tb, Normal(130, 160), Normal(131, 160).As(d), Fill{}, Normal(130, 131)),
			mm(name+", not transposed", MatMulParams{}, Normal(37, 68), Normal(68, 48).As(d)),
			mm(name+", not transposed, odd", MatMulParams{}, Normal(37, 65), Normal(65, 48).As(d)),
			mm(name+", batched", tb, Normal(3, 20, 16), Normal(3, 21, 16).As(d)))
	}
	both := MatMulParams{TransA: true, TransB: true, Act: ActReLU}
	for _, d := range []tensor.DType{tensor.BF16, tensor.F16} {
		name := d.String() + ", rows of half quads"
		cases = append(cases,
			mm(name, tb, Normal(37, 70), Normal(29, 70).As(d)),
			mm(name+", not transposed", ta, Normal(41, 36), Normal(41, 30).As(d)))
	}
	cases = append(cases,
		mm("quads, plain", MatMulParams{}, Normal(140, 68), Normal(68, 132)),
		mm("quads, transposed left", ta, Normal(68, 140), Normal(68, 132)),
		mm("quads, transposed right", tb, Normal(140, 68), Normal(132, 68), Normal(132), Normal(140, 132)),
		mm("quads, transposed both", both, Normal(68, 140), Normal(132, 68), Normal(132), Normal(140, 132)),
		mm("quads, batched", tb, Normal(2, 36, 20), Normal(2, 40, 20)),
		mm("cut along K", both, Normal(1100, 37), Normal(29, 1100), Normal(29), Normal(37, 29)),
		mm("cut along K, quads, batched", tb, Normal(2, 12, 1040), Normal(2, 8, 1040), Normal(8)))
	cases[len(cases)-2].Special = true
	for _, d := range weightTypes {
		name := d.String() + ", streamed"
		cases = append(cases,
			mm(name, tb, Normal(1, 2304), Normal(37, 2304).As(d)),
			mm(name+", two rows", tb, Normal(2, 1, 352), Normal(70, 352).As(d), Fill{}, Normal(2, 1, 70)),
			mm(name+", many rows", tb, Normal(21, 192), Normal(37, 192).As(d)),
			mm(name+", seven rows", MatMulParams{TransB: true, Act: ActReLU}, Normal(7, 96), Normal(33, 96).As(d), Normal(33), Normal(7, 33)))
		cases[len(cases)-3].Special = true
	}
	for _, b := range [][3]int{{512, 512, 512}, {1024, 1024, 1024}, {3072, 516, 516}, {3072, 2064, 516}, {192, 512, 128}} {
		c := mm("bench", tb, Normal(b[0], b[2]), Normal(b[1], b[2]))
		c.Bench = true
		cases = append(cases, c)
	}
	return cases
}

func matmulAddCases() []Case {
	return []Case{
		{Name: "weight gradient", P: MatMulParams{TransA: true}, In: []Fill{Normal(143, 37), Normal(143, 29)}, InOut: []Fill{Normal(37, 29)}},
		{Name: "batched", P: MatMulParams{TransB: true}, In: []Fill{Normal(3, 20, 17), Normal(3, 21, 17)}, InOut: []Fill{Normal(3, 20, 21)}},
		{Name: "cut along K", P: MatMulParams{TransA: true}, In: []Fill{Normal(2100, 40), Normal(2100, 28)}, InOut: []Fill{Normal(40, 28)}},
		{Name: "streamed", P: MatMulParams{TransB: true}, In: []Fill{Normal(3, 64), Normal(21, 64)}, InOut: []Fill{Normal(3, 21)}},
		{Name: "bench", P: MatMulParams{TransA: true}, In: []Fill{Normal(3072, 516), Normal(3072, 516)}, InOut: []Fill{Normal(516, 516)}, Bench: true},
	}
}
