//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"
	"github.com/gogpu/wgpu/hal/vulkan"
	"github.com/gogpu/wgpu/hal/vulkan/memory"

	"llana/kernels"
	"llana/tensor"
)

// device implements kernels.Device. One lock guards everything below it: the
// library wants one user at a time.
type device struct {
	info     kernels.Info
	software bool
	tuning   tuning

	mu       sync.Mutex
	err      error // the first, for good
	instance hal.Instance
	hal      hal.Device
	queue    hal.Queue
	lost     hal.Fence // never signalled: asking for it tells of a lost device

	pool      pool[hal.Buffer]
	absent    hal.Buffer // bound in place of an absent operand
	pipelines pipelines
	groups    bindGroups
	uniforms  uniforms
	uploads   staging
	downloads staging

	batch    batch        // being recorded
	inflight []submission // submitted and not known to be complete, oldest first
	done     uint64       // number of the last batch known to be complete
	progress time.Time    // when a batch last completed or was submitted to an idle GPU
	encoders []hal.CommandEncoder
}

// Open opens the adapter of the given index in Adapters.
func Open(index int) (kernels.Device, error) {
	adapters, err := Adapters()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(adapters) {
		return nil, fmt.Errorf("%w: adapter %d asked for, there are %d", ErrUnavailable, index, len(adapters))
	}
	a := adapters[index]
	if a.Memory == 0 {
		// A driver that only compiles, for hardware that is not there.
		return nil, fmt.Errorf("%w: adapter %d, %q, has no memory", ErrUnavailable, index, a.Info.Name)
	}
	d, err := connect(a)
	if err != nil {
		return nil, err
	}
	if err := d.init(); err != nil {
		d.Close()
		return nil, fmt.Errorf("vulkan: opening %q: %w", a.Info.Name, err)
	}
	return d, nil
}

// connect opens the library's device for an adapter. It can compile kernels; to
// compute it needs init.
func connect(a Adapter) (*device, error) {
	instance, err := vulkan.NewBackend().CreateInstance(&hal.InstanceDescriptor{})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	exposed := instance.EnumerateAdapters(nil)
	if a.Index >= len(exposed) || exposed[a.Index].Info.Name != a.Info.Name {
		instance.Destroy()
		return nil, fmt.Errorf("vulkan: the library does not list adapter %d, %q, in its place", a.Index, a.Info.Name)
	}
	open, err := exposed[a.Index].Adapter.Open(0, exposed[a.Index].Capabilities.Limits)
	if err != nil {
		instance.Destroy()
		return nil, fmt.Errorf("vulkan: opening %q: %w", a.Info.Name, err)
	}
	return &device{info: a.Info, software: a.Software, instance: instance, hal: open.Device, queue: open.Queue, progress: time.Now()}, nil
}

func (d *device) init() (err error) {
	d.initTuning()
	d.batch.number = 1
	d.pool.limit = d.info.Limits.MaxBuffer
	d.pool.create = func(size int64) (hal.Buffer, error) {
		return d.createBuffer("tensors", size, gputypes.BufferUsageStorage|gputypes.BufferUsageCopySrc|gputypes.BufferUsageCopyDst)
	}
	d.pool.destroy = func(b hal.Buffer) {
		d.groups.dropBuffer(d.hal, b)
		d.hal.DestroyBuffer(b)
	}
	d.pipelines.init()
	d.groups.init()
	d.uploads = staging{d: d, usage: gputypes.BufferUsageMapWrite | gputypes.BufferUsageCopySrc}
	d.downloads = staging{d: d, usage: gputypes.BufferUsageMapRead | gputypes.BufferUsageCopyDst}
	if d.lost, err = d.hal.CreateFence(); err != nil {
		return err
	}
	if d.absent, err = d.createBuffer("absent", blockAlign, gputypes.BufferUsageStorage); err != nil {
		return err
	}
	return d.uniforms.init(d)
}

// createBuffer translates the library's errors.
func (d *device) createBuffer(label string, size int64, usage gputypes.BufferUsage) (hal.Buffer, error) {
	b, err := d.hal.CreateBuffer(&hal.BufferDescriptor{Label: label, Size: uint64(size), Usage: usage})
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, memory.ErrAllocationTooLarge):
		return nil, fmt.Errorf("%w: %d bytes: %v", ErrTooLarge, size, err)
	case errors.Is(err, memory.ErrAllocationFailed):
		return nil, fmt.Errorf("%w: %d bytes for %s: %v", ErrOutOfMemory, size, label, err)
	}
	return nil, classify(err)
}

// classify marks the errors that mean a lost device. Most of the library's
// functions give Vulkan's number in the text only.
func classify(err error) error {
	if err == nil || errors.Is(err, ErrLost) {
		return err
	}
	if errors.Is(err, hal.ErrDeviceLost) || strings.HasSuffix(err.Error(), "failed: -4") {
		return fmt.Errorf("%w: %v", ErrLost, err)
	}
	if strings.HasSuffix(err.Error(), "failed: -2") || strings.HasSuffix(err.Error(), "failed: -1") {
		return fmt.Errorf("%w: %v", ErrOutOfMemory, err)
	}
	return err
}

// fail keeps the first error.
func (d *device) fail(err error) {
	if d.err == nil && err != nil {
		d.err = classify(err)
	}
}

func (d *device) Info() kernels.Info  { return d.info }
func (d *device) Float() tensor.DType { return tensor.F32 }

func (d *device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *device) Stats() tensor.Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pool.counts()
}

// Sync waits until everything launched is done.
func (d *device) Sync(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush()
	return d.await(ctx, d.batch.number-1)
}

// Close waits for the GPU and releases everything. It returns the device's
// first error.
func (d *device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errors.Is(d.err, ErrClosed) || d.hal == nil {
		return nil
	}
	err := d.err
	d.flush()
	if waitErr := d.hal.WaitIdle(); err == nil {
		err = classify(waitErr)
	}
	d.err = ErrClosed
	d.release()
	return err
}

func (d *device) release() {
	for _, s := range d.inflight {
		s.recycle(d)
	}
	d.inflight = nil
	for _, e := range d.encoders {
		e.Destroy()
	}
	d.groups.destroy(d.hal)
	d.pipelines.destroy(d.hal)
	d.uploads.destroy()
	d.downloads.destroy()
	d.uniforms.destroy(d.hal)
	d.pool.destroyAll()
	if d.absent != nil {
		d.hal.DestroyBuffer(d.absent)
	}
	if d.lost != nil {
		d.hal.DestroyFence(d.lost)
	}
	d.hal.Destroy()
	d.instance.Destroy()
}
