//go:build !amd64 || purego

package cpu

// The portable build never calls these.
const noAVX2 = "cpu: vector code in a portable build"

func addAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func subAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func mulAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func divAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func mulAddAVX2(dst, a, b, c *float32, n int) { panic(noAVX2) }

func subScaleAVX2(dst, a *float32, n int, t, s float32) { panic(noAVX2) }

func axpyAVX2(dst, a, b *float32, n int, s float32) { panic(noAVX2) }

func axpy4AVX2(dst, a *float32, stride, n int, s *[4]float32) { panic(noAVX2) }

func expAVX2(dst, a *float32, n int, t, s float32) { panic(noAVX2) }

func sigmoidAVX2(dst, a *float32, n int) { panic(noAVX2) }

func siluAVX2(dst, a *float32, n int) { panic(noAVX2) }

func reluAVX2(dst, a *float32, n int) { panic(noAVX2) }

func geluAVX2(dst, a *float32, n int) { panic(noAVX2) }

func reluBackAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func geluBackAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func siluBackAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func sigmoidBackAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func truncExpBackAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func swigluAVX2(dst, a, b *float32, n int) { panic(noAVX2) }

func swigluBackAVX2(dgate, dup, gate, up, dy *float32, n int) { panic(noAVX2) }

func sumAVX2(a *float32, n int) float32 { panic(noAVX2) }

func dotAVX2(a, b *float32, n int) float32 { panic(noAVX2) }

func deviationAVX2(a *float32, n int, t float32) float32 { panic(noAVX2) }

func maxAVX2(a *float32, n int) float32 { panic(noAVX2) }

func adamWAVX2(p, m, v, grad *float32, n int, k *adamWConsts) { panic(noAVX2) }

func encodeAVX2(dst, u *float32, n, octaves int, scale *float32) { panic(noAVX2) }

func dot4AVX2(x, w *float32, stride, n int, out *float32) { panic(noAVX2) }

func dropoutAVX2(dst, a *float32, n int, seed, counter, below uint32, factor float32) { panic(noAVX2) }

func maxRowAVX2(best *float32, at *int32, row *float32, n int, k int32) { panic(noAVX2) }

func transposeAVX2(dst *float32, ds int, a *float32, as, blocks int) { panic(noAVX2) }

func copyStripsAVX2(dst, src *float32, next, width, strips, k int) { panic(noAVX2) }

func dot4x4Vector(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32) { panic(noAVX2) }

func exp2SumAVX512(dst, a *float32, n int, t, s float32) float32 { panic(noAVX2) }

func maxAVX512(a *float32, n int) float32 { panic(noAVX2) }

func softmaxBackAVX512(weights, grads *float32, n int, t, s, delta, scale float32) { panic(noAVX2) }
