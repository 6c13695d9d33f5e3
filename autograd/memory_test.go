package autograd

import (
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/tensor"
)

// After Backward only the leaves' gradients, the input and the loss are left:
// no view of an intermediate result holds on to its memory.
func TestBackwardFrees(t *testing.T) {
	d := cpu.New(1)
	defer d.Close()
	leaf := func(shape ...int) *Leaf {
		l := &Leaf{Value: tensor.New(d, tensor.F32, shape...)}
		l.Value.SetFloat32(make([]float32, l.Value.Len()))
		return l
	}
	w, wide := leaf(64, 64), leaf(64, 64)
	defer w.Free()
	defer wide.Free()
	tape := New(d, Options{Record: true})
	defer tape.Release()
	x := tape.Float32(make([]float32, 2*32*64), 2, 32, 64)
	h := Linear(x, tape.Use(w), nil, kernels.ActNone)
	h = LinearAdd(h, h, tape.Use(wide), nil)
	q, k, v := QKV(h, tape.Use(w), tape.Use(w), tape.Use(wide))
	h = LinearAdd(h, Add(Add(q, k), v), tape.Use(w), nil)
	loss := SumAll(h)
	tape.Backward(loss)
	want := int64(5*64*64*4 + 256) // two leaves with gradients, the input, the loss
	if live := d.Stats().Live; live > want {
		t.Errorf("%d bytes are live, want %d", live, want)
	}
}
