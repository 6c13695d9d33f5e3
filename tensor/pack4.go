package tensor

import (
	"encoding/binary"
	"math"
)

// lanes is the number of blocks whose codes are searched for side by side.
const lanes = 8

// q4search finds, for some blocks at once, the scale and the zero point that
// store their elements with the smallest sum of squared errors.
type q4search struct {
	y    [BlockLen][lanes]float32 // element by block, in units of the row's scale
	best q4candidate
	err  [lanes]float32 // of best
}

// q4candidate is a way to store each block: elements are rounded to
// step * (0..15 - zero).
type q4candidate struct{ step, zero [lanes]float32 }

// packQ4 writes the codes and the parameters of a row's blocks.
func packQ4(codes, params []byte, row []float32, scale float32) {
	var s q4search
	for i := 0; i < len(row); i += lanes * BlockLen {
		n := min(lanes, (len(row)-i)/BlockLen)
		s.load(row[i:], n, scale)
		s.search(n)
		for l := range n {
			at := i/BlockLen + l
			binary.LittleEndian.PutUint64(codes[8*at:], s.codes(l))
			params[2*at] = scaleByte(s.best.step[l], false)
			params[2*at+1] = byte(s.best.zero[l] * 16)
		}
	}
}

// load sets the first n blocks; the others keep what they had.
func (s *q4search) load(row []float32, n int, scale float32) {
	inv := 1 / scale
	exact := inv <= math.MaxFloat32 // else the scale is a denormal number
	for l := range n {
		for j, v := range row[l*BlockLen : (l+1)*BlockLen] {
			if exact {
				s.y[j][l] = v * inv
			} else {
				s.y[j][l] = v / scale
			}
		}
	}
}

// search tries scales from the one that the block's span asks for down: finer
// steps clip the ends but serve the elements between better. Each is tried with
// three zero points around the block's middle.
func (s *q4search) search(n int) {
	var widest [lanes]int
	var middle [lanes]float32
	for l := range n {
		lo, hi := s.span(l)
		widest[l], middle[l] = int(scaleByte((hi-lo)/15, false)), (lo+hi)/2
		s.err[l] = float32(math.Inf(1))
	}
	var c q4candidate
	var inv [lanes]float32
	for d := -2; d <= 0; d++ {
		for l := range n {
			c.step[l] = BlockScale(byte(max(0, min(widest[l]+d, 255))))
			inv[l] = 1 / c.step[l]
		}
		for _, shift := range [...]float32{7.25, 7.5, 7.75} {
			for l := range n {
				c.zero[l] = shift - float32(middle[l]*inv[l])
			}
			s.try(&c, &inv)
		}
	}
}

func (s *q4search) span(l int) (lo, hi float32) {
	for j := range BlockLen {
		if v := s.y[j][l]; v < lo {
			lo = v
		} else if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// tryPortable rounds the elements as a candidate says, and once more with the
// zero point that fits the codes best, and keeps what is better than the best.
// The assembly does the same arithmetic in the same order: the same numbers
// give the same bytes everywhere.
func (s *q4search) tryPortable(c *q4candidate, inv *[lanes]float32) {
	for l := range lanes {
		zero := c.zero[l]
		for range 2 {
			zero = round32(clamp(zero*16, 255)) / 16
			var sums, means [2]float32 // of even and odd elements
			for j := range BlockLen {
				t := float32(s.y[j][l]*inv[l]) + zero
				d := t - round32(clamp(t, 15))
				sums[j%2] += float32(d * d)
				means[j%2] += d
			}
			if err := (sums[0] + sums[1]) * float32(c.step[l]*c.step[l]); err < s.err[l] {
				s.err[l], s.best.step[l], s.best.zero[l] = err, c.step[l], zero
			}
			zero -= (means[0] + means[1]) / BlockLen
		}
	}
}

func clamp(v, top float32) float32 {
	if !(v > 0) {
		return 0
	}
	if v > top {
		return top
	}
	return v
}

// round32 rounds a number from 0 to 2^22 to the nearest integer, ties to even:
// adding 1.5 * 2^23 leaves no bits for fractions.
func round32(v float32) float32 {
	const big = 3 << 22
	return float32(v+big) - big
}

// codes returns a block's two words as one number.
func (s *q4search) codes(l int) uint64 {
	var w uint64
	inv, zero := 1/s.best.step[l], s.best.zero[l]
	for j := range BlockLen {
		c := round32(clamp(float32(s.y[j][l]*inv)+zero, 15))
		w |= uint64(c) << (32*(j%2) + 4*(j/2))
	}
	return w
}
