package cpu

import (
	"encoding/binary"
	"unsafe"

	"llana/tensor"
)

// packed is a matrix of a packed type (see tensor.Pack). Elements are named by
// their place in row-major order; a run of elements lies in one row.
type packed struct {
	dtype  tensor.DType
	width  int
	raw    []byte    // codes
	params []byte    // of the blocks: one byte each, for Q4 two
	scales []float32 // of the rows, for block types
}

// packedOf returns how a tensor's elements are stored, nil if they are floats.
func packedOf(t *tensor.Tensor) *packed {
	if !t.DType().IsPacked() {
		return nil
	}
	p := &packed{dtype: t.DType(), width: t.Dim(-1), raw: tensor.Raw(t)}
	if p.blocks() && len(p.raw) > 0 {
		b := t.Blocks()
		p.params = p.raw[b.Params:b.RowScales]
		p.scales = unsafe.Slice((*float32)(unsafe.Pointer(&p.raw[b.RowScales])), b.Rows)
	}
	return p
}

func (p *packed) blocks() bool { return p.dtype == tensor.Q8 || p.dtype == tensor.Q4 }

// codesAt returns the bytes from element at on.
func (p *packed) codesAt(at int) []byte {
	switch p.dtype {
	case tensor.Q8:
		return p.raw[at:]
	case tensor.Q4:
		return p.raw[at/2:]
	}
	return p.raw[2*at:]
}

// widen writes the elements from at on into dst.
func (p *packed) widen(w *worker, dst []float32, at int) {
	n := len(dst) &^ 15
	if n > 0 && level > portable && !(p.blocks() && at%tensor.BlockLen != 0) {
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
	if !p.blocks() {
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
	p.blockScales(scales, zeros, at/tensor.BlockLen, p.scales[at/p.width], false)
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
	row := p.scales[at/p.width]
	for len(dst) > 0 {
		first, block := at%tensor.BlockLen, at/tensor.BlockLen
		n := min(len(dst), tensor.BlockLen-first)
		if p.dtype == tensor.Q8 {
			s := row * tensor.BlockScale(p.params[block])
			for i, c := range p.raw[at:][:n] {
				dst[i] = s * float32(int8(c))
			}
		} else {
			s, z := row*tensor.BlockScale(p.params[2*block]), float32(p.params[2*block+1])*(1.0/16)
			words := binary.LittleEndian.Uint64(p.raw[8*block:])
			for i := range dst[:n] {
				j := first + i
				dst[i] = s * (float32(words>>(32*(j%2)+4*(j/2))&15) - z)
			}
		}
		dst, at = dst[n:], at+n
	}
}

// blockScales sets the scales of the blocks from the given one on, times row,
// and for Q4 their zero points; with terms, those times the scales.
func (p *packed) blockScales(scales, zeros []float32, block int, row float32, terms bool) {
	if p.dtype == tensor.Q8 {
		params := p.params[block:][:len(scales)]
		for i := scalesVector(scales, nil, params, row, false); i < len(scales); i++ {
			scales[i] = row * tensor.BlockScale(params[i])
		}
		return
	}
	params := p.params[2*block:][:2*len(scales)]
	for i := scalesVector(scales, zeros, params, row, terms); i < len(scales); i++ {
		scales[i] = row * tensor.BlockScale(params[2*i])
		zeros[i] = float32(params[2*i+1]) * (1.0 / 16)
		if terms {
			zeros[i] *= scales[i]
		}
	}
}

// canDot tells whether dot4 can take rows of this matrix.
func (p *packed) canDot() bool { return level > portable && p.width >= 16 && p.width%16 == 0 }

// dot4 returns the scalar products of x with four rows from row j on.
func (p *packed) dot4(w *worker, x []float32, j int) (s [4]float32) {
	x = x[:p.width]
	n := len(x)
	code := p.codesAt(j * n)
	switch p.dtype {
	case tensor.BF16:
		_ = code[4*2*n-1]
		dot4BF16(&x[0], &code[0], n, &s)
		return s
	case tensor.F16:
		_ = code[4*2*n-1]
		dot4F16(&x[0], &code[0], n, &s)
		return s
	}
	blocks := n / tensor.BlockLen
	f := w.floats(scratchScales, 2*4*blocks)
	factors, summands := f[:4*blocks], f[4*blocks:]
	// An element is factor * code - summand, times the row's scale.
	p.blockScales(factors, summands, j*blocks, 1, true)
	if p.dtype == tensor.Q8 {
		_ = code[4*n-1]
		dot4Q8(&x[0], &code[0], n, &factors[0], &s)
	} else {
		_ = code[4*n/2-1]
		dot4Q4(&x[0], &code[0], n, &factors[0], &summands[0], &s)
	}
	for r := range s {
		s[r] *= p.scales[j+r]
	}
	return s
}
