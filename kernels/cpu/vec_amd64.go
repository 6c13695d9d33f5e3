//go:build amd64 && !purego

package cpu

//go:noescape
func addAVX2(dst, a, b *float32, n int)

//go:noescape
func subAVX2(dst, a, b *float32, n int)

//go:noescape
func mulAVX2(dst, a, b *float32, n int)

//go:noescape
func divAVX2(dst, a, b *float32, n int)

//go:noescape
func mulAddAVX2(dst, a, b, c *float32, n int)

//go:noescape
func subScaleAVX2(dst, a *float32, n int, t, s float32)

//go:noescape
func axpyAVX2(dst, a, b *float32, n int, s float32)

//go:noescape
func axpy4AVX2(dst, a *float32, stride, n int, s *[4]float32)

//go:noescape
func expAVX2(dst, a *float32, n int, t, s float32)

//go:noescape
func sigmoidAVX2(dst, a *float32, n int)

//go:noescape
func siluAVX2(dst, a *float32, n int)

//go:noescape
func reluAVX2(dst, a *float32, n int)

//go:noescape
func geluAVX2(dst, a *float32, n int)

//go:noescape
func reluBackAVX2(dst, a, b *float32, n int)

//go:noescape
func geluBackAVX2(dst, a, b *float32, n int)

//go:noescape
func siluBackAVX2(dst, a, b *float32, n int)

//go:noescape
func sigmoidBackAVX2(dst, a, b *float32, n int)

//go:noescape
func truncExpBackAVX2(dst, a, b *float32, n int)

//go:noescape
func swigluAVX2(dst, a, b *float32, n int)

//go:noescape
func swigluBackAVX2(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func sumAVX2(a *float32, n int) float32

//go:noescape
func dotAVX2(a, b *float32, n int) float32

//go:noescape
func deviationAVX2(a *float32, n int, t float32) float32

//go:noescape
func maxAVX2(a *float32, n int) float32

//go:noescape
func adamWAVX2(p, m, v, grad *float32, n int, k *adamWConsts)

//go:noescape
func encodeAVX2(dst, u *float32, n, octaves int, scale *float32)

//go:noescape
func dot4AVX2(x, w *float32, stride, n int, out *float32)

//go:noescape
func dropoutAVX2(dst, a *float32, n int, seed, counter, below uint32, factor float32)

//go:noescape
func maxRowAVX2(best *float32, at *int32, row *float32, n int, k int32)

//go:noescape
func transposeAVX2(dst *float32, ds int, a *float32, as, blocks int)

//go:noescape
func copyStripsAVX2(dst, src *float32, next, width, strips, k int)

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
func maxAVX512(a *float32, n int) float32

//go:noescape
func softmaxBackAVX512(weights, grads *float32, n int, t, s, delta, scale float32)
