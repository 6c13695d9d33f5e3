package tensor

import "fmt"

// DType is the type of a tensor's elements as they are stored.
type DType uint8

// The storage types. Arithmetic on the GPU and on the CPU device is float32;
// F64 exists for the reference device, which checks gradients in double
// precision. BF16, F16, Q8 and Q4 are packed storage of weights, widened where
// they are used; I64, U8 and Bool occur in files.
const (
	Invalid DType = iota
	F32
	F64
	I32
	BF16
	F16
	I64
	U8
	Bool
	Q8 // 8-bit integers in blocks; see Pack
	Q4 // 4-bit integers in blocks; see Pack
)

var dtypes = [...]struct {
	name string
	size int
}{
	Invalid: {"invalid", 0},
	F32:     {"float32", 4},
	F64:     {"float64", 8},
	I32:     {"int32", 4},
	BF16:    {"bfloat16", 2},
	F16:     {"float16", 2},
	I64:     {"int64", 8},
	U8:      {"uint8", 1},
	Bool:    {"bool", 1},
	Q8:      {"int8", 0},
	Q4:      {"int4", 0},
}

// Size returns the number of bytes of one element; 0 for the block types.
func (d DType) Size() int { return dtypes[d].size }

// Bytes returns the number of bytes that the elements of a tensor of the given
// shape take. It panics for a block type that cannot hold the shape.
func (d DType) Bytes(shape []int) int {
	if d == Q8 || d == Q4 {
		b := blocksOf(d, shape)
		return b.Rows * b.Stride
	}
	return Numel(shape) * d.Size()
}

// String returns the type's NumPy-like name.
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}
