package llama

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/nn"
	"llana/tensor"
)

// tiny is a decoder with random weights.
func tiny(t *testing.T, d kernels.Device) *Model {
	t.Helper()
	c := Config{HiddenSize: 24, IntermediateSize: 40, Layers: 2, Heads: 3, KeyHeads: 1, NormEps: 1e-5, RopeTheta: 10000, VocabSize: 50, InitRange: 0.2}
	s := nn.NewSet(d)
	m := New(s, c)
	m.Init(rand.New(rand.NewPCG(3, 4)))
	t.Cleanup(s.Free)
	return m
}

// read runs the decoder on ids (rows, cols) and returns the hidden states.
func (m *Model) read(t *testing.T, d kernels.Device, c *Cache, rows int, ids ...int32) []float32 {
	t.Helper()
	tape := autograd.Inference(d)
	defer tape.Release()
	h := m.Forward(m.Embed(tape, tape.Int32(ids, rows, len(ids)/rows)), Options{Cache: c})
	v, err := h.Value().ReadFloat32(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same compares vectors by the root mean square of their difference.
func same(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	var e, n float64
	for i, w := range want {
		e += float64(got[i]-w) * float64(got[i]-w)
		n += float64(w) * float64(w)
	}
	if e := math.Sqrt(e / n); !(e <= tol) {
		t.Errorf("%s: relative error %v, want up to %v", what, e, tol)
	}
}

// Rows of different lengths, which begin with a copy of one row, go on as each
// would alone, whatever keys and values are stored as.
func TestCacheRows(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for stored, tol := range map[tensor.DType]float64{tensor.F32: 2e-6, tensor.F16: 2e-3, tensor.BF16: 1.6e-2} {
			t.Run(stored.String(), func(t *testing.T) { checkRows(t, d, stored, tol) })
		}
	})
}

func checkRows(t *testing.T, d kernels.Device, stored tensor.DType, tol float64) {
	m := tiny(t, d)
	prefix := []int32{1, 7, 9, 30, 2}
	tails := [][]int32{{4, 5, 6}, {8}, {11, 12}}
	further := [][]int32{{20, 21}, {22, 23}, {24, 25}}
	one := m.NewCacheAs(d, 1, len(prefix), stored)
	defer one.Free()
	m.read(t, d, one, 1, prefix...)
	c := m.NewCacheAs(d, 3, 8, stored)
	defer c.Free()
	c.CopyRow(one, 0, len(prefix), 0, 3)
	c.Len = len(prefix)
	m.read(t, d, c, 3, 4, 5, 6, 8, 0, 0, 11, 12, 0) // filled up
	c.Lens = []int{8, 6, 7}
	for step := range 2 { // which makes the cache longer
		got := m.read(t, d, c, 3, further[0][step], further[1][step], further[2][step])
		for r, tail := range tails {
			alone := append(slices.Concat(prefix, tail), further[r][:step+1]...)
			want := m.read(t, d, nil, 1, alone...)
			same(t, "a row's hidden state", got[r*24:(r+1)*24], want[len(want)-24:], tol)
		}
	}
	if !slices.Equal(c.Lens, []int{10, 8, 9}) || c.Cap() < 10 || c.Bytes() != CacheBytes(m.Config, 3, c.Cap(), stored) {
		t.Errorf("lengths %v in a cache of %d tokens, %d bytes", c.Lens, c.Cap(), c.Bytes())
	}
}

// CacheBytes is what a cache takes.
func TestCacheBytes(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := tiny(t, d)
	before := d.Stats().Live
	c := m.NewCache(d, 2, 64) // of a size that the pool does not round up
	if got := d.Stats().Live - before; got != c.Bytes() || got != CacheBytes(m.Config, 2, 64, tensor.F32) || got != 2*2*2*64*8*4 {
		t.Errorf("a cache takes %d bytes, says %d", got, c.Bytes())
	}
	c.Reserve(64)
	c.Reserve(128)
	if got := d.Stats().Live - before; got != CacheBytes(m.Config, 2, 128, tensor.F32) || c.Cap() != 128 {
		t.Errorf("a longer one takes %d bytes for %d tokens", got, c.Cap())
	}
	c.Free()
	if after := d.Stats().Live; after != before {
		t.Errorf("%d bytes in use, %d before", after, before)
	}
	// The 7B's: 1 MiB a token in float32, half in 16 bits.
	published := Config{HiddenSize: 4096, Layers: 32, Heads: 32, KeyHeads: 32}
	if f32, f16 := CacheBytes(published, 1, 3637, tensor.F32), CacheBytes(published, 1, 3637, tensor.F16); f32 != 3637<<20 || f16 != 3637<<19 {
		t.Errorf("the 7B's cache of 3637 tokens takes %d bytes, in 16 bits %d", f32, f16)
	}
}

func TestCheckCacheType(t *testing.T) {
	c := Config{HiddenSize: 24, Heads: 3}
	for d, ok := range map[tensor.DType]bool{tensor.Invalid: true, tensor.F32: true, tensor.BF16: true, tensor.F16: true, tensor.Q8: false, tensor.I32: false} {
		if err := c.CheckCacheType(d); (err == nil) != ok {
			t.Errorf("stored as %v: error %v", d, err)
		}
	}
	if (Config{HiddenSize: 30, Heads: 3}).CheckCacheType(tensor.F16) == nil {
		t.Error("heads of size 10 are accepted for float16")
	}
}

func TestContext(t *testing.T) {
	for limit, want := range map[int]int{0: 4096, 2048: 4096, 4096: 4096, 8192: 8192} {
		if got := (Config{MaxPositions: limit}).Context(); got != want {
			t.Errorf("a model of %d positions has a context of %d, want %d", limit, got, want)
		}
	}
}

// A batch that does not fit its cache is a mistake of the program.
func TestCacheMisuse(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := tiny(t, d)
	c := m.NewCache(d, 2, 4)
	defer c.Free()
	for name, f := range map[string]func(){
		"other rows":               func() { c.Lens = nil; m.read(t, d, c, 3, 1, 2, 3) },
		"several tokens a row":     func() { c.Lens = []int{1, 2}; m.read(t, d, c, 2, 1, 2, 3, 4) },
		"lengths of other rows":    func() { c.Lens = []int{1}; m.read(t, d, c, 2, 1, 2) },
		"copy behind the rows":     func() { c.CopyRow(c, 0, 1, 1, 3) },
		"copy of a row before all": func() { c.CopyRow(c, -1, 1, 1, 2) },
		"copy of too many tokens":  func() { c.CopyRow(c, 0, 5, 1, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(*kernels.ShapeError); !ok {
					t.Error("no ShapeError")
				}
			}()
			f()
		})
	}
}
