package cpu

import (
	"encoding/binary"
	"math"

	"llana/tensor"
)

// packed is a matrix of a packed type (see tensor.Pack). Elements are named by
// their place in row-major order; a run of elements lies in one row.
type packed struct {
	dtype  tensor.DType
	width  int
	raw    []byte
	stride int           // bytes of a row
	blocks tensor.Blocks // of block types
}

// packedOf returns how a tensor's elements are stored, nil if they are floats.
func packedOf(t *tensor.Tensor) *packed {
	d := t.DType()
	if !d.IsPacked() {
		return nil
	}
	p := &packed{dtype: d, width: t.Dim(-1), raw: tensor.Raw(t), stride: d.Bytes([]int{1, t.Dim(-1)})}
	if p.inBlocks() {
		p.blocks = t.Blocks()
	}
	return p
}

func (p *packed) inBlocks() bool { return p.dtype == tensor.Q8 || p.dtype == tensor.Q4 }

// row returns the bytes of the row that element at is in, and its column.
func (p *packed) row(at int) (row []byte, column int) {
	return p.raw[at/p.width*p.stride:][:p.stride], at % p.width
}

// codesAt returns the bytes from element at on.
func (p *packed) codesAt(at int) []byte {
	row, column := at/p.width*p.stride, at%p.width
	switch p.dtype {
	case tensor.Q8:
		return p.raw[row+column:]
	case tensor.Q4:
		return p.raw[row+column/2:]
	}
	return p.raw[row+2*column:]
}

// rowScale returns the scale of a row of a block type.
func (p *packed) rowScale(row []byte) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(row[p.blocks.Scale:]))
}

// widen writes the elements from at on into dst.
func (p *packed) widen(w *worker, dst []float32, at int) {
	n := len(dst) &^ 15
	if n > 0 && level > portable && !(p.inBlocks() && at%tensor.BlockLen != 0) {
		p.widenVector(w, dst[:n], at)
	} else {
		n = 0
	}
	if n < len(dst) {
		p.widenRest(dst[n:], at+n)
	}
}

// widenVector widens a multiple of 16 elements.
func (p *packed) widenVector(w *worker, dst []float32, at int) {
	n, code := len(dst), &p.codesAt(at)[0]
	if !p.inBlocks() {
		if p.dtype == tensor.BF16 {
			widenBF16(&dst[0], code, n)
		} else {
			widenF16(&dst[0], code, n)
		}
		return
	}
	blocks := n / tensor.BlockLen
	s := w.floats(scratchScales, 2*blocks)
	scales, zeros := s[:blocks], s[blocks:]
	row, column := p.row(at)
	p.blockScales(scales, zeros, row, column/tensor.BlockLen, p.rowScale(row), false)
	if p.dtype == tensor.Q8 {
		widenQ8(&dst[0], code, n, &scales[0])
	} else {
		widenQ4(&dst[0], code, n, &scales[0], &zeros[0])
	}
}

// widenRest widens any number of elements in plain Go.
func (p *packed) widenRest(dst []float32, at int) {
	switch p.dtype {
	case tensor.BF16:
		b := p.raw[2*at:][:2*len(dst)]
		for i := range dst {
			dst[i] = tensor.BF16ToF32(binary.LittleEndian.Uint16(b[2*i:]))
		}
		return
	case tensor.F16:
		b := p.raw[2*at:][:2*len(dst)]
		for i := range dst {
			dst[i] = tensor.F16ToF32(binary.LittleEndian.Uint16(b[2*i:]))
		}
		return
	}
	row, column := p.row(at)
	scale, params := p.rowScale(row), row[p.blocks.Params:]
	for len(dst) > 0 {
		first, block := column%tensor.BlockLen, column/tensor.BlockLen
		n := min(len(dst), tensor.BlockLen-first)
		if p.dtype == tensor.Q8 {
			s := scale * tensor.BlockScale(params[block])
			for i, c := range row[column:][:n] {
				dst[i] = s * float32(int8(c))
			}
		} else {
			s, z := scale*tensor.BlockScale(params[2*block]), float32(params[2*block+1])*(1.0/16)
			words := binary.LittleEndian.Uint64(row[8*block:])
			for i := range dst[:n] {
				j := first + i
				dst[i] = s * (float32(words>>(32*(j%2)+4*(j/2))&15) - z)
			}
		}
		dst, column = dst[n:], column+n
	}
}

// blockScales sets the scales of a row's blocks from the given one on, times
// factor, and for Q4 their zero points; with terms, those times the scales.
func (p *packed) blockScales(scales, zeros []float32, row []byte, block int, factor float32, terms bool) {
	n := 0
	if level > portable {
		n = len(scales) - len(scales)%scalesStep()
	}
	if p.dtype == tensor.Q8 {
		params := row[p.blocks.Params+block:][:len(scales)]
		if n > 0 {
			scalesVector(scales, nil, params, n, 1, 0, factor, false)
		}
		for i := n; i < len(scales); i++ {
			scales[i] = factor * tensor.BlockScale(params[i])
		}
		return
	}
	params := row[p.blocks.Params+2*block:][:2*len(scales)]
	if n > 0 {
		scalesVector(scales, zeros, params, n, 1, 0, factor, terms)
	}
	for i := n; i < len(scales); i++ {
		scales[i] = factor * tensor.BlockScale(params[2*i])
		zeros[i] = float32(params[2*i+1]) * (1.0 / 16)
		if terms {
			zeros[i] *= scales[i]
		}
	}
}

// scalesStep is the number of blocks that vector code takes at a time.
func scalesStep() int {
	if level == avx512 {
		return 16
	}
	return 8
}

// scalesVector sets the scales, times factor, and for Q4 the zero points of the
// first n blocks of rows whose parameters lie stride bytes apart, one row behind
// the other; n is a multiple of scalesStep. With terms, zero points come times
// scales. zeros is nil for Q8.
func scalesVector(scales, zeros []float32, params []byte, n, rows, stride int, factor float32, terms bool) {
	_ = scales[n*rows-1]
	if zeros == nil {
		_ = params[(rows-1)*stride+n-1]
		scalesQ8(&scales[0], &params[0], n, rows, stride, factor)
		return
	}
	_, _ = zeros[n*rows-1], params[(rows-1)*stride+2*n-1]
	if terms {
		termsQ4(&scales[0], &zeros[0], &params[0], n, rows, stride, factor)
	} else {
		scalesQ4(&scales[0], &zeros[0], &params[0], n, rows, stride, factor)
	}
}

// terms4 sets the factors and summands of all blocks of four rows from row j
// on: an element is factor * code - summand, for Q8 without the summand, times
// the row's scale.
func (p *packed) terms4(factors, summands []float32, j int) {
	n := p.width / tensor.BlockLen
	if n%scalesStep() == 0 {
		if p.dtype == tensor.Q8 {
			summands = nil
		}
		scalesVector(factors, summands, p.raw[j*p.stride+p.blocks.Params:], n, 4, p.stride, 1, true)
		return
	}
	for r := range 4 {
		p.blockScales(factors[r*n:(r+1)*n], summands[r*n:(r+1)*n], p.raw[(j+r)*p.stride:], 0, 1, true)
	}
}

// canDot tells whether dot4 can take rows of this matrix.
func (p *packed) canDot() bool { return level > portable && p.width >= 16 && p.width%16 == 0 }

// dot4 returns the scalar products of x with four rows from row j on.
func (p *packed) dot4(w *worker, x []float32, j int) (s [4]float32) {
	x = x[:p.width]
	n, code := len(x), p.raw[j*p.stride:][:4*p.stride]
	switch p.dtype {
	case tensor.BF16:
		dot4BF16(&x[0], &code[0], n, &s)
		return s
	case tensor.F16:
		dot4F16(&x[0], &code[0], n, &s)
		return s
	}
	blocks := n / tensor.BlockLen
	f := w.floats(scratchScales, 2*4*blocks)
	factors, summands := f[:4*blocks], f[4*blocks:]
	p.terms4(factors, summands, j)
	if p.dtype == tensor.Q8 {
		dot4Q8(&x[0], &code[0], n, p.stride, &factors[0], &s)
	} else {
		dot4Q4(&x[0], &code[0], n, p.stride, &factors[0], &summands[0], &s)
	}
	for r := range s {
		s[r] *= p.rowScale(code[r*p.stride:])
	}
	return s
}
