//go:build arm64 && !purego

package cpu

//go:noescape
func dot4BF16(x *float32, w *byte, n int, out *[4]float32)

//go:noescape
func dot4F16(x *float32, w *byte, n int, out *[4]float32)

//go:noescape
func dot4Q8(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)

//go:noescape
func dot4Q4(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)

//go:noescape
func widenBF16(dst *float32, w *byte, n int)

//go:noescape
func widenF16(dst *float32, w *byte, n int)

//go:noescape
func widenQ8(dst *float32, w *byte, n int, scales *float32)

//go:noescape
func widenQ4(dst *float32, w *byte, n int, scales, zeros *float32)

//go:noescape
func scalesQ8(scales *float32, params *byte, n, rows, stride int, factor float32)

//go:noescape
func scalesQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)

//go:noescape
func termsQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
