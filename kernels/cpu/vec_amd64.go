//go:build amd64 && !purego

package cpu

import "math"

// transposeLen is the number of rows and columns of the blocks of
// transposeVector.
const transposeLen = 8

//go:noescape
func maxAVX512(a *float32, n int) float32

//go:noescape
func maxAVX2(a *float32, n int) float32

// maxVector returns the largest of n > 0 elements.
func maxVector(a *float32, n int) float32 {
	if level == avx512 {
		return maxAVX512(a, n)
	}
	top, whole := *a, n&^7
	if whole > 0 {
		top = maxAVX2(a, whole)
	}
	for _, x := range floatsAt(a, n)[whole:] {
		if x > top {
			top = x
		}
	}
	return top
}

// columnsVector tells that there is an encodeColumnsVector.
const columnsVector = true

// encodeColumnsVector is encodeColumns for n elements, a multiple of 16.
func encodeColumnsVector(dst *float32, stride int, u *float32, n, octaves int) {
	if level == avx512 {
		encodeColumnsAVX512(dst, stride, u, n, octaves)
	} else {
		encodeColumnsAVX2(dst, stride, u, n, octaves)
	}
}

//go:noescape
func encodeColumnsAVX2(dst *float32, stride int, u *float32, n, octaves int)

//go:noescape
func encodeColumnsAVX512(dst *float32, stride int, u *float32, n, octaves int)

//go:noescape
func dot4x4AVX512(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)

//go:noescape
func dot4x4AVX2(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)

func dot4x4Vector(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32) {
	if level == avx512 {
		dot4x4AVX512(x, w, stride, n, out)
	} else {
		dot4x4AVX2(x, w, stride, n, out)
	}
}

//go:noescape
func exp2SumAVX512(dst, a *float32, n int, t, s float32) float32

//go:noescape
func softmaxBackAVX512(weights, grads *float32, n int, t, s, delta, scale float32)

// expSumVector and softmaxBackVector are one pass for AVX-512; AVX2 puts them
// together from others.
func expSumVector(dst, a *float32, n int, t, s float32) float32 {
	if level == avx512 {
		return exp2SumAVX512(dst, a, n, t, s*math.Log2E)
	}
	expVector(dst, a, n, t, s)
	return sum(floatsAt(dst, n))
}

func softmaxBackVector(weights, grads *float32, n int, t, scale, delta float32) {
	if level == avx512 {
		softmaxBackAVX512(weights, grads, n, t, scale*math.Log2E, delta, scale)
		return
	}
	expVector(weights, weights, n, t, scale)
	subScaleVector(grads, grads, n, delta, scale)
	mulVector(grads, grads, weights, n)
}
