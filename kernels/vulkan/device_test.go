//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"llana/kernels"
	"llana/tensor"
)

var bg = context.Background()

// openTest opens the first adapter. Package devicetest, which tests elsewhere
// use, imports this one.
func openTest(t testing.TB) *device {
	t.Helper()
	if _, err := Adapters(); err != nil {
		if strings.HasPrefix(os.Getenv("LLANA_TEST_DEVICE"), "vulkan") {
			t.Fatal(err)
		}
		t.Skipf("no Vulkan device: %v", err)
	}
	d, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.(*device)
}

func ramp(n int, from float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = from + float32(i%4096)
	}
	return v
}

func read(t *testing.T, x *tensor.Tensor) []float32 {
	t.Helper()
	v, err := x.ReadFloat32(bg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// check compares with want(i).
func check(t *testing.T, x *tensor.Tensor, want func(i int) float32) {
	t.Helper()
	for i, v := range read(t, x) {
		if v != want(i) {
			t.Fatalf("element %d of %v is %v, want %v", i, x, v, want(i))
		}
	}
}

func scale(d *device, x *tensor.Tensor, by float32) *tensor.Tensor {
	return kernels.Run(d, kernels.Scale, kernels.ScaleParams{By: by}, x)[0]
}

func TestTransfer(t *testing.T) {
	d := openTest(t)
	for _, n := range []int{0, 1, 3, 64, 1000, 16384, 100003, 5 << 20} {
		x := tensor.Float32(d, ramp(n, 1), n)
		check(t, x, func(i int) float32 { return 1 + float32(i%4096) })
		x.Free()
	}
	if s := d.Stats(); s.Live != 0 || s.Peak < 20<<20 || s.Pooled < 20<<20 {
		t.Errorf("stats %+v", s)
	}
}

// A download of part of a buffer leaves the rest of the destination alone.
func TestDownloadPart(t *testing.T) {
	d := openTest(t)
	x := tensor.Float32(d, ramp(100, 0), 100)
	dst := []float32{-1, -1, -1, -1}
	if err := d.Download(bg, tensor.AsBytes(dst[:3]), x.Buffer()); err != nil {
		t.Fatal(err)
	}
	if dst[2] != 2 || dst[3] != -1 {
		t.Errorf("got %v", dst)
	}
}

// Uploads, kernels and downloads take effect in the order of the calls, also
// where memory that was given back is used again before the work ran.
func TestOrder(t *testing.T) {
	d := openTest(t)
	const n = 10000
	x := tensor.New(d, tensor.F32, n)
	var kept []*tensor.Tensor
	for k := range 200 {
		x.SetFloat32(ramp(n, float32(k)))
		y := scale(d, x, 2)
		z := scale(d, y, 0.5)
		y.Free()
		kept = append(kept, z)
	}
	for k, z := range kept {
		check(t, z, func(i int) float32 { return float32(k) + float32(i%4096) })
	}
}

// A chain of dependent kernels, longer than a batch, is right to the end.
func TestChain(t *testing.T) {
	d := openTest(t)
	x := tensor.Float32(d, ramp(1000, 0), 1000)
	one := tensor.Float32(d, []float32{1}, 1)
	for range 2000 {
		y := kernels.Run(d, kernels.Add, kernels.None{}, x, one)[0]
		x.Free()
		x = y
	}
	check(t, x, func(i int) float32 { return float32(i) + 2000 })
}

// One buffer may be bound for reading and, elsewhere or even in the same
// place, for writing: operands are ranges of few buffers, and an update in
// place has the same tensor on both sides.
func TestSharedBuffer(t *testing.T) {
	d := openTest(t)
	a := tensor.Float32(d, ramp(5000, 0), 5000)
	b := tensor.Float32(d, ramp(5000, 10), 5000)
	if a.Buffer().(*buffer).block.slab != b.Buffer().(*buffer).block.slab {
		t.Fatal("the tensors are in different slabs")
	}
	c := kernels.Run(d, kernels.Add, kernels.None{}, a, b)[0]
	check(t, c, func(i int) float32 { return 2*float32(i%4096) + 10 })
	check(t, a, func(i int) float32 { return float32(i % 4096) })
	kernels.RunInto(d, kernels.Accumulate, kernels.None{}, []*tensor.Tensor{a}, []*tensor.Tensor{b})
	check(t, b, func(i int) float32 { return 2*float32(i%4096) + 10 })
	kernels.RunInto(d, kernels.Accumulate, kernels.None{}, []*tensor.Tensor{a}, []*tensor.Tensor{a})
	check(t, a, func(i int) float32 { return 2 * float32(i%4096) })
}

// More parameter blocks and bind groups than are kept: old ones make room, in
// and across batches.
func TestEviction(t *testing.T) {
	d := openTest(t)
	d.uniforms.small.count = 20
	x := tensor.Float32(d, ramp(64, 0), 64)
	var kept []*tensor.Tensor
	for k := range 700 {
		kept = append(kept, scale(d, x, float32(k)))
	}
	for k, y := range kept {
		check(t, y, func(i int) float32 { return float32(k) * float32(i) })
	}
	if n := len(d.uniforms.small.byContent); n > 20 {
		t.Errorf("%d parameter blocks in 20 slots", n)
	}
}

func TestBindGroupEviction(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	d := openTest(t)
	x := tensor.Float32(d, ramp(64, 0), 64)
	var last *tensor.Tensor
	for range maxBindGroups + 1000 {
		last = scale(d, x, 3)
	}
	check(t, last, func(i int) float32 { return 3 * float32(i) })
	if n := len(d.groups.byKey); n > maxBindGroups+maxSteps {
		t.Errorf("%d bind groups are kept", n)
	}
}

// A step that repeats itself uploads nothing, creates nothing and keeps no
// memory.
func TestRepetition(t *testing.T) {
	d := openTest(t)
	w := tensor.Float32(d, ramp(64*64, 0), 64, 64)
	x := tensor.Float32(d, ramp(64*64, 0), 64, 64)
	step := func() {
		y := kernels.Run(d, kernels.MatMul, kernels.MatMulParams{}, x, w, nil)[0]
		z := scale(d, y, 2)
		s := kernels.Run(d, kernels.SumRows, kernels.None{}, z)[0]
		read(t, s)
		y.Free()
		z.Free()
		s.Free()
	}
	step()
	stats, groups, used := d.Stats(), len(d.groups.byKey), d.uniforms.small.used
	for range 20 {
		step()
	}
	if s := d.Stats(); s != stats {
		t.Errorf("stats went from %+v to %+v", stats, s)
	}
	if len(d.groups.byKey) != groups || d.uniforms.small.used != used {
		t.Errorf("bind groups %d to %d, parameter slots %d to %d", groups, len(d.groups.byKey), used, d.uniforms.small.used)
	}
	if d.uploads.out != 0 || d.downloads.out != 0 {
		t.Errorf("%d bytes for uploads and %d for downloads are out", d.uploads.out, d.downloads.out)
	}
}

// slow launches a good tenth of a second of work on a software driver.
func slow(d *device) *tensor.Tensor {
	const n = 384
	a := tensor.Float32(d, make([]float32, n*n), n, n)
	b := kernels.Run(d, kernels.MatMul, kernels.MatMulParams{}, a, a, nil)[0]
	a.Free()
	return b
}

// A caller that gives up gets its error at once; the device goes on, and what
// arrives late does not disturb later downloads.
func TestCancel(t *testing.T) {
	d := openTest(t)
	x := tensor.Float32(d, ramp(1000, 7), 1000)
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	slow(d)
	switch err := d.Sync(ctx); {
	case err == nil:
		t.Skip("a device too fast for this test")
	case !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("Sync gave %v", err)
	}
	if _, err := slow(d).ReadFloat32(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ReadFloat32 gave %v", err)
	}
	check(t, x, func(i int) float32 { return 7 + float32(i%4096) })
	if err := d.Sync(bg); err != nil || d.downloads.out != 0 {
		t.Errorf("error %v, %d bytes for downloads are out", err, d.downloads.out)
	}
}

func TestClose(t *testing.T) {
	d := openTest(t)
	x := slow(d)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := x.ReadFloat32(bg); !errors.Is(err, ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	scale(d, x, 2)
	x.Free()
	if err := d.Sync(bg); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync after Close: %v", err)
	}
}

// Goroutines may share a device, each with its own tensors.
func TestConcurrent(t *testing.T) {
	d := openTest(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := range 20 {
				from := float32(100*g + k)
				x := tensor.Float32(d, ramp(2000, from), 2000)
				y := scale(d, x, 2)
				v, err := y.ReadFloat32(bg)
				for i := range v {
					if v[i] != 2*(from+float32(i)) || err != nil {
						t.Errorf("goroutine %d: element %d is %v (%v)", g, i, v[i], err)
						return
					}
				}
				x.Free()
				y.Free()
				d.Stats()
			}
		}()
	}
	wg.Wait()
	if s := d.Stats(); s.Live != 0 {
		t.Errorf("%d bytes live", s.Live)
	}
}

// BenchmarkRecord is the cost of a small launch in a step that repeats.
func BenchmarkRecord(b *testing.B) {
	d := openTest(b)
	x := tensor.Float32(d, ramp(64, 0), 64)
	for b.Loop() {
		scale(d, x, 2).Free()
	}
	d.Sync(bg)
}

// BenchmarkRoundTrip is the time from a small launch to its result.
func BenchmarkRoundTrip(b *testing.B) {
	d := openTest(b)
	x := tensor.Float32(d, ramp(64, 0), 64)
	for b.Loop() {
		y := scale(d, x, 2)
		y.ReadFloat32(bg)
		y.Free()
	}
}
