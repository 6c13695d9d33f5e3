// Package cpu is the fast device for computing on the processor: matrix
// products by packed register tiles, and a vectorised version of every
// operation that matters. Operations without one run their reference.
//
// Results do not depend on the number of threads: work is cut into pieces by
// the operands' shapes alone, and partial sums are added in a fixed order.
// They do depend, in the last bits, on the processor's instruction set.
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"llana/kernels"
	"llana/tensor"
)

// device computes each call before Launch returns.
type device struct {
	*tensor.Host
	*pool

	mu    sync.Mutex // held by Launch
	turns turns      // for RoPE
}

// New returns a device that computes on the given number of threads; all of
// the processor's if threads is not positive. Close ends the threads.
func New(threads int) kernels.Device {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &device{Host: tensor.NewHost(), pool: newPool(threads)}
}

// fast holds the operations that have a version of their own here.
var fast = map[*kernels.Op]func(d *device, c *kernels.Call){}

func (d *device) Info() kernels.Info {
	return kernels.Info{
		Name:    fmt.Sprintf("%s, %d threads", level, len(d.workers)),
		Backend: "cpu", Kind: "cpu", Driver: runtime.Version(), Limits: kernels.BaseLimits,
	}
}

func (d *device) Float() tensor.DType        { return tensor.F32 }
func (d *device) Sync(context.Context) error { return nil }
func (d *device) Err() error                 { return nil }

func (d *device) Launch(c *kernels.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := fast[c.Op]; f != nil {
		f(d, c)
		return
	}
	c.Reference()
}

// Close ends the threads. The device must not be used afterwards.
func (d *device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pool.close()
	return nil
}

// floats returns the elements of an operand, nil for an absent one.
func floats(t *tensor.Tensor) []float32 {
	if t == nil {
		return nil
	}
	return tensor.Slice[float32](t)
}

// ints returns the elements of an integer operand, nil for an absent one.
func ints(t *tensor.Tensor) []int32 {
	if t == nil {
		return nil
	}
	return tensor.Slice[int32](t)
}
