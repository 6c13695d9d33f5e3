//go:build !(amd64 || arm64) || purego

package cpu

const (
	transposeLen  = 1
	columnsVector = false
)

// The portable build never calls these.
const noVector = "cpu: vector code in a portable build"

func addVector(dst, a, b *float32, n int) { panic(noVector) }

func subVector(dst, a, b *float32, n int) { panic(noVector) }

func mulVector(dst, a, b *float32, n int) { panic(noVector) }

func divVector(dst, a, b *float32, n int) { panic(noVector) }

func mulAddVector(dst, a, b, c *float32, n int) { panic(noVector) }

func subScaleVector(dst, a *float32, n int, t, s float32) { panic(noVector) }

func axpyVector(dst, a, b *float32, n int, s float32) { panic(noVector) }

func axpy4Vector(dst, a *float32, stride, n int, s *[4]float32) { panic(noVector) }

func expVector(dst, a *float32, n int, t, s float32) { panic(noVector) }

func sigmoidVector(dst, a *float32, n int) { panic(noVector) }

func siluVector(dst, a *float32, n int) { panic(noVector) }

func reluVector(dst, a *float32, n int) { panic(noVector) }

func geluVector(dst, a *float32, n int) { panic(noVector) }

func reluBackVector(dst, a, b *float32, n int) { panic(noVector) }

func geluBackVector(dst, a, b *float32, n int) { panic(noVector) }

func siluBackVector(dst, a, b *float32, n int) { panic(noVector) }

func sigmoidBackVector(dst, a, b *float32, n int) { panic(noVector) }

func truncExpBackVector(dst, a, b *float32, n int) { panic(noVector) }

func swigluVector(dst, a, b *float32, n int) { panic(noVector) }

func swigluBackVector(dgate, dup, gate, up, dy *float32, n int) { panic(noVector) }

func sumVector(a *float32, n int) float32 { panic(noVector) }

func dotVector(a, b *float32, n int) float32 { panic(noVector) }

func deviationVector(a *float32, n int, t float32) float32 { panic(noVector) }

func maxVector(a *float32, n int) float32 { panic(noVector) }

func adamWVector(p, m, v, grad *float32, n int, k *adamWConsts) { panic(noVector) }

func encodeColumnsVector(dst *float32, stride int, u *float32, n, octaves int) { panic(noVector) }

func encodeVector(dst, u *float32, n, octaves int, scale *float32) { panic(noVector) }

func dot4Vector(x, w *float32, stride, n int, out *float32) { panic(noVector) }

func dropoutVector(dst, a *float32, n int, seed, counter, below uint32, factor float32) {
	panic(noVector)
}

func maxRowVector(best *float32, at *int32, row *float32, n int, k int32) { panic(noVector) }

func transposeVector(dst *float32, ds int, a *float32, as, blocks int) { panic(noVector) }

func copyStripsVector(dst, src *float32, next, width, strips, k int) { panic(noVector) }

func dot4x4Vector(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32) { panic(noVector) }

func expSumVector(dst, a *float32, n int, t, s float32) float32 { panic(noVector) }

func softmaxBackVector(weights, grads *float32, n int, t, scale, delta float32) { panic(noVector) }
