//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/tensor"
)

// Weights larger than a binding are used in ranges of rows.
func TestLargeWeights(t *testing.T) {
	d := openTest(t)
	// The operands below but for the weights fit.
	const limit = 48 << 10
	d.info.Limits.MaxBinding = limit
	tb := kernels.MatMulParams{TransB: true}
	both := kernels.MatMulParams{TransA: true, TransB: true}
	relu := kernels.MatMulParams{TransB: true, Act: kernels.ActReLU}
	n := kernels.Normal
	for _, dt := range []tensor.DType{tensor.Invalid, tensor.BF16, tensor.F16, tensor.Q8, tensor.Q4} {
		w := n(2500, 80).As(dt)
		if got := dt.Bytes(w.Shape); dt != tensor.Invalid && got <= limit {
			t.Fatalf("%v: %d bytes of weights are not too large", dt, got)
		}
		for _, c := range []struct {
			name string
			op   *kernels.Op
			kernels.Case
		}{
			{"one row", kernels.MatMul, kernels.Case{P: relu, In: []kernels.Fill{n(1, 80), w, n(2500), n(1, 2500)}}},
			{"rows", kernels.MatMul, kernels.Case{P: relu, In: []kernels.Fill{n(4, 80), w, n(2500), n(4, 2500)}}},
			{"rows, no residual", kernels.MatMul, kernels.Case{P: tb, In: []kernels.Fill{n(4, 80), w}}},
			{"a batch that shares them", kernels.MatMul, kernels.Case{P: both, In: []kernels.Fill{n(2, 80, 2), w, n(2500), n(2, 2, 2500)}}},
			{"row added", kernels.MatMulAdd, kernels.Case{P: tb, In: []kernels.Fill{n(1, 80), w}, InOut: []kernels.Fill{n(1, 2500)}}},
			{"rows added", kernels.MatMulAdd, kernels.Case{P: tb, In: []kernels.Fill{n(3, 80), w}, InOut: []kernels.Fill{n(3, 2500)}}},
			{"qkv", kernels.QKV, kernels.Case{P: kernels.None{}, In: []kernels.Fill{n(1, 80), w, n(70, 80).As(dt), w}}},
			{"swiglu", kernels.SwiGLULinear, kernels.Case{P: kernels.None{}, In: []kernels.Fill{n(2, 80), w, w}}},
			{"embedding", kernels.Embedding, kernels.Case{P: kernels.None{}, In: []kernels.Fill{w, kernels.Ints(-1, 2501, 60)}}},
		} {
			if r := conformance.Check(d, c.op, c.Case, false); r.Err != nil {
				t.Errorf("%v, %s: %v", dt, c.name, r.Err)
			}
		}
	}
}
