package tensor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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
	switch d {
	case BF16, F16:
		round := F32ToBF16
		if d == F16 {
			round = F32ToF16
		}
		for i, v := range data {
			binary.LittleEndian.PutUint16(out[2*i:], round(v))
		}
		return out, nil
	}
	b := blocksOf(d, shape)
	for r := range b.Rows {
		row := data[r*b.Width : (r+1)*b.Width]
		if err := b.packRow(d, out[r*b.Stride:(r+1)*b.Stride], row); err != nil {
			return nil, fmt.Errorf("row %d %w", r, err)
		}
	}
	return out, nil
}

var errNotFinite = errors.New("holds NaN or an infinity, which an integer type does not")

func (b Blocks) packRow(d DType, out []byte, row []float32) error {
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
	for i := range b.Width / BlockLen {
		x := (*[BlockLen]float32)(row[i*BlockLen:])
		if d == Q8 {
			out[b.Params+i] = packQ8(x, scale, out[i*BlockLen:])
			continue
		}
		s, z, codes := packQ4(x, scale)
		binary.LittleEndian.PutUint64(out[8*i:], codes)
		out[b.Params+2*i], out[b.Params+2*i+1] = s, z
	}
	return nil
}

// span returns the smallest and the largest element, with 0 between them; ok
// is false if one is not finite.
func span(x []float32) (lo, hi float32, ok bool) {
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi, lo >= -math.MaxFloat32 && hi <= math.MaxFloat32
}

// packQ8 writes the codes of a block and returns its scale byte.
func packQ8(x *[BlockLen]float32, row float32, codes []byte) byte {
	lo, hi, _ := span(x[:])
	s := scaleByte(max(hi, -lo)/row/127, true)
	inv := 1 / (float64(row) * float64(BlockScale(s)))
	for i, v := range x {
		c := math.RoundToEven(float64(v) * inv)
		codes[i] = byte(int8(max(-127, min(c, 127))))
	}
	return s
}

// packQ4 returns the scale byte, the zero point and the codes of a block. Of
// some candidates it takes the one with the smallest sum of squared errors:
// finer steps than the block's span asks for clip its ends but serve the
// elements between better.
func packQ4(x *[BlockLen]float32, row float32) (s, z byte, codes uint64) {
	var y [BlockLen]float32
	for i, v := range x {
		y[i] = v / row
	}
	lo, hi, _ := span(y[:])
	widest := int(scaleByte((hi-lo)/15, false))
	best := q4{err: float32(math.Inf(1))}
	for b := max(0, widest-3); b <= min(widest+1, 255); b++ {
		step := BlockScale(byte(b))
		for _, d := range [...]float32{-0.25, 0, 0.25} {
			best.improve(&y, byte(b), 7.5+d-(lo+hi)/2/step)
		}
	}
	return best.s, best.z, best.codes()
}

// q4 is one way to store a block.
type q4 struct {
	s, z byte
	c    [BlockLen]float32
	err  float32 // sum of squares
}

// improve tries a scale and a zero point, and then the zero point that fits the
// codes best.
func (q *q4) improve(y *[BlockLen]float32, s byte, zero float32) {
	step := BlockScale(s)
	inv := 1 / step
	for range 2 {
		n := q4{s: s, z: byte(max(0, min(zero*16+0.5, 255)))}
		zero = float32(n.z) / 16
		var mean float32
		for i, v := range y {
			t := v*inv + zero
			// Adding 1.5 * 2^23 leaves no bits for fractions: it rounds to even.
			const big = 3 << 22
			c := float32(max(0, min(t, 15))+big) - big
			n.c[i] = c
			n.err += (t - c) * (t - c)
			mean += t - c
		}
		if n.err *= step * step; n.err < q.err {
			*q = n
		}
		zero -= mean / BlockLen
	}
}

// codes returns a block's two words as one number.
func (q *q4) codes() uint64 {
	var w uint64
	for i, c := range q.c {
		w |= uint64(c) << (32*(i%2) + 4*(i/2))
	}
	return w
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
