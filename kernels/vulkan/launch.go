//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"

	"github.com/gogpu/wgpu/hal"

	"llana/kernels"
)

// Launch records the call.
func (d *device) Launch(c *kernels.Call) {
	plan := kernels.PlanTuned(c, d.info.Limits, d.tuner(c))
	cost := c.Cost()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	d.account(cost.FLOPs + 10*cost.Bytes)
	if err := d.record(plan); err != nil {
		d.fail(fmt.Errorf("vulkan: %s: %w", c.Op.Name, err))
	}
}

// record appends the plan's dispatches. Temporary buffers go back at once:
// what gets their memory next comes later in the same order.
func (d *device) record(plan *kernels.Plan) error {
	var temps []*block[hal.Buffer]
	defer func() {
		for _, b := range temps {
			d.pool.release(b)
		}
	}()
	for _, size := range plan.Scratch {
		b, err := d.allocBlock(int64(size))
		if err != nil {
			return err
		}
		temps = append(temps, b)
	}
	for i := range plan.Dispatches {
		if err := d.dispatch(&plan.Dispatches[i], temps); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) dispatch(disp *kernels.Dispatch, temps []*block[hal.Buffer]) error {
	for _, n := range disp.Groups {
		if int64(n) > int64(d.info.Limits.MaxGroups) {
			return fmt.Errorf("kernel %s: grid %v, at most %d workgroups in a dimension", disp.Shader, disp.Groups, d.info.Limits.MaxGroups)
		}
	}
	p, err := d.pipelines.get(d.hal, disp)
	if err != nil {
		return err
	}
	if len(p.bindings) > 1+len(disp.Bind) {
		return fmt.Errorf("kernel %s declares %d bindings, the plan gives %d", disp.Shader, len(p.bindings)-1, len(disp.Bind))
	}
	var array [16]binding
	ranges := array[:len(p.bindings)]
	for i := range ranges {
		switch {
		case p.bindings[i] == uniform:
			ranges[i], err = d.uniforms.put(d, disp.Params)
		case p.bindings[i] != unbound:
			ranges[i], err = d.storage(disp.Bind[i-1], temps)
		}
		if err != nil {
			return fmt.Errorf("kernel %s, binding %d: %w", disp.Shader, i, err)
		}
	}
	group, err := d.groups.get(d.hal, p.layout, ranges, d.batch.number, d.done)
	if err != nil {
		return err
	}
	d.append(step{pipeline: p, group: group, groups: disp.Groups})
	return nil
}

// storage returns the range that a plan's binding refers to. Ranges cover the
// whole of what was allocated, so that a kernel that writes behind its output
// is caught by the words there and not by the driver.
func (d *device) storage(b kernels.Bind, temps []*block[hal.Buffer]) (binding, error) {
	var blk *block[hal.Buffer]
	var off, size int64
	switch {
	case b.Scratch > 0:
		blk = temps[b.Scratch-1]
		off, size = int64(b.Off), blk.size
		if b.Size > 0 {
			size = int64(b.Size)
		}
	case b.T != nil:
		buf, ok := b.T.Buffer().(*buffer)
		if !ok || buf.block == nil {
			panic(fmt.Sprintf("vulkan: operand %v is not in this device's memory", b.T))
		}
		off = int64(b.T.Offset())
		blk, size = buf.block, roundUp(int64(max(buf.size, 4)), 4)-off
		if size > d.info.Limits.MaxBinding {
			size = roundUp(int64(b.T.Bytes()), 4) // a part that was planned to fit
		}
	default:
		return binding{d.absent, 0, blockAlign}, nil
	}
	if size > d.info.Limits.MaxBinding {
		return binding{}, fmt.Errorf("%w: %v takes %d bytes, a kernel reaches %d", ErrTooLarge, b.T, size, d.info.Limits.MaxBinding)
	}
	return binding{blk.slab.buf, blk.off + off, size}, nil
}
