//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gogpu/wgpu/hal"

	"llana/kernels"
	"llana/tensor"
)

// The library gives up waiting in silence; the device must not.
func TestStall(t *testing.T) {
	d := openTest(t)
	defer func(s, c time.Duration) { stallTime, checkTime = s, c }(stallTime, checkTime)
	stallTime, checkTime = time.Microsecond, time.Microsecond
	slow(d)
	slow(d)
	if err := d.Sync(bg); !errors.Is(err, ErrStalled) {
		t.Skipf("a device too fast for this test: %v", err)
	}
	if err := d.Err(); !errors.Is(err, ErrStalled) {
		t.Errorf("the error did not stick: %v", err)
	}
}

// What the library says in numbers is told apart.
func TestClassify(t *testing.T) {
	for text, want := range map[string]error{
		"vulkan: vkQueueSubmit failed: -4":          ErrLost,
		"vulkan: vkDeviceWaitIdle failed: -4":       ErrLost,
		"vulkan: vkAllocateMemory failed: -2":       ErrOutOfMemory,
		"vulkan: vkCreateDescriptorPool failed: -1": ErrOutOfMemory,
	} {
		if err := classify(errors.New(text)); !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q became %v", text, err)
		}
	}
	if err := classify(fmt.Errorf("waiting: %w", hal.ErrDeviceLost)); !errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
	if other := errors.New("vulkan: vkCreateBuffer failed: -11"); classify(other) != other || classify(nil) != nil {
		t.Error("another error was changed")
	}
}

func TestTooLarge(t *testing.T) {
	t.Run("binding", func(t *testing.T) {
		d := openTest(t)
		d.info.Limits.MaxBinding = 1 << 20
		x := tensor.New(d, tensor.F32, 1<<19)
		scale(d, x, 2)
		err := d.Sync(bg)
		if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "scale") || !strings.Contains(err.Error(), "float32[524288]") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("buffer", func(t *testing.T) {
		d := openTest(t)
		x := tensor.New(d, tensor.F32, 1<<50)
		x.Free()
		if err := d.Err(); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
}

// When the memory is full, idle slabs are given back before giving up.
func TestOutOfMemory(t *testing.T) {
	d := openTest(t)
	create, budget := d.pool.create, int64(600<<20)
	d.pool.create = func(size int64) (hal.Buffer, error) {
		if d.pool.total+size > budget {
			return nil, ErrOutOfMemory
		}
		return create(size)
	}
	x := tensor.New(d, tensor.F32, 50<<20) // 200 MiB
	small := tensor.Float32(d, ramp(10, 0), 10)
	scaled := scale(d, small, 2)
	x.Free()
	y := tensor.New(d, tensor.F32, 100<<20) // does not fit beside x's slab
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	check(t, scaled, func(i int) float32 { return 2 * float32(i) })
	tensor.New(d, tensor.F32, 100<<20)
	err := d.Err()
	if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "live") {
		t.Errorf("got %v", err)
	}
	if _, rerr := small.ReadFloat32(bg); !errors.Is(rerr, ErrOutOfMemory) {
		t.Errorf("the error did not stick: %v", rerr)
	}
	y.Free()
}

func TestBadKernel(t *testing.T) {
	d := openTest(t)
	for _, text := range []string{"fn main( {", "@group(0) @binding(40) var<storage> x: array<f32>;"} {
		if _, err := d.pipelines.compile(d.hal, "bad", text); err == nil {
			t.Errorf("%q compiles", text)
		}
	}
	if err := d.Sync(bg); err != nil {
		t.Error(err)
	}
}

func TestForeignTensor(t *testing.T) {
	d := openTest(t)
	defer func() {
		if r := recover(); r == nil {
			t.Error("an operand in host memory was accepted")
		}
	}()
	kernels.Run(d, kernels.Scale, kernels.ScaleParams{By: 2}, tensor.Float32(tensor.NewHost(), []float32{1}, 1))
}

func TestOpenWrongIndex(t *testing.T) {
	openTest(t)
	for _, i := range []int{-1, 1000} {
		if _, err := Open(i); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Open(%d): %v", i, err)
		}
	}
}
