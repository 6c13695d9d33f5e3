package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"llana/tensor"
)

// Info describes a stored tensor without its elements. Its Shape may be shared;
// do not modify it.
type Info struct {
	Name  string
	DType tensor.DType
	Shape []int // empty for a scalar
}

// Len returns the number of elements.
func (i Info) Len() int { return numel(i.Shape) }

// Bytes returns the size of the elements in bytes.
func (i Info) Bytes() int64 { return int64(i.DType.Bytes(i.Shape)) }

// Tensor is a named tensor as it is stored in a file.
type Tensor struct {
	Name  string
	DType tensor.DType
	Shape []int  // empty for a scalar
	Data  []byte // elements, little endian, C order, contiguous
}

// Info returns the tensor's description.
func (t *Tensor) Info() Info { return Info{Name: t.Name, DType: t.DType, Shape: t.Shape} }

// Len returns the number of elements.
func (t *Tensor) Len() int { return numel(t.Shape) }

// SizeError is the panic value of constructors whose data do not fit the shape.
type SizeError struct {
	Name  string
	Shape []int
	Len   int // number of elements given
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("checkpoint: tensor %q: shape %v does not hold %d elements", e.Name, e.Shape, e.Len)
}

// newTensor makes a tensor of n zeros, which must be what shape holds.
func newTensor(name string, dt tensor.DType, shape []int, n int) *Tensor {
	bytes, ok := byteSize(shape, dt.Size())
	if !ok || bytes != int64(n)*int64(dt.Size()) {
		panic(&SizeError{Name: name, Shape: shape, Len: n})
	}
	return &Tensor{Name: name, DType: dt, Shape: slices.Clone(shape), Data: make([]byte, bytes)}
}

// FromFloat32 makes a float32 tensor with a copy of data. It panics with a
// *SizeError when data does not fill shape.
func FromFloat32(name string, shape []int, data []float32) *Tensor {
	t := newTensor(name, tensor.F32, shape, len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint32(t.Data[4*i:], math.Float32bits(v))
	}
	return t
}

// FromInt32 makes an int32 tensor, as FromFloat32 does for float32.
func FromInt32(name string, shape []int, data []int32) *Tensor {
	t := newTensor(name, tensor.I32, shape, len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint32(t.Data[4*i:], uint32(v))
	}
	return t
}

// FromInt64 makes an int64 tensor, as FromFloat32 does for float32.
func FromInt64(name string, shape []int, data []int64) *Tensor {
	t := newTensor(name, tensor.I64, shape, len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint64(t.Data[8*i:], uint64(v))
	}
	return t
}

// FromBools makes a bool tensor, as FromFloat32 does for float32.
func FromBools(name string, shape []int, data []bool) *Tensor {
	t := newTensor(name, tensor.Bool, shape, len(data))
	for i, v := range data {
		if v {
			t.Data[i] = 1
		}
	}
	return t
}

// Float32s returns the elements as float32 in C order. float16 and bfloat16
// widen exactly; float64 and integers are rounded to nearest even; booleans
// become 0 and 1. The slice does not alias Data.
func (t *Tensor) Float32s() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err // before memory is taken
	}
	out := make([]float32, t.Len())
	return out, t.widen(out)
}

// widen is Float32s into out.
func (t *Tensor) widen(out []float32) error {
	if err := t.check(); err != nil {
		return err
	}
	le := binary.LittleEndian
	switch t.DType {
	case tensor.F32:
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(t.Data[4*i:]))
		}
	case tensor.F64:
		for i := range out {
			out[i] = float32(math.Float64frombits(le.Uint64(t.Data[8*i:])))
		}
	case tensor.F16:
		for i := range out {
			out[i] = tensor.F16ToF32(le.Uint16(t.Data[2*i:]))
		}
	case tensor.BF16:
		for i := range out {
			out[i] = math.Float32frombits(uint32(le.Uint16(t.Data[2*i:])) << 16)
		}
	case tensor.I32:
		for i := range out {
			out[i] = float32(int32(le.Uint32(t.Data[4*i:])))
		}
	case tensor.I64:
		for i := range out {
			out[i] = float32(int64(le.Uint64(t.Data[8*i:])))
		}
	case tensor.Q8, tensor.Q4:
		tensor.Unpack(t.DType, t.Data, t.Shape, out)
	default: // U8, Bool: check refused everything else
		for i := range out {
			out[i] = float32(t.Data[i])
		}
	}
	return nil
}

// Int64s returns the elements of an integer or bool tensor in C order. A
// floating-point tensor is an error.
func (t *Tensor) Int64s() ([]int64, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	out := make([]int64, t.Len())
	switch t.DType {
	case tensor.I64:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
	case tensor.I32:
		for i := range out {
			out[i] = int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		}
	case tensor.U8, tensor.Bool:
		for i := range out {
			out[i] = int64(t.Data[i])
		}
	default:
		return nil, fmt.Errorf("tensor %q: expected an integer type, found %v", t.Name, t.DType)
	}
	return out, nil
}

// To returns the tensor in another floating-point type (F32 or a packed one),
// rounding to nearest even. A tensor that has the type already, or whose
// elements are not floating point, is returned unchanged.
func (t *Tensor) To(dt tensor.DType) (*Tensor, error) {
	if t.DType == dt || !isFloat(t.DType) {
		return t, nil
	}
	vals, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	if dt == tensor.F32 {
		return FromFloat32(t.Name, t.Shape, vals), nil
	}
	round := map[tensor.DType]func(float32) uint16{tensor.F16: tensor.F32ToF16, tensor.BF16: tensor.F32ToBF16}[dt]
	if round != nil { // of any shape, while a packed tensor's rows fill whole words
		out := newTensor(t.Name, dt, t.Shape, len(vals))
		for i, v := range vals {
			binary.LittleEndian.PutUint16(out.Data[2*i:], round(v))
		}
		return out, nil
	}
	if !tensor.CanPack(dt, t.Shape) {
		return nil, fmt.Errorf("tensor %q: cannot convert %v %v to %v", t.Name, t.DType, t.Shape, dt)
	}
	data, err := tensor.Pack(dt, vals, t.Shape...)
	if err != nil {
		return nil, fmt.Errorf("tensor %q as %v: %w", t.Name, dt, err)
	}
	return &Tensor{Name: t.Name, DType: dt, Shape: slices.Clone(t.Shape), Data: data}, nil
}

// check guards against tensors assembled by hand with the wrong amount of data.
func (t *Tensor) check() error {
	if t.DType == tensor.Invalid || t.DType > tensor.Q4 {
		return fmt.Errorf("tensor %q: unknown element type %v", t.Name, t.DType)
	}
	want, ok := bytesOf(t.DType, t.Shape)
	if !ok || want != int64(len(t.Data)) {
		return fmt.Errorf("tensor %q: %v %v needs %d bytes, found %d", t.Name, t.DType, t.Shape, want, len(t.Data))
	}
	return nil
}

func isFloat(dt tensor.DType) bool {
	return dt == tensor.F32 || dt == tensor.F64 || dt.IsPacked()
}

func numel(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// byteSize returns the bytes of a tensor of the given shape and element size.
// ok is false when a dimension is negative or the size exceeds an int.
func byteSize(shape []int, elem int) (n int64, ok bool) {
	if slices.Min(append([]int{0}, shape...)) < 0 {
		return 0, false
	}
	if slices.Contains(shape, 0) {
		return 0, true
	}
	n = int64(elem)
	for _, d := range shape {
		if int64(d) > math.MaxInt/n {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}
