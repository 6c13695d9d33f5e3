package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/tensor"
)

var packedTypes = []tensor.DType{tensor.BF16, tensor.F16, tensor.Q8, tensor.Q4}

// TestWiden: elements come out as tensor.Unpack gives them, from any place on.
func TestWiden(t *testing.T) {
	const rows, width = 5, 336
	r := rand.New(rand.NewPCG(1, 1))
	data := make([]float32, rows*width)
	for i := range data {
		data[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10)))
	}
	atLevels(t, func(t *testing.T) {
		d := New(1).(*device)
		defer d.Close()
		for _, kind := range packedTypes {
			x := tensor.New(d, kind, rows, width)
			raw, err := tensor.Pack(kind, data, rows, width)
			if err != nil {
				t.Fatal(err)
			}
			x.StoreRaw(0, raw)
			want := make([]float32, len(data))
			tensor.Unpack(kind, tensor.Raw(x), x.Shape(), want)
			p := packedOf(x)
			for range 200 {
				row, from := r.IntN(rows), r.IntN(width)
				n, at := r.IntN(width-from)+1, row*width+from
				got := make([]float32, n)
				p.widen(d.workers[0], got, at)
				for i := range got {
					if got[i] != want[at+i] {
						t.Fatalf("%v, element %d of %d from %d on: %v, want %v", kind, i, n, at, got[i], want[at+i])
					}
				}
			}
			x.Free()
		}
	})
}

// TestPackedShapes: products of all numbers of rows on both sides of the ways
// they are computed, with rows of B that no loop divides.
func TestPackedShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	n := kernels.Normal
	var cases []kernels.Case
	for i, kind := range append(packedTypes, tensor.F32) {
		for _, m := range []int{1, 2, 3, 4, 5, 8, thinRows, thinRows + 1, 60} {
			k, cols := 16*(1+r.IntN(20)), 1+r.IntN(90)
			if kind.Size() == 2 {
				k += 2 * r.IntN(8)
			}
			p := kernels.MatMulParams{TransB: true}
			c := kernels.Case{P: p, In: []kernels.Fill{n(m, k), n(cols, k).As(kind), {}, {}}}
			switch (i + m) % 3 {
			case 0:
				c.In[2] = n(cols)
			case 1:
				c.In[2], c.In[3] = n(cols), n(m, cols)
			}
			wide := 16 * (1 + r.IntN(9))
			cases = append(cases, c, kernels.Case{In: []kernels.Fill{n(m, cols), n(cols, wide).As(kind), {}, n(m, wide)}, P: kernels.MatMulParams{}})
		}
		// Several chunks, long sums in parts, a depth of several passes.
		cases = append(cases,
			kernels.Case{P: kernels.MatMulParams{TransB: true}, In: []kernels.Fill{n(3, 2*chunk+48), n(9, 2*chunk+48).As(kind), {}, {}}},
			kernels.Case{P: kernels.MatMulParams{TransB: true}, In: []kernels.Fill{n(40, 1552), n(33, 1552).As(kind), n(33), n(40, 33)}},
			kernels.Case{P: kernels.MatMulParams{}, In: []kernels.Fill{n(40, 1100), n(1100, 48).As(kind), {}, {}}},
			kernels.Case{P: kernels.MatMulParams{TransB: true}, In: []kernels.Fill{n(150, 560), n(300, 560).As(kind), {}, n(150, 300)}})
	}
	atLevels(t, func(t *testing.T) {
		d := New(2)
		defer d.Close()
		for _, c := range cases {
			if r := conformance.Check(d, kernels.MatMul, c, false); r.Err != nil {
				t.Errorf("%v times %v of %v, %+v: %v", c.In[0].Shape, c.In[1].Shape, c.In[1].DType, c.P, r.Err)
			}
		}
	})
}

// TestSwiGLUGroups has columns that are computed in several groups.
func TestSwiGLUGroups(t *testing.T) {
	d := New(2)
	defer d.Close()
	const m, k, n = thinRows + 1, 8192, sharedB/8192 + 70
	c := kernels.Case{P: kernels.None{}, In: []kernels.Fill{kernels.Normal(m, k), kernels.Uniform(-0.02, 0.02, n, k).As(tensor.BF16), kernels.Normal(n, k).As(tensor.Q8)}}
	if r := conformance.Check(d, kernels.SwiGLULinear, c, false); r.Err != nil {
		t.Error(r.Err)
	}
}

// TestDecode: few queries over many keys.
func TestDecode(t *testing.T) {
	n := kernels.Normal
	var cases []kernels.Case
	for tq := 1; tq <= fewQueries; tq++ {
		for _, keys := range []int{1, 3, keysAtOnce, keysAtOnce + 2, 3*keysAtOnce - 1} {
			p := kernels.AttentionParams{Causal: true, Keys: keys, Offset: keys - tq}
			k := n(2, keys+5, 2, 43)
			half := n(2, keys+5, 2, 44)
			cases = append(cases, kernels.Case{Name: fmt.Sprint(tq, " queries, ", keys, " keys"), P: p, In: []kernels.Fill{n(2, tq, 6, 43), k, k, {}, {}}},
				kernels.Case{Name: fmt.Sprint("lengths, ", tq, " queries, ", keys, " keys"), P: kernels.AttentionParams{Scale: -0.3, Keys: keys},
					In: []kernels.Fill{n(2, tq, 2, 43), k, k, kernels.Ints(0, keys+1, 2), {}}},
				kernels.Case{Name: fmt.Sprint("packed, ", tq, " queries, ", keys, " keys"), P: p,
					In: []kernels.Fill{n(2, tq, 6, 44), half.As(tensor.F16), half.As(tensor.BF16), {}, {}}})
		}
	}
	atLevels(t, func(t *testing.T) {
		d := New(2)
		defer d.Close()
		for _, c := range cases {
			if r := conformance.Check(d, kernels.Attention, c, false); r.Err != nil {
				t.Errorf("%s: %v", c.Name, r.Err)
			}
		}
	})
}

// TestSoftmaxPasses: of every length, and with weights that vanish.
func TestSoftmaxPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	atLevels(t, func(t *testing.T) {
		for n := 1; n < 150; n++ {
			x, g := make([]float32, n), make([]float32, n)
			for i := range x {
				x[i], g[i] = float32(r.NormFloat64()*20), float32(r.NormFloat64())
			}
			if n > 3 {
				x[n/2] = float32(math.Inf(-1))
			}
			const scale, delta = 0.7, 0.1
			top := largest(x)
			y, w, dw := make([]float32, n), append([]float32(nil), x...), append([]float32(nil), g...)
			total, want := expSum(y, x, top, scale), 0.0
			softmaxBack(w, dw, top, scale, delta)
			most := math.Inf(-1)
			for i, v := range x {
				most = max(most, float64(v))
				arg := (float64(v) - float64(top)) * scale
				e := math.Exp(arg)
				want += e
				dwant := (float64(g[i]) - delta) * scale * e
				// An argument is rounded to 2^-24 of itself.
				tol := e*(1e-6+2e-7*min(-arg, 1000)) + 1e-37
				if math.Abs(float64(y[i])-e) > tol || y[i] != w[i] || math.Abs(float64(dw[i])-dwant) > tol*(1+math.Abs(float64(g[i]))) {
					t.Fatalf("length %d, element %d: exp %v and %v, want %v; gradient %v, want %v", n, i, y[i], w[i], e, dw[i], dwant)
				}
			}
			if float64(top) != most || math.Abs(float64(total)-want) > 1e-5*want {
				t.Fatalf("length %d: largest %v, want %v; sum %v, want %v", n, top, most, total, want)
			}
		}
	})
}
