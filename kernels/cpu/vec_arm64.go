//go:build arm64 && !purego

package cpu

// transposeLen is the number of rows and columns of the blocks of
// transposeVector.
const transposeLen = 4

// columnsVector tells that there is an encodeColumnsVector.
const columnsVector = false

func encodeColumnsVector(dst *float32, stride int, u *float32, n, octaves int) {
	panic("cpu: no such vector code for arm64")
}

// maxVector returns the largest of n > 0 elements.
//
//go:noescape
func maxVector(a *float32, n int) float32

//go:noescape
func dot4x4Vector(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)

//go:noescape
func expSumVector(dst, a *float32, n int, t, s float32) float32

//go:noescape
func softmaxBackVector(weights, grads *float32, n int, t, scale, delta float32)
