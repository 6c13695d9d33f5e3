package tensor

import (
	"context"
	"math/bits"
	"sync"
	"unsafe"
)

// Host is memory of the process, pooled by size.
type Host struct {
	mu    sync.Mutex
	free  map[int][][]byte
	stats Stats
}

// NewHost returns an empty pool of host memory.
func NewHost() *Host { return &Host{free: map[int][][]byte{}} }

// HostBuffer is a piece of host memory, aligned to 64 bytes.
type HostBuffer struct {
	bytes []byte
	class int
}

// Size returns the number of bytes.
func (b *HostBuffer) Size() int { return len(b.bytes) }

const hostAlign = 64

// sizeClass rounds up, so that similar sizes share buffers: to a quarter of a
// power of two, or, from 1 MiB on, where waste costs more, to a 32nd.
func sizeClass(n int) int {
	if n <= 256 {
		return 256
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	if n > 1<<20 {
		step /= 8
	}
	return (n + step - 1) / step * step
}

// Alloc returns n bytes with undefined contents.
func (h *Host) Alloc(n int) Buffer {
	class := sizeClass(n)
	h.mu.Lock()
	b := h.take(class)
	if b != nil {
		class = cap(b)
	}
	h.stats.Live += int64(class)
	h.stats.Peak = max(h.stats.Peak, h.stats.Live)
	h.mu.Unlock()
	if b == nil {
		raw := make([]byte, class+hostAlign)
		useHugePages(raw)
		off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (hostAlign - 1))
		b = raw[off : off+class : off+class]
	}
	return &HostBuffer{bytes: b[:n:class], class: class}
}

// take returns a free buffer of the class or, so that sizes that keep changing do
// not each keep one, of the next classes up to a quarter more; nil if there is
// none.
func (h *Host) take(class int) []byte {
	for c := class; c <= class+class/4; c = sizeClass(c + 1) {
		l := h.free[c]
		if len(l) == 0 {
			continue
		}
		h.free[c] = l[:len(l)-1]
		h.stats.Pooled -= int64(c)
		return l[len(l)-1]
	}
	return nil
}

// Free keeps b's memory for the next Alloc of its size.
func (h *Host) Free(b Buffer) {
	hb := b.(*HostBuffer)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Live -= int64(hb.class)
	h.stats.Pooled += int64(hb.class)
	h.free[hb.class] = append(h.free[hb.class], hb.bytes[:hb.class])
	hb.bytes = nil
}

// Trim gives pooled memory back to the garbage collector.
func (h *Host) Trim() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.free)
	h.stats.Pooled = 0
}

// Upload copies src into dst.
func (h *Host) Upload(dst Buffer, at int, src []byte) { copy(dst.(*HostBuffer).bytes[at:], src) }

// Download copies src into dst.
func (h *Host) Download(_ context.Context, dst []byte, src Buffer) error {
	copy(dst, src.(*HostBuffer).bytes)
	return nil
}

// Stats returns the pool's counts.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}

// Element is a Go type that a tensor's bytes can be seen as.
type Element interface {
	~float32 | ~float64 | ~int32 | ~int64 | ~uint16 | ~uint32 | ~uint8
}

// Slice returns the elements of a tensor in host memory, without copying. It
// panics if the tensor lives elsewhere or its elements have another size.
func Slice[T Element](t *Tensor) []T {
	b := Raw(t)
	var zero T
	if int(unsafe.Sizeof(zero)) != t.dtype.Size() {
		panic("tensor: Slice of " + t.String() + " as elements of another size")
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), t.Len())
}

// Raw returns the bytes of a tensor in host memory as they are stored, without
// copying. It panics if the tensor lives elsewhere.
func Raw(t *Tensor) []byte { return t.Buffer().(*HostBuffer).bytes[t.offset:][:t.Bytes()] }
