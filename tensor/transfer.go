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
		f := make([]float64, len(data))
		for i, v := range data {
			f[i] = float64(v)
		}
		t.upload(AsBytes(f), len(f))
		return
	}
	t.mustBe(F32)
	t.upload(AsBytes(data), len(data))
}

// Store overwrites the elements of a tensor of any floating type, rounded to
// it. The block types do not hold NaN and infinities: an error.
func (t *Tensor) Store(data []float32) error {
	if !t.dtype.IsPacked() {
		t.SetFloat32(data)
		return nil
	}
	b, err := Pack(t.dtype, data, t.shape...)
	if err != nil {
		return err
	}
	t.SetRaw(b)
	return nil
}

// SetRaw overwrites the elements with bytes as they are stored.
func (t *Tensor) SetRaw(b []byte) {
	if len(b) != t.Bytes() {
		panic(fmt.Sprintf("tensor: %d bytes for %v, which takes %d", len(b), t, t.Bytes()))
	}
	s := t.live()
	s.mem.Upload(s.buf, b)
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
	s.mem.Upload(s.buf, b)
}
