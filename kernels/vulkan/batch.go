//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"fmt"
	"time"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"
)

const (
	// A batch is submitted when it holds this many steps, or this much work in
	// operations and tenfold bytes: a tenth of a second on the slowest GPUs
	// worth using, while drivers reset the GPU after two to ten seconds.
	maxSteps = 512
	maxWork  = 20e9
	// softwareWork is the same for a software driver, which is interrupted
	// between batches only.
	softwareWork = 2e9
	// idleSteps is how many steps are enough when the GPU has nothing to do.
	idleSteps = 16
	// maxInflight bounds how far recording runs ahead.
	maxInflight = 8
)

// batch is what is being recorded.
type batch struct {
	number uint64 // counts from 1
	steps  []step
	work   int64
	// params are copies of parameter blocks, made before the first step.
	params []step
	chunks []*chunk // staging memory in use until the batch is complete
}

// step is a dispatch, or a copy between buffers when pipeline is nil.
type step struct {
	pipeline *pipeline
	group    *bindGroup
	groups   [3]uint32

	src, dst hal.Buffer
	copy     hal.BufferCopy
}

// submission is a batch on its way.
type submission struct {
	number  uint64
	index   uint64 // as the queue counts
	encoder hal.CommandEncoder
	buffer  hal.CommandBuffer
	chunks  []*chunk
}

// recycle makes what a complete submission held available again.
func (s *submission) recycle(d *device) {
	s.encoder.ResetAll([]hal.CommandBuffer{s.buffer})
	s.buffer.Destroy()
	d.encoders = append(d.encoders, s.encoder)
	for _, c := range s.chunks {
		c.owner.put(c)
	}
}

// append adds a step to the batch and submits the batch when it is time.
func (d *device) append(s step) {
	d.batch.steps = append(d.batch.steps, s)
	n := len(d.batch.steps)
	if n >= maxSteps || n%idleSteps == 0 && d.idle() {
		d.flushAhead()
	}
}

// account adds a call's work to the batch about to receive it.
func (d *device) account(work int64) {
	limit := int64(maxWork)
	if d.software {
		limit = softwareWork
	}
	if d.batch.work > 0 && d.batch.work+work > limit {
		d.flushAhead()
	}
	d.batch.work += work
}

// idle reports whether the GPU has finished all it was given.
func (d *device) idle() bool {
	d.reap()
	return len(d.inflight) == 0
}

// reap recycles what the GPU has finished.
func (d *device) reap() {
	if len(d.inflight) == 0 {
		return
	}
	completed := d.queue.PollCompleted()
	n := 0
	for n < len(d.inflight) && d.inflight[n].index <= completed {
		d.inflight[n].recycle(d)
		d.done = d.inflight[n].number
		n++
	}
	if n > 0 {
		d.inflight = append(d.inflight[:0], d.inflight[n:]...)
		d.progress = time.Now()
	}
}

// flushAhead is flush for a caller that goes on recording: it waits if too
// much is on its way.
func (d *device) flushAhead() {
	d.flush()
	if len(d.inflight) > maxInflight {
		_ = d.await(context.Background(), d.inflight[0].number) // sticks
	}
}

// flush submits the batch, if it holds anything.
func (d *device) flush() {
	b := &d.batch
	if len(b.steps)+len(b.params) == 0 {
		return
	}
	err := d.err
	if err == nil {
		if err = d.submit(b); err != nil {
			d.fail(fmt.Errorf("vulkan: submitting %d steps: %w", len(b.steps), err))
		}
	}
	if err != nil {
		for _, c := range b.chunks {
			c.owner.put(c)
		}
	}
	*b = batch{number: b.number + 1, steps: b.steps[:0], params: b.params[:0]}
}

func (d *device) submit(b *batch) error {
	for _, c := range b.chunks {
		// Flushes what the processor wrote, where memory is not coherent.
		if err := d.hal.UnmapBuffer(c.buf); err != nil {
			return err
		}
	}
	enc, err := d.encoder()
	if err != nil {
		return err
	}
	if err := enc.BeginEncoding("batch"); err != nil {
		enc.Destroy()
		return err
	}
	encode(enc, b)
	buffer, err := enc.EndEncoding()
	if err != nil {
		enc.DiscardEncoding()
		enc.Destroy()
		return err
	}
	index, err := d.queue.Submit([]hal.CommandBuffer{buffer})
	if err != nil {
		enc.Destroy()
		return err
	}
	if len(d.inflight) == 0 {
		d.progress = time.Now()
	}
	d.inflight = append(d.inflight, submission{b.number, index, enc, buffer, b.chunks})
	return nil
}

// encoder returns a command encoder that keeps its memory for the next use.
func (d *device) encoder() (hal.CommandEncoder, error) {
	if n := len(d.encoders); n > 0 {
		enc := d.encoders[n-1]
		d.encoders = d.encoders[:n-1]
		return enc, nil
	}
	enc, err := d.hal.CreateCommandEncoder(&hal.CommandEncoderDescriptor{})
	if err != nil {
		return nil, err
	}
	if e, ok := enc.(interface{ SetPoolManaged(bool) }); ok {
		e.SetPoolManaged(true)
	}
	return enc, nil
}

// encode records the batch.
//
// The library puts a barrier after each dispatch and one from dispatches to
// copies at the end of a pass. It puts none after copies: barrier does.
func encode(enc hal.CommandEncoder, b *batch) {
	for _, s := range b.params {
		enc.CopyBufferToBuffer(s.src, s.dst, []hal.BufferCopy{s.copy})
	}
	if len(b.params) > 0 {
		barrier(enc, b.params[0].dst)
	}
	var pass hal.ComputePassEncoder
	var last *pipeline
	for i := range b.steps {
		s := &b.steps[i]
		if s.pipeline == nil {
			if pass != nil {
				pass.End()
				pass = nil
			}
			enc.CopyBufferToBuffer(s.src, s.dst, []hal.BufferCopy{s.copy})
			barrier(enc, s.dst)
			continue
		}
		if pass == nil {
			pass, last = enc.BeginComputePass(&hal.ComputePassDescriptor{}), nil
		}
		if s.pipeline != last {
			pass.SetPipeline(s.pipeline.hal)
			last = s.pipeline
		}
		pass.SetBindGroup(0, s.group.hal, nil)
		pass.Dispatch(s.groups[0], s.groups[1], s.groups[2])
	}
	if pass == nil {
		// The end of a pass is the only barrier that reaches the processor,
		// which reads what was copied.
		pass = enc.BeginComputePass(&hal.ComputePassDescriptor{})
	}
	pass.End()
}

// barrier orders a copy to buf before everything that follows.
func barrier(enc hal.CommandEncoder, buf hal.Buffer) {
	enc.TransitionBuffers([]hal.BufferBarrier{{Buffer: buf, Usage: hal.BufferUsageTransition{
		OldUsage: gputypes.BufferUsageCopyDst,
		NewUsage: gputypes.BufferUsageCopyDst | gputypes.BufferUsageCopySrc | gputypes.BufferUsageStorage | gputypes.BufferUsageUniform,
	}}})
}
