package kernels

// Add, Sub, Mul and Div combine two operands element by element. The operands
// are broadcast as in NumPy: shapes are aligned at their last axis, and a
// missing axis or one of length 1 repeats.
var (
	Add = Declare(arithmeticDecl("add", "out = a + b, broadcast", 0, broadcastRef(sumOf[float32]), broadcastRef(sumOf[float64]), Normal))
	Sub = Declare(arithmeticDecl("sub", "out = a - b, broadcast", 1, broadcastRef(differenceOf[float32]), broadcastRef(differenceOf[float64]), Normal))
	Mul = Declare(arithmeticDecl("mul", "out = a b, broadcast", 2, broadcastRef(productOf[float32]), broadcastRef(productOf[float64]), Normal))
	Div = Declare(arithmeticDecl("div", "out = a / b, broadcast", 3, broadcastRef(quotientOf[float32]), broadcastRef(quotientOf[float64]), awayFromZero))
)

func sumOf[T Real](a, b T) T        { return a + b }
func differenceOf[T Real](a, b T) T { return a - b }
func productOf[T Real](a, b T) T    { return a * b }
func quotientOf[T Real](a, b T) T   { return a / b }

// awayFromZero fills with divisors.
func awayFromZero(shape ...int) Fill { return Uniform(0.5, 2, shape...) }

// Broadcast returns the shape that operands of shapes a and b broadcast to,
// and the axes to walk, innermost first, with strides 0 where an operand
// repeats. It panics with a ShapeError if the shapes do not fit.
func Broadcast(op string, a, b []int) (shape []int, axes []AxisPair) {
	rank := max(len(a), len(b))
	shape = make([]int, rank)
	strideA, strideB := 1, 1
	for i := 1; i <= rank; i++ {
		la, lb := lengthFromEnd(a, i), lengthFromEnd(b, i)
		Check(la == lb || la == 1 || lb == 1, op, [][]int{a, b}, "axis %d from the end: lengths %d and %d do not broadcast", i, la, lb)
		x := AxisPair{la, strideA, strideB}
		if la == 1 {
			x.Len, x.A = lb, 0
		}
		if lb == 1 {
			x.B = 0
		}
		strideA, strideB = strideA*la, strideB*lb
		shape[rank-i] = x.Len
		axes = appendAxis(axes, x)
	}
	return shape, wholeAxes(axes)
}

func lengthFromEnd(s []int, i int) int {
	if i > len(s) {
		return 1
	}
	return s[len(s)-i]
}

func arithmeticDecl(name, doc string, kind int, ref32 func(None, []View[float32], []View[float32]),
	ref64 func(None, []View[float64], []View[float64]), right func(...int) Fill) Decl[None] {
	pair := func(name string, a, b []int) Case {
		return Case{Name: name, P: None{}, In: []Fill{Normal(a...), right(b...)}}
	}
	special := pair("special values", []int{7, 43}, []int{7, 43})
	special.Special = true
	bench := pair("bench", []int{3072, 2064}, []int{3072, 2064})
	benchRow := pair("bench, row repeated", []int{3072, 2064}, []int{2064})
	bench.Bench, benchRow.Bench = true, true
	return Decl[None]{
		Name: name, Doc: doc, In: []Arg{{Name: "a"}, {Name: "b"}}, Out: []Arg{{Name: "out"}},
		Shapes: func(_ None, in [][]int) [][]int {
			shape, _ := Broadcast(name, in[0], in[1])
			return [][]int{shape}
		},
		Ref32: ref32, Ref64: ref64,
		Shader: func(_ None, pl *Plan) { arithmeticPlan(name, kind, pl) },
		Cost:   func(_ None, _, out [][]int) Cost { return Cost{FLOPs: int64(numel(out[0]))} },
		Tol:    TolElementwise,
		Cases: []Case{
			special,
			pair("vectors", []int{6, 50}, []int{6, 50}),
			pair("row repeated", []int{3, 5, 43}, []int{43}),
			pair("column repeated", []int{5, 1}, []int{5, 43}),
			pair("number", []int{1}, []int{300}),
			pair("outer", []int{17, 1}, []int{19}),
			pair("middle repeated", []int{3, 5, 7}, []int{3, 1, 7}),
			pair("alternating", []int{2, 1, 3, 1, 5}, []int{2, 4, 1, 3, 1}),
			pair("two numbers", nil, nil),
			pair("empty", []int{0, 5}, []int{1, 5}),
			bench, benchRow,
		},
	}
}

func broadcastRef[T Real](f func(a, b T) T) func(None, []View[T], []View[T]) {
	return func(_ None, in, out []View[T]) {
		_, axes := Broadcast("arithmetic", in[0].Shape, in[1].Shape)
		walk(axes, func(i, a, b int) { out[0].F[i] = f(in[0].F[a], in[1].F[b]) })
	}
}

func arithmeticPlan(name string, kind int, pl *Plan) {
	_, axes := Broadcast(name, pl.In[0].Shape(), pl.In[1].Shape())
	n := pl.Out[0].Len()
	vec := Const{"VEC", false}
	if len(axes) == 1 && axes[0].A == 1 && axes[0].B == 1 {
		vec, n = units(n)
		axes[0].Len = n
	}
	pl.Dispatch("arithmetic", []Const{vec, {"KIND", kind}, {"RANK", len(axes)}}, append(Words(n), axisWords(axes)...),
		pl.Operands(), pl.Fold(ceilDiv(n, 256)))
}
