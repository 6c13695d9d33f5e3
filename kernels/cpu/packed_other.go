//go:build !amd64 || purego

package cpu

func dot4BF16(x *float32, w *byte, n int, out *[4]float32) { panic(noAVX2) }

func dot4F16(x *float32, w *byte, n int, out *[4]float32) { panic(noAVX2) }

func dot4Q8(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32) { panic(noAVX2) }

func dot4Q4(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32) {
	panic(noAVX2)
}

func widenBF16(dst *float32, w *byte, n int) { panic(noAVX2) }

func widenF16(dst *float32, w *byte, n int) { panic(noAVX2) }

func widenQ8(dst *float32, w *byte, n int, scales *float32) { panic(noAVX2) }

func widenQ4(dst *float32, w *byte, n int, scales, zeros *float32) { panic(noAVX2) }

func scalesVector(scales, zeros []float32, params []byte, n, rows, stride int, factor float32, terms bool) {
	panic(noAVX2)
}
