//go:build !(amd64 || arm64) || purego

package cpu

func dot4BF16(x *float32, w *byte, n int, out *[4]float32) { panic(noVector) }

func dot4F16(x *float32, w *byte, n int, out *[4]float32) { panic(noVector) }

func dot4Q8(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32) { panic(noVector) }

func dot4Q4(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32) {
	panic(noVector)
}

func widenBF16(dst *float32, w *byte, n int) { panic(noVector) }

func widenF16(dst *float32, w *byte, n int) { panic(noVector) }

func widenQ8(dst *float32, w *byte, n int, scales *float32) { panic(noVector) }

func widenQ4(dst *float32, w *byte, n int, scales, zeros *float32) { panic(noVector) }

func scalesQ8(scales *float32, params *byte, n, rows, stride int, factor float32) { panic(noVector) }

func scalesQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32) {
	panic(noVector)
}

func termsQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32) {
	panic(noVector)
}
