package cpu

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/tensor"
)

// atLevels runs a test on every instruction set of this processor.
func atLevels(t *testing.T, test func(t *testing.T)) {
	best := level
	defer func() { level = best }()
	for _, level = range levels {
		t.Run(level.String(), test)
	}
}

func TestConformance(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		d := New(2)
		defer d.Close()
		conformance.Run(d, func(r conformance.Result) {
			if r.Err != nil {
				t.Errorf("%s, %s: %v", r.Op, r.Case, r.Err)
			}
		})
		if live := d.Stats().Live; live != 0 {
			t.Errorf("%d bytes live after everything was freed", live)
		}
	})
}

// operands makes the operands of a case.
func operands(d kernels.Device, op *kernels.Op, c kernels.Case) kernels.Call {
	return *c.Call(op, d, tensor.F32, rand.New(rand.NewPCG(1, 2)))
}

// threadCases are large enough to be cut into several pieces.
func threadCases() map[*kernels.Op]kernels.Case {
	n := kernels.Normal
	in := func(p any, f ...kernels.Fill) kernels.Case { return kernels.Case{P: p, In: f} }
	into := func(c kernels.Case, f ...kernels.Fill) kernels.Case { c.InOut = f; return c }
	net := kernels.NeRFFieldParams{Octaves: 5, Hidden: 2, Width: 64, Outputs: 4}
	points, weights := kernels.Uniform(0, 1, 2, 2500, 3), kernels.Uniform(-0.3, 0.3, 2, net.Len())
	q, few := n(2, 150, 4, 16), n(2, 3, 4, 16)
	cache := n(2, 150, 2, 16)
	return map[*kernels.Op]kernels.Case{
		kernels.MatMul:            in(kernels.MatMulParams{TransB: true}, n(300, 70), n(90, 70), n(90)),
		kernels.MatMulAdd:         into(in(kernels.MatMulParams{TransA: true}, n(3000, 40), n(3000, 50)), n(40, 50)),
		kernels.GELU:              in(kernels.None{}, n(300, 300)),
		kernels.Mul:               in(kernels.None{}, n(300, 300), n(300, 1)),
		kernels.SumRows:           in(kernels.None{}, n(3000, 37)),
		kernels.Sum:               in(kernels.ReduceParams{Axis: 0}, n(100000)),
		kernels.Max:               in(kernels.ReduceParams{Axis: 1}, n(3, 100, 300)),
		kernels.SumSquares:        into(in(kernels.None{}, n(100000)), n(1)),
		kernels.SmoothL1:          in(kernels.None{}, n(30000), n(30000)),
		kernels.BCELogits:         in(kernels.None{}, n(30000), n(30000), kernels.Fill{}),
		kernels.LayerNormBackward: in(kernels.None{}, n(3000, 43), n(43), n(3000), n(3000), n(3000, 43)),
		kernels.RMSNormBackward:   in(kernels.None{}, n(3000, 43), n(43), n(3000), n(3000, 43)),
		kernels.BatchNorm:         in(kernels.NormParams{Eps: 1e-5}, n(3000, 43), n(43), n(43)),
		kernels.BatchNormBackward: in(kernels.BatchNormBackwardParams{Eps: 1e-5}, n(3000, 43), n(43), n(43), kernels.Uniform(1, 2, 43), n(3000, 43)),
		kernels.CrossEntropy:      in(kernels.None{}, n(300, 500), kernels.Ints(-1, 500, 300)),
		kernels.EmbeddingBackward: into(in(kernels.None{}, n(300, 300), kernels.Ints(0, 9, 300)), n(9, 300)),
		kernels.Dropout:           in(kernels.DropoutParams{P: 0.3}, n(100000), kernels.Fixed(3, 1)),
		kernels.Attention:         in(kernels.AttentionParams{Causal: true}, q, q, q, kernels.Fill{}, kernels.Fill{}),
		kernels.AttentionBackward: in(kernels.AttentionParams{Causal: true}, q, q, q, q, n(2, 4, 150), q, kernels.Fill{}, kernels.Fill{}),
		kernels.QKV:               in(kernels.None{}, n(2, 768), n(300, 768).As(tensor.Q4), n(90, 768).As(tensor.Q8), n(90, 768).As(tensor.BF16)),
		kernels.SwiGLULinear:      in(kernels.None{}, n(60, 160), n(300, 160).As(tensor.Q4), n(300, 160).As(tensor.F16)),
		kernels.RoPECache:         into(in(kernels.RoPECacheParams{Theta: 10000, Offset: 40}, few, n(2, 3, 2, 16), n(2, 3, 2, 16)), cache, cache),
		kernels.Embedding:         in(kernels.None{}, n(30, 768).As(tensor.Q4), kernels.Ints(0, 30, 900)),
		kernels.TriplaneBackward:  in(kernels.None{}, n(2, 48, 200), kernels.Uniform(-1, 1, 2, 300, 3), n(2, 300, 200)),
		kernels.FrequencyEncode:   in(kernels.EncodeParams{Octaves: 5}, kernels.Uniform(0, 1, 9000, 3)),
		kernels.NeRFField:         in(net, points, weights),
		kernels.NeRFFieldBackward: in(net, points, weights, n(5000, 3), n(5000)),
	}
}

// TestThreads: results do not depend on the number of threads, bit for bit.
func TestThreads(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for op, c := range threadCases() {
			var want [][]float32
			for threads := 1; threads <= 3; threads++ {
				d := New(threads)
				call := operands(d, op, c)
				d.Launch(&call)
				for i, o := range call.Out {
					if o.DType() != tensor.F32 {
						continue
					}
					got, err := o.ReadFloat32(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					if threads == 1 {
						want = append(want, got)
					} else if !slices.EqualFunc(got, want[i], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
						t.Errorf("%s: %d threads give another %s than one", op.Name, threads, op.Out[i].Name)
					}
				}
				d.Close()
			}
		}
	})
}

// TestMaskedNaN: what a mask hides stays hidden, even a NaN.
func TestMaskedNaN(t *testing.T) {
	poisoned := func(shape ...int) kernels.Fill {
		f := kernels.Normal(shape...)
		n := tensor.Numel(shape)
		return kernels.Fill{Shape: shape, Gen: func(r *rand.Rand, i int) float64 {
			if i >= n-20 {
				return math.NaN()
			}
			return f.Gen(r, i)
		}}
	}
	d := New(2)
	defer d.Close()
	p := kernels.AttentionParams{Causal: true}
	q, k := kernels.Normal(1, 50, 2, 16), poisoned(1, 50, 2, 16)
	lse := kernels.Uniform(3, 5, 1, 2, 50)
	for op, in := range map[*kernels.Op][]kernels.Fill{
		kernels.Attention:         {q, k, k, {}, {}},
		kernels.AttentionBackward: {q, k, k, q, lse, q, {}, {}},
	} {
		if r := conformance.Check(d, op, kernels.Case{Name: "masked NaN", P: p, In: in}, false); r.Err != nil {
			t.Errorf("%s: %v", op.Name, r.Err)
		}
	}
}

// TestSteadyState: a repeated launch allocates next to nothing.
func TestSteadyState(t *testing.T) {
	d := New(2)
	defer d.Close()
	for op, c := range threadCases() {
		call := operands(d, op, c)
		d.Launch(&call)
		// The least of several rounds: a thread may join for the first time, and
		// make its scratch buffers, at any launch.
		least := uint64(math.MaxUint64)
		for range 5 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 4 {
				d.Launch(&call)
			}
			runtime.ReadMemStats(&after)
			least = min(least, (after.TotalAlloc-before.TotalAlloc)/4)
		}
		if least > 16<<10 {
			t.Errorf("%s allocates %d bytes", op.Name, least)
		}
	}
}

// TestRoPEPositions: dense positions, which a table covers, and no two calls
// alike.
func TestRoPEPositions(t *testing.T) {
	d := New(2)
	defer d.Close()
	x := kernels.Normal(2, 40, 3, 16)
	for i, c := range []kernels.Case{
		{P: kernels.RoPEParams{Theta: 10000}, In: []kernels.Fill{x, kernels.Ints(-20, 100, 2, 40)}},
		{P: kernels.RoPEParams{Theta: 10000, Inverse: true}, In: []kernels.Fill{x, kernels.Ints(0, 90, 2, 40)}},
		{P: kernels.RoPEParams{Theta: 10000, Offset: 60}, In: []kernels.Fill{x, {}}},
		{P: kernels.RoPEParams{Theta: 500, Offset: 60}, In: []kernels.Fill{x, {}}},
	} {
		if r := conformance.Check(d, kernels.RoPE, c, false); r.Err != nil {
			t.Errorf("case %d: %v", i, r.Err)
		}
	}
}

func TestPoolPanic(t *testing.T) {
	p := newPool(3)
	defer p.close()
	for i := range 50 {
		func() {
			defer func() {
				if r := recover(); r != i {
					t.Fatalf("panic %v came out as %v", i, r)
				}
			}()
			p.loop(100, func(_ *worker, k int) {
				if k == 60 {
					panic(i)
				}
			})
		}()
		var n [100]int
		p.loop(100, func(_ *worker, k int) { n[k]++ })
		for k, v := range n {
			if v != 1 {
				t.Fatalf("iteration %d ran %d times", k, v)
			}
		}
	}
}

func ExampleNew() {
	d := New(0)
	defer d.Close()
	a := tensor.Float32(d, []float32{1, 2, 3, 4}, 2, 2)
	b := tensor.Float32(d, []float32{5, 6, 7, 8}, 2, 2)
	c := kernels.Run(d, kernels.MatMul, kernels.MatMulParams{}, a, b, nil)[0]
	fmt.Println(c.ReadFloat32(context.Background()))
	// Output: [19 22 43 50] <nil>
}
