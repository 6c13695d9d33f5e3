//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"container/list"
	"fmt"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"

	"llana/tensor"
)

// Parameter blocks of up to smallSlot bytes, which nearly all are, and larger
// ones have slots of their own in one buffer.
const (
	smallSlot  = 256
	smallSlots = 8192
	largeSlot  = 4096
	largeSlots = 256
)

// uniforms keeps parameter blocks on the device, each found again by its
// content. A slot is written at the start of the batch that first uses it, so
// a slot of the batch being recorded is never given to another block.
type uniforms struct {
	buf          hal.Buffer
	small, large slots
}

// slots are equal pieces of the buffer.
type slots struct {
	base, size int64
	count      int
	used       int // handed out so far
	byContent  map[string]*slot
	recent     *list.List // of *slot, the last used first
}

type slot struct {
	off     int64
	content string
	batch   uint64
	place   *list.Element
}

func (u *uniforms) init(d *device) (err error) {
	u.small = slots{size: smallSlot, count: smallSlots}
	u.large = slots{base: smallSlot * smallSlots, size: largeSlot, count: largeSlots}
	for _, s := range []*slots{&u.small, &u.large} {
		s.byContent = map[string]*slot{}
		s.recent = list.New()
	}
	u.buf, err = d.createBuffer("parameters", u.large.base+largeSlot*largeSlots, gputypes.BufferUsageUniform|gputypes.BufferUsageCopyDst)
	return err
}

// put returns the range that holds words when the batch runs.
func (u *uniforms) put(d *device, words []uint32) (binding, error) {
	if len(words) == 0 {
		words = []uint32{0}
	}
	content := tensor.AsBytes(words)
	s := &u.small
	if len(content) > smallSlot {
		s = &u.large
	}
	if len(content) > largeSlot {
		return binding{}, fmt.Errorf("parameter block of %d bytes, at most %d fit", len(content), largeSlot)
	}
	off, err := s.find(d, u.buf, content)
	return binding{u.buf, off, s.size}, err
}

// find returns the offset of the slot with that content, after filling one if
// there is none.
func (s *slots) find(d *device, buf hal.Buffer, content []byte) (int64, error) {
	if x := s.byContent[string(content)]; x != nil {
		x.batch = d.batch.number
		s.recent.MoveToFront(x.place)
		return x.off, nil
	}
	x := &slot{content: string(content)}
	if s.used < s.count {
		x.off = s.base + int64(s.used)*s.size
		s.used++
	} else {
		oldest := s.recent.Back().Value.(*slot)
		if oldest.batch == d.batch.number {
			d.flush()
		}
		s.recent.Remove(oldest.place)
		delete(s.byContent, oldest.content)
		x.off = oldest.off
	}
	x.batch = d.batch.number
	x.place = s.recent.PushFront(x)
	s.byContent[x.content] = x
	if d.err != nil {
		return 0, d.err
	}
	return x.off, d.stageParams(buf, x.off, content)
}

func (u *uniforms) destroy(dev hal.Device) {
	if u.buf != nil {
		dev.DestroyBuffer(u.buf)
	}
}
