//go:build amd64 && !purego

package cpu

//go:noescape
func dot4BF16AVX512(x *float32, w *byte, n int, out *[4]float32)

//go:noescape
func dot4BF16AVX2(x *float32, w *byte, n int, out *[4]float32)

func dot4BF16(x *float32, w *byte, n int, out *[4]float32) {
	if level == avx512 {
		dot4BF16AVX512(x, w, n, out)
	} else {
		dot4BF16AVX2(x, w, n, out)
	}
}

//go:noescape
func dot4F16AVX512(x *float32, w *byte, n int, out *[4]float32)

//go:noescape
func dot4F16AVX2(x *float32, w *byte, n int, out *[4]float32)

func dot4F16(x *float32, w *byte, n int, out *[4]float32) {
	if level == avx512 {
		dot4F16AVX512(x, w, n, out)
	} else {
		dot4F16AVX2(x, w, n, out)
	}
}

//go:noescape
func dot4Q8AVX512(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)

//go:noescape
func dot4Q8AVX2(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)

func dot4Q8(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32) {
	if level == avx512 {
		dot4Q8AVX512(x, w, n, stride, factors, out)
	} else {
		dot4Q8AVX2(x, w, n, stride, factors, out)
	}
}

//go:noescape
func dot4Q4AVX512(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)

//go:noescape
func dot4Q4AVX2(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)

func dot4Q4(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32) {
	if level == avx512 {
		dot4Q4AVX512(x, w, n, stride, factors, summands, out)
	} else {
		dot4Q4AVX2(x, w, n, stride, factors, summands, out)
	}
}

//go:noescape
func widenBF16AVX512(dst *float32, w *byte, n int)

//go:noescape
func widenBF16AVX2(dst *float32, w *byte, n int)

func widenBF16(dst *float32, w *byte, n int) {
	if level == avx512 {
		widenBF16AVX512(dst, w, n)
	} else {
		widenBF16AVX2(dst, w, n)
	}
}

//go:noescape
func widenF16AVX512(dst *float32, w *byte, n int)

//go:noescape
func widenF16AVX2(dst *float32, w *byte, n int)

func widenF16(dst *float32, w *byte, n int) {
	if level == avx512 {
		widenF16AVX512(dst, w, n)
	} else {
		widenF16AVX2(dst, w, n)
	}
}

//go:noescape
func widenQ8AVX512(dst *float32, w *byte, n int, scales *float32)

//go:noescape
func widenQ8AVX2(dst *float32, w *byte, n int, scales *float32)

func widenQ8(dst *float32, w *byte, n int, scales *float32) {
	if level == avx512 {
		widenQ8AVX512(dst, w, n, scales)
	} else {
		widenQ8AVX2(dst, w, n, scales)
	}
}

//go:noescape
func widenQ4AVX512(dst *float32, w *byte, n int, scales, zeros *float32)

//go:noescape
func widenQ4AVX2(dst *float32, w *byte, n int, scales, zeros *float32)

func widenQ4(dst *float32, w *byte, n int, scales, zeros *float32) {
	if level == avx512 {
		widenQ4AVX512(dst, w, n, scales, zeros)
	} else {
		widenQ4AVX2(dst, w, n, scales, zeros)
	}
}

//go:noescape
func scalesQ8AVX512(scales *float32, params *byte, n, rows, stride int, factor float32)

//go:noescape
func scalesQ8AVX2(scales *float32, params *byte, n, rows, stride int, factor float32)

func scalesQ8(scales *float32, params *byte, n, rows, stride int, factor float32) {
	if level == avx512 {
		scalesQ8AVX512(scales, params, n, rows, stride, factor)
	} else {
		scalesQ8AVX2(scales, params, n, rows, stride, factor)
	}
}

//go:noescape
func scalesQ4AVX512(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)

//go:noescape
func scalesQ4AVX2(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)

func scalesQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32) {
	if level == avx512 {
		scalesQ4AVX512(scales, zeros, params, n, rows, stride, factor)
	} else {
		scalesQ4AVX2(scales, zeros, params, n, rows, stride, factor)
	}
}

//go:noescape
func termsQ4AVX512(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)

//go:noescape
func termsQ4AVX2(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)

func termsQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32) {
	if level == avx512 {
		termsQ4AVX512(scales, zeros, params, n, rows, stride, factor)
	} else {
		termsQ4AVX2(scales, zeros, params, n, rows, stride, factor)
	}
}
