//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"errors"
	"fmt"

	"github.com/gogpu/wgpu/hal"

	"llana/tensor"
)

// buffer is a range of device memory.
type buffer struct {
	size  int
	block *block[hal.Buffer] // nil once freed, or after an error
}

// Size returns the number of bytes asked for.
func (b *buffer) Size() int { return b.size }

// Alloc returns size bytes with undefined contents. If the memory is full, the
// error sticks and the buffer must not be used.
func (d *device) Alloc(size int) tensor.Buffer {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := &buffer{size: size}
	if d.err != nil {
		return b
	}
	var err error
	if b.block, err = d.allocBlock(int64(size)); err != nil {
		d.fail(err)
	}
	return b
}

// allocBlock allocates from the pool; when the device is full it waits for
// everything recorded, gives idle memory back and tries again.
func (d *device) allocBlock(size int64) (*block[hal.Buffer], error) {
	if size > d.pool.limit {
		return nil, fmt.Errorf("%w: %d bytes, a buffer holds at most %d", ErrTooLarge, size, d.pool.limit)
	}
	b, err := d.pool.alloc(size)
	if errors.Is(err, ErrOutOfMemory) {
		// Others may record while it waits, and then give memory back that
		// their work uses.
		for len(d.batch.steps)+len(d.inflight) > 0 {
			d.flush()
			if waitErr := d.await(context.Background(), d.batch.number-1); waitErr != nil {
				return nil, waitErr
			}
		}
		d.pool.trim()
		b, err = d.pool.alloc(size)
	}
	if err != nil {
		s := d.pool.counts()
		return nil, fmt.Errorf("%w (%d bytes live, %d pooled)", err, s.Live, s.Pooled)
	}
	return b, nil
}

// Free gives b back. Work already launched may still use it: whatever gets its
// memory next runs later.
func (d *device) Free(b tensor.Buffer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	buf := b.(*buffer)
	if buf.block != nil {
		d.pool.release(buf.block)
		buf.block = nil
	}
}

// Upload copies src into dst, from byte at on, after the work launched so far.
func (d *device) Upload(dst tensor.Buffer, at int, src []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := dst.(*buffer)
	for i := 0; i < len(src) && d.err == nil; i += maxChunk {
		d.fail(d.uploadPiece(b, at+i, src[i:min(i+maxChunk, len(src))]))
	}
}

func (d *device) uploadPiece(b *buffer, at int, piece []byte) error {
	if d.uploads.out > maxStaged {
		d.flush()
		if err := d.awaitStaged(); err != nil {
			return err
		}
	}
	c, from, err := d.stage(piece)
	if err != nil {
		return err
	}
	d.append(copyStep(c.buf, int64(from), b.block.slab.buf, b.block.off+int64(at), len(piece)))
	return nil
}

// awaitStaged waits until half the memory for uploads is free again.
func (d *device) awaitStaged() error {
	for d.uploads.out > maxStaged/2 && len(d.inflight) > 0 {
		if err := d.await(context.Background(), d.inflight[0].number); err != nil {
			return err
		}
	}
	return nil
}

// Download waits for the work launched so far and copies the first len(dst)
// bytes of src.
func (d *device) Download(ctx context.Context, dst []byte, src tensor.Buffer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := src.(*buffer)
	for at := 0; at < len(dst); at += maxChunk {
		if err := d.downloadPiece(ctx, dst[at:min(at+maxChunk, len(dst))], b, at); err != nil {
			return err
		}
	}
	return d.err
}

func (d *device) downloadPiece(ctx context.Context, dst []byte, b *buffer, at int) error {
	if d.err != nil {
		return d.err
	}
	c, err := d.downloads.get(len(dst))
	if err != nil {
		d.fail(err)
		return d.err
	}
	number := d.batch.number
	d.append(copyStep(b.block.slab.buf, b.block.off+int64(at), c.buf, 0, len(dst)))
	d.flush()
	err = d.await(ctx, number)
	if err == nil {
		var mem []byte
		if mem, err = d.mapped(c.buf, len(dst)); err != nil {
			d.fail(err)
		}
		copy(dst, mem)
	}
	d.putAfter(number, c)
	return err
}

// putAfter takes a chunk back once the batch of that number, which a caller
// may have given up waiting for, is complete.
func (d *device) putAfter(number uint64, c *chunk) {
	for i := range d.inflight {
		if s := &d.inflight[i]; s.number == number {
			s.chunks = append(s.chunks, c)
			return
		}
	}
	c.owner.put(c)
}
