package tensor

import (
	"fmt"
	"sync/atomic"
)

// Tensor is a contiguous array on a device. Its shape must not be modified.
type Tensor struct {
	shape  []int
	dtype  DType
	store  *storage
	offset int // of the first byte in store; see Borrow
}

// storage is a buffer shared by the tensors that view it.
type storage struct {
	mem  Memory
	buf  Buffer
	refs atomic.Int32
}

// New allocates a tensor in mem. Its elements are undefined until written.
func New(mem Memory, dtype DType, shape ...int) *Tensor {
	s := &storage{mem: mem, buf: mem.Alloc(dtype.Bytes(shape))}
	s.refs.Store(1)
	return &Tensor{shape: clone(shape), dtype: dtype, store: s}
}

// Shape returns the lengths of the axes, outermost first. Do not modify it.
func (t *Tensor) Shape() []int { return t.shape }

// Dim returns the length of axis i; negative i counts from the last axis.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.shape)
	}
	return t.shape[i]
}

// Rank returns the number of axes.
func (t *Tensor) Rank() int { return len(t.shape) }

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dtype }

// Len returns the number of elements.
func (t *Tensor) Len() int { return Numel(t.shape) }

// Bytes returns the number of bytes the elements take.
func (t *Tensor) Bytes() int { return t.dtype.Bytes(t.shape) }

// Memory returns where the tensor lives.
func (t *Tensor) Memory() Memory { return t.live().mem }

// Buffer returns the device's handle of the tensor's bytes.
func (t *Tensor) Buffer() Buffer { return t.live().buf }

// View returns a tensor that shares t's bytes under another shape with the
// same number of elements. One length may be -1: it follows from the others.
// The bytes are given back when both t and the view are freed. A view of a
// block type keeps the length of the last axis.
func (t *Tensor) View(shape ...int) *Tensor {
	s := t.live()
	shape = infer(t.shape, shape)
	if t.dtype.Size() == 0 && (len(shape) == 0 || shape[len(shape)-1] != t.Dim(-1)) {
		panic(fmt.Sprintf("tensor: view of %v as %v cuts its rows", t, shape))
	}
	s.refs.Add(1)
	return &Tensor{shape: shape, dtype: t.dtype, store: s}
}

// Shared reports whether another tensor views the same bytes.
func (t *Tensor) Shared() bool { return t.live().refs.Load() > 1 }

// Free gives up t's hold on its bytes. Freeing a freed tensor does nothing;
// using one panics.
func (t *Tensor) Free() {
	if t == nil || t.store == nil {
		return
	}
	s := t.store
	t.store = nil
	if s.refs.Add(-1) == 0 {
		s.mem.Free(s.buf)
	}
}

// Freed reports whether t was freed.
func (t *Tensor) Freed() bool { return t.store == nil }

// String describes the tensor without its elements.
func (t *Tensor) String() string { return fmt.Sprintf("%v%v", t.dtype, t.shape) }

func (t *Tensor) live() *storage {
	if t.store == nil {
		panic(fmt.Sprintf("tensor: use of freed tensor %v", t))
	}
	return t.store
}

// Numel returns the number of elements of a shape: 1 for no axes.
func Numel(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("tensor: negative length in shape %v", shape))
		}
		n *= d
	}
	return n
}

// SameShape reports whether two shapes are equal.
func SameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func clone(shape []int) []int { return append([]int(nil), shape...) }

// infer replaces a -1 in shape so that it has as many elements as old.
func infer(old, shape []int) []int {
	shape = clone(shape)
	hole, n := -1, 1
	for i, d := range shape {
		if d == -1 && hole < 0 {
			hole = i
			continue
		}
		n *= d
	}
	if hole >= 0 && n > 0 {
		shape[hole] = Numel(old) / n
	}
	if Numel(shape) != Numel(old) {
		panic(fmt.Sprintf("tensor: shape %v does not fit the elements of %v", shape, old))
	}
	return shape
}

// Head returns a tensor of the given shape that shares the first bytes of t.
// It is shorter than t or as long, and not of a block type.
func (t *Tensor) Head(shape ...int) *Tensor {
	s := t.live()
	if Numel(shape) > t.Len() || t.dtype.Size() == 0 {
		panic(fmt.Sprintf("tensor: head of shape %v of %v", shape, t))
	}
	s.refs.Add(1)
	return &Tensor{shape: clone(shape), dtype: t.dtype, store: s}
}

// Borrow returns a tensor of the given shape over t's bytes from byte at on, for
// a kernel that reads or writes a part of t. It is valid while t is, holds
// nothing and is not to be freed, viewed or transferred.
func (t *Tensor) Borrow(at int, shape ...int) *Tensor {
	b := &Tensor{shape: clone(shape), dtype: t.dtype, store: t.live(), offset: t.offset + at}
	if at < 0 || at+b.Bytes() > t.Bytes() {
		panic(fmt.Sprintf("tensor: %v from byte %d on of %v", b, at, t))
	}
	return b
}

// Offset returns where t's first byte is in its buffer: not 0 for what Borrow
// returns.
func (t *Tensor) Offset() int { return t.offset }
