package tensor

import (
	"context"
	"fmt"
	"unsafe"
)

// AsBytes returns the bytes of s without copying, in the machine's order;
// every platform the project supports is little endian.
func AsBytes[T Element](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// Float32 allocates a float32 tensor in mem with the given elements.
func Float32(mem Memory, data []float32, shape ...int) *Tensor {
	t := New(mem, F32, shape...)
	t.SetFloat32(data)
	return t
}

// Int32 allocates an int32 tensor in mem with the given elements.
func Int32(mem Memory, data []int32, shape ...int) *Tensor {
	t := New(mem, I32, shape...)
	t.upload(AsBytes(data), len(data))
	return t
}

// Floats allocates a tensor of the given floating type, F32 or F64.
func Floats(mem Memory, dtype DType, data []float64, shape ...int) *Tensor {
	t := New(mem, dtype, shape...)
	switch dtype {
	case F64:
		t.upload(AsBytes(data), len(data))
	case F32:
		f := make([]float32, len(data))
		for i, v := range data {
			f[i] = float32(v)
		}
		t.upload(AsBytes(f), len(f))
	default:
		panic(fmt.Sprintf("tensor: Floats with element type %v", dtype))
	}
	return t
}

// SetFloat32 overwrites the elements of a float tensor (F32, or F64 by
// widening).
func (t *Tensor) SetFloat32(data []float32) {
	if t.dtype == F64 {
		f := widened(data)
		t.upload(AsBytes(f), len(f))
		return
	}
	t.mustBe(F32)
	t.upload(AsBytes(data), len(data))
}

// Store overwrites the elements of a tensor of any floating type, rounded to
// it. The block types do not hold NaN and infinities: an error.
func (t *Tensor) Store(data []float32) error {
	if len(data) != t.Len() {
		panic(fmt.Sprintf("tensor: %d elements for %v", len(data), t))
	}
	return t.StoreRows(0, data)
}

// StoreRows is Store for some rows (see the last axis) from first on: a large
// tensor can be stored in pieces.
func (t *Tensor) StoreRows(first int, data []float32) error {
	width := 1 // of a scalar
	if t.Rank() > 0 {
		width = t.Dim(-1)
	}
	if width == 0 || len(data) == 0 {
		return nil
	}
	shape := []int{len(data) / width, width}
	if len(data)%width != 0 || first < 0 || first+shape[0] > t.Len()/width {
		panic(fmt.Sprintf("tensor: %d elements from row %d on for %v", len(data), first, t))
	}
	at := t.dtype.Bytes([]int{first, width})
	switch s := t.live(); t.dtype {
	case F32:
		s.mem.Upload(s.buf, at, AsBytes(data))
	case F64:
		s.mem.Upload(s.buf, at, AsBytes(widened(data)))
	default:
		if h, ok := s.buf.(*HostBuffer); ok {
			return packInto(h.bytes[at:], t.dtype, data, shape)
		}
		b, err := Pack(t.dtype, data, shape...)
		if err != nil {
			return err
		}
		s.mem.Upload(s.buf, at, b)
	}
	return nil
}

func widened(data []float32) []float64 {
	f := make([]float64, len(data))
	for i, v := range data {
		f[i] = float64(v)
	}
	return f
}

// StoreRaw overwrites bytes of the elements as they are stored, from byte at on.
func (t *Tensor) StoreRaw(at int, b []byte) {
	if at < 0 || at+len(b) > t.Bytes() {
		panic(fmt.Sprintf("tensor: %d bytes from byte %d on for %v, which takes %d", len(b), at, t, t.Bytes()))
	}
	s := t.live()
	s.mem.Upload(s.buf, at, b)
}

// ReadRaw waits for the device and returns the elements' bytes as they are
// stored.
func (t *Tensor) ReadRaw(ctx context.Context) ([]byte, error) {
	out := make([]byte, t.Bytes())
	err := t.live().mem.Download(ctx, out, t.Buffer())
	return out, err
}

// SetInt32 overwrites the elements of an int32 tensor.
func (t *Tensor) SetInt32(data []int32) {
	t.mustBe(I32)
	t.upload(AsBytes(data), len(data))
}

// ReadFloat32 waits for the device and returns the elements of a float tensor
// (F64 elements are rounded, packed ones widened).
func (t *Tensor) ReadFloat32(ctx context.Context) ([]float32, error) {
	if t.dtype.IsPacked() {
		raw, err := t.ReadRaw(ctx)
		out := make([]float32, t.Len())
		Unpack(t.dtype, raw, t.shape, out)
		return out, err
	}
	if t.dtype == F64 {
		d, err := t.ReadFloat64(ctx)
		f := make([]float32, len(d))
		for i, v := range d {
			f[i] = float32(v)
		}
		return f, err
	}
	t.mustBe(F32)
	out := make([]float32, t.Len())
	err := t.store.mem.Download(ctx, AsBytes(out), t.Buffer())
	return out, err
}

// ReadFloat64 waits for the device and returns the elements of an F64 tensor.
func (t *Tensor) ReadFloat64(ctx context.Context) ([]float64, error) {
	t.mustBe(F64)
	out := make([]float64, t.Len())
	err := t.store.mem.Download(ctx, AsBytes(out), t.Buffer())
	return out, err
}

// ReadInt32 waits for the device and returns the elements of an int32 tensor.
func (t *Tensor) ReadInt32(ctx context.Context) ([]int32, error) {
	t.mustBe(I32)
	out := make([]int32, t.Len())
	err := t.store.mem.Download(ctx, AsBytes(out), t.Buffer())
	return out, err
}

func (t *Tensor) mustBe(d DType) {
	if t.dtype != d {
		panic(fmt.Sprintf("tensor: %v used as %v", t, d))
	}
}

func (t *Tensor) upload(b []byte, n int) {
	if n != t.Len() {
		panic(fmt.Sprintf("tensor: %d elements for %v", n, t))
	}
	s := t.live()
	s.mem.Upload(s.buf, 0, b)
}
