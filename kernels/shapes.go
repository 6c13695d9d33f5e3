package kernels

import "llana/tensor"

func numel(shape []int) int         { return tensor.Numel(shape) }
func sameShape(a, b []int) bool     { return tensor.SameShape(a, b) }
func ceilDiv(a, b int) int          { return (a + b - 1) / b }
func withLast(s []int, n int) []int { return append(append([]int(nil), s[:len(s)-1]...), n) }
func totalBytes(shapes ...[]int) int64 {
	var n int64
	for _, s := range shapes {
		if s != nil {
			n += 4 * int64(numel(s))
		}
	}
	return n
}
