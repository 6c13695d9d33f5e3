package checkpoint

import (
	"fmt"
	"math"
)

// span returns how many elements of a storage a strided view touches, from
// offset to the last element it addresses (zero for an empty view). It fails
// when a number is negative or the view's size overflows.
func span(shape, stride []int, offset int) (int, error) {
	if len(shape) != len(stride) {
		return 0, fmt.Errorf("shape %v has %d dimensions, stride %v has %d", shape, len(shape), stride, len(stride))
	}
	if offset < 0 {
		return 0, fmt.Errorf("negative storage offset %d", offset)
	}
	last := 0
	empty := false
	for i, d := range shape {
		if d < 0 || stride[i] < 0 {
			return 0, fmt.Errorf("negative number in shape %v or stride %v", shape, stride)
		}
		if d == 0 {
			empty = true
			continue
		}
		if stride[i] != 0 && d-1 > (math.MaxInt-last)/stride[i] {
			return 0, fmt.Errorf("shape %v with stride %v overflows", shape, stride)
		}
		last += (d - 1) * stride[i]
	}
	if empty {
		return 0, nil
	}
	if last == math.MaxInt {
		return 0, fmt.Errorf("shape %v with stride %v overflows", shape, stride)
	}
	return last + 1, nil
}

// contiguous reports whether a non-empty view's elements lie in C order without gaps.
func contiguous(shape, stride []int) bool {
	want := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && stride[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}

// gather copies a strided view of elements of elem bytes into C order. src
// starts at the view's first element and covers its span.
func gather(src []byte, shape, stride []int, elem int) []byte {
	n := numel(shape)
	if n == 0 {
		return nil
	}
	if contiguous(shape, stride) {
		return src[:n*elem]
	}
	out := make([]byte, 0, n*elem)
	index := make([]int, len(shape))
	inner := len(shape) - 1
	for base := 0; ; {
		for i := range shape[inner] {
			at := (base + i*stride[inner]) * elem
			out = append(out, src[at:at+elem]...)
		}
		d := inner - 1
		for ; d >= 0; d-- {
			index[d]++
			base += stride[d]
			if index[d] < shape[d] {
				break
			}
			base -= index[d] * stride[d]
			index[d] = 0
		}
		if d < 0 {
			return out
		}
	}
}
