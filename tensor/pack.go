package tensor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// BlockLen is the number of neighbouring elements of a row that share a scale
// in the block types.
const BlockLen = 16

// IsPacked reports whether d is a storage type for weights: BF16, F16, Q8, Q4.
func (d DType) IsPacked() bool { return d == BF16 || d == F16 || d == Q8 || d == Q4 }

// CanPack reports whether a tensor of the given shape can be stored as d: rows
// of the 16-bit types must fill whole 32-bit words, those of the block types
// whole blocks.
func CanPack(d DType, shape []int) bool {
	if len(shape) == 0 {
		return false
	}
	switch width := shape[len(shape)-1]; d {
	case BF16, F16:
		return width%2 == 0
	case Q8, Q4:
		return width%BlockLen == 0
	}
	return false
}

// Blocks describes how a block type's rows lie in memory, in bytes.
//
// A row takes Stride bytes, a multiple of 16, so that rows can be read by
// themselves: first the codes of its elements, from Params on the parameters of
// its blocks, at Scale a float32, the row's scale.
//
// Q8: a code is a signed byte c; a block has one byte, its scale. Q4: a block's
// codes are two little-endian 32-bit words, of which word i holds the elements
// i, 2+i, 4+i, ... from its lowest 4 bits up; a block has two bytes, its scale
// and its zero point z. The elements are
//
//	Q8: scale * c          Q4: scale * (c - z/16)
//
// where scale is the row's scale times BlockScale of the block's byte.
type Blocks struct {
	Rows, Width           int
	Params, Scale, Stride int
}

func blocksOf(d DType, shape []int) Blocks {
	if !CanPack(d, shape) {
		panic(fmt.Sprintf("tensor: shape %v stored as %v: rows must be a multiple of %d", shape, d, BlockLen))
	}
	b := Blocks{Rows: Numel(shape[:len(shape)-1]), Width: shape[len(shape)-1]}
	if d == Q8 {
		b.Params = b.Width
		b.Scale = (b.Params + b.Width/BlockLen + 3) &^ 3
	} else {
		b.Params = b.Width / 2
		b.Scale = (b.Params + 2*b.Width/BlockLen + 3) &^ 3
	}
	b.Stride = (b.Scale + 4 + 15) &^ 15
	return b
}

// Blocks returns how the rows of a tensor of a block type lie.
func (t *Tensor) Blocks() Blocks { return blocksOf(t.dtype, t.shape) }

// BlockScale returns the value of a block's scale byte, between 2^-15 and 2: a
// floating-point number of 4 bits of exponent and 4 of mantissa.
func BlockScale(b byte) float32 {
	return math.Float32frombits(uint32(b)<<19 + scaleBias)
}

const (
	scaleBias = 112 << 23
	maxScale  = 1.9375 // BlockScale(255)
)

// scaleByte returns the byte of the block scale nearest to s, or with up of the
// smallest that is not below. s is positive or 0, and clamped to BlockScale's
// range.
func scaleByte(s float32, up bool) byte {
	bits := int64(math.Float32bits(s)) - scaleBias
	if up {
		bits += 1<<19 - 1
	} else {
		bits += 1 << 18
	}
	return byte(max(0, min(bits>>19, 255)))
}

// Pack stores the elements of a tensor of the given shape as d, a packed type.
// Block types do not hold NaN or infinities: those are an error.
func Pack(d DType, data []float32, shape ...int) ([]byte, error) {
	if len(data) != Numel(shape) || !CanPack(d, shape) {
		panic(fmt.Sprintf("tensor: %d elements of shape %v packed as %v", len(data), shape, d))
	}
	out := make([]byte, d.Bytes(shape))
	return out, packInto(out, d, data, shape)
}

// packInto packs on all processors.
func packInto(out []byte, d DType, data []float32, shape []int) error {
	width := shape[len(shape)-1]
	if width == 0 {
		return nil
	}
	rows, stride := len(data)/width, d.Bytes([]int{1, width})
	each := max(1, min(1<<16/width, rows/runtime.GOMAXPROCS(0)))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for r := 0; r < rows; r += each {
		g.Go(func() error {
			n := min(each, rows-r)
			return packRows(out[r*stride:(r+n)*stride], d, data[r*width:(r+n)*width], width, r)
		})
	}
	return g.Wait()
}

// packRows packs rows of which the first has the number first.
func packRows(out []byte, d DType, data []float32, width, first int) error {
	switch d {
	case BF16:
		for i, v := range data {
			binary.LittleEndian.PutUint16(out[2*i:], F32ToBF16(v))
		}
		return nil
	case F16:
		for i, v := range data {
			binary.LittleEndian.PutUint16(out[2*i:], F32ToF16(v))
		}
		return nil
	}
	rows := len(data) / width
	b := blocksOf(d, []int{rows, width})
	for r := range rows {
		if err := b.packRow(d, out[r*b.Stride:(r+1)*b.Stride], data[r*width:(r+1)*width]); err != nil {
			return fmt.Errorf("row %d %w", first+r, err)
		}
	}
	return nil
}

var errNotFinite = errors.New("holds NaN or an infinity, which an integer type does not")

func (b Blocks) packRow(d DType, out []byte, row []float32) error {
	clear(out)         // padding too: the same numbers give the same bytes
	var widest float64 // span of codes that a block needs, in steps
	for i := 0; i < len(row); i += BlockLen {
		lo, hi, ok := span(row[i : i+BlockLen])
		switch {
		case !ok:
			return errNotFinite
		case d == Q8:
			widest = max(widest, float64(max(hi, -lo))/127)
		default:
			widest = max(widest, (float64(hi)-float64(lo))/15)
		}
	}
	scale := float32(widest / maxScale)
	binary.LittleEndian.PutUint32(out[b.Scale:], math.Float32bits(scale))
	if scale == 0 { // also the rows whose scale would be too small for a float32
		return nil
	}
	if d == Q4 {
		packQ4(out[:b.Params], out[b.Params:b.Scale], row, scale)
		return nil
	}
	for i := range b.Width / BlockLen {
		out[b.Params+i] = packQ8((*[BlockLen]float32)(row[i*BlockLen:]), scale, out[i*BlockLen:])
	}
	return nil
}

// span returns the smallest and the largest element, with 0 between them; ok
// is false if one is not finite.
func span(x []float32) (lo, hi float32, ok bool) {
	bits := uint32(0)
	for _, v := range x {
		// The built-in min and max take several times as long.
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	return lo, hi, bits < 0x7f800000
}

// packQ8 writes the codes of a block and returns its scale byte.
func packQ8(x *[BlockLen]float32, row float32, codes []byte) byte {
	lo, hi, _ := span(x[:])
	s := scaleByte(max(hi, -lo)/row/127, true)
	inv := 1 / (float64(row) * float64(BlockScale(s)))
	for i, v := range x {
		// Adding 1.5 * 2^52 leaves no bits for fractions: it rounds to even.
		const big = 3 << 51
		// The conversion keeps the product from being fused with the sum, which
		// would round other elements than elsewhere.
		c := float64(float64(v)*inv) + big - big
		// A row's scale that is a denormal number may be rounded far down.
		if c > 127 {
			c = 127
		} else if c < -127 {
			c = -127
		}
		codes[i] = byte(int8(c))
	}
	return s
}

// Unpack widens the elements of packed bytes into dst. The arithmetic is that of
// float32 for either T, so that what a number is does not depend on the device.
func Unpack[T float32 | float64](d DType, raw []byte, shape []int, dst []T) {
	switch d {
	case BF16:
		for i := range dst {
			dst[i] = T(BF16ToF32(binary.LittleEndian.Uint16(raw[2*i:])))
		}
		return
	case F16:
		for i := range dst {
			dst[i] = T(F16ToF32(binary.LittleEndian.Uint16(raw[2*i:])))
		}
		return
	}
	b := blocksOf(d, shape)
	for i := range dst {
		row := raw[i/b.Width*b.Stride:][:b.Stride]
		scale := math.Float32frombits(binary.LittleEndian.Uint32(row[b.Scale:]))
		at, j := i%b.Width/BlockLen, i%BlockLen
		if d == Q8 {
			dst[i] = T(float32(scale*BlockScale(row[b.Params+at])) * float32(int8(row[i%b.Width])))
			continue
		}
		c := binary.LittleEndian.Uint64(row[8*at:]) >> (32*(j%2) + 4*(j/2)) & 15
		dst[i] = T(float32(scale*BlockScale(row[b.Params+2*at])) * (float32(c) - float32(row[b.Params+2*at+1])/16))
	}
}
