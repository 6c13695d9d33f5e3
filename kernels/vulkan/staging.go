//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"
)

const (
	minChunk = 64 << 10
	maxChunk = 16 << 20
	// maxStaged bounds the memory that uploads hold before they wait.
	maxStaged = 128 << 20
)

// staging keeps buffers that both processor and GPU reach, by size.
type staging struct {
	d     *device
	usage gputypes.BufferUsage
	free  map[int][]*chunk
	out   int // bytes not in free
}

// chunk is a mapped buffer; its size is a power of two.
type chunk struct {
	owner *staging
	buf   hal.Buffer
	mem   []byte
	used  int
}

// get returns a chunk of at least n bytes, n at most maxChunk.
func (s *staging) get(n int) (*chunk, error) {
	size := max(minChunk, 1<<bits.Len(uint(n-1)))
	s.out += size
	if l := s.free[size]; len(l) > 0 {
		c := l[len(l)-1]
		s.free[size] = l[:len(l)-1]
		c.used = 0
		return c, nil
	}
	buf, err := s.d.createBuffer("staging", int64(size), s.usage)
	if err != nil {
		s.out -= size
		return nil, err
	}
	c := &chunk{owner: s, buf: buf}
	if c.mem, err = s.d.mapped(buf, size); err != nil {
		s.d.hal.DestroyBuffer(buf)
		s.out -= size
		return nil, err
	}
	return c, nil
}

// mapped returns the buffer's memory, with what the GPU wrote to it. The
// library keeps it mapped for good.
func (d *device) mapped(buf hal.Buffer, n int) ([]byte, error) {
	m, err := d.hal.MapBuffer(buf, 0, uint64(n))
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes: %w", n, err)
	}
	return unsafe.Slice((*byte)(m.Ptr), n), nil
}

// put takes a chunk back.
func (s *staging) put(c *chunk) {
	if s.free == nil {
		s.free = map[int][]*chunk{}
	}
	s.out -= len(c.mem)
	s.free[len(c.mem)] = append(s.free[len(c.mem)], c)
}

func (s *staging) destroy() {
	for _, l := range s.free {
		for _, c := range l {
			s.d.hal.DestroyBuffer(c.buf)
		}
	}
}

// stage copies at most maxChunk bytes to memory that stays until the batch is
// complete, and returns where.
func (d *device) stage(data []byte) (*chunk, int, error) {
	b := &d.batch
	if n := len(b.chunks); n > 0 {
		if c := b.chunks[n-1]; len(c.mem)-c.used >= len(data) {
			at := c.used
			c.used += int(roundUp(int64(copy(c.mem[at:], data)), 16))
			return c, at, nil
		}
	}
	c, err := d.uploads.get(len(data))
	if err != nil {
		return nil, 0, err
	}
	b.chunks = append(b.chunks, c)
	c.used = int(roundUp(int64(copy(c.mem, data)), 16))
	return c, 0, nil
}

// stageParams writes a parameter block before the batch's first step.
func (d *device) stageParams(dst hal.Buffer, off int64, data []byte) error {
	c, at, err := d.stage(data)
	if err != nil {
		return err
	}
	d.batch.params = append(d.batch.params, copyStep(c.buf, int64(at), dst, off, len(data)))
	return nil
}

func copyStep(src hal.Buffer, from int64, dst hal.Buffer, to int64, n int) step {
	return step{src: src, dst: dst, copy: hal.BufferCopy{SrcOffset: uint64(from), DstOffset: uint64(to), Size: uint64(n)}}
}
