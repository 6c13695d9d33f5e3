package cpu

// Vector functions on slices of equal length; dst may be one of the others.
// Each has a version in vector code and a portable one.

// vecAdd sets dst = a + b.
func vecAdd(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		addVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// vecSub sets dst = a - b.
func vecSub(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		subVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// vecMul sets dst = a b.
func vecMul(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		mulVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// vecDiv sets dst = a / b.
func vecDiv(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		divVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// vecReLUBack sets dst = b where a > 0, else 0 b.
func vecReLUBack(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		reluBackVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = stepf(a[i]) * b[i]
	}
}

// vecGELUBack sets dst = b gelu'(a).
func vecGELUBack(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		geluBackVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = b[i] * (cdff(a[i]) + a[i]*pdff(a[i]))
	}
}

// vecSiLUBack sets dst = b silu'(a).
func vecSiLUBack(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		siluBackVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = b[i] * siluGradf(a[i])
	}
}

// vecSigmoidBack sets dst = b a (1 - a), for a = sigmoid(x).
func vecSigmoidBack(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		sigmoidBackVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = b[i] * (a[i] * (1 - a[i]))
	}
}

// vecTruncExpBack sets dst = b exp(min(a, 15)).
func vecTruncExpBack(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		truncExpBackVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = b[i] * expf(min(a[i], 15))
	}
}

// vecSwiGLU sets dst = silu(a) b.
func vecSwiGLU(dst, a, b []float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		swigluVector(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] / (1 + expf(-a[i])) * b[i]
	}
}

// vecReLU sets dst = max(a, 0), NaN for NaN.
func vecReLU(dst, a []float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		reluVector(&dst[0], &a[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = max(a[i], 0)
	}
}

// vecGELU sets dst = a Phi(a).
func vecGELU(dst, a []float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		geluVector(&dst[0], &a[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] * cdff(a[i])
	}
}

// vecSiLU sets dst = a sigmoid(a).
func vecSiLU(dst, a []float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		siluVector(&dst[0], &a[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] / (1 + expf(-a[i]))
	}
}

// vecSigmoid sets dst = 1 / (1 + exp(-a)).
func vecSigmoid(dst, a []float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		sigmoidVector(&dst[0], &a[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = 1 / (1 + expf(-a[i]))
	}
}

// vecSubScale sets dst = (a - t) s.
func vecSubScale(dst, a []float32, t, s float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		subScaleVector(&dst[0], &a[0], len(dst), t, s)
		return
	}
	for i := range dst {
		dst[i] = (a[i] - t) * s
	}
}

// vecExp sets dst = exp((a - t) s).
func vecExp(dst, a []float32, t, s float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:len(dst)]
	if level > portable {
		expVector(&dst[0], &a[0], len(dst), t, s)
		return
	}
	for i := range dst {
		dst[i] = expf((a[i] - t) * s)
	}
}

// vecAddScaled sets dst = a + b s.
func vecAddScaled(dst, a, b []float32, s float32) {
	if len(dst) == 0 {
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	if level > portable {
		axpyVector(&dst[0], &a[0], &b[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]*s
	}
}

// addRows4 adds four rows of a, stride apart, times s to dst.
func addRows4(dst, a []float32, stride int, s *[4]float32) {
	if len(dst) == 0 {
		return
	}
	a = a[:3*stride+len(dst)]
	if level > portable {
		axpy4Vector(&dst[0], &a[0], stride, len(dst), s)
		return
	}
	for r, f := range s {
		vecAddScaled(dst, dst, a[r*stride:][:len(dst)], f)
	}
}

// vecMulAdd sets dst = a b + c.
func vecMulAdd(dst, a, b, c []float32) {
	if len(dst) == 0 {
		return
	}
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if level > portable {
		mulAddVector(&dst[0], &a[0], &b[0], &c[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i]*b[i] + c[i]
	}
}

// vecSwiGLUBack sets dgate = dy up silu'(gate) and dup = dy silu(gate).
func vecSwiGLUBack(dgate, dup, gate, up, dy []float32) {
	n := len(dgate)
	if n == 0 {
		return
	}
	dup, gate, up, dy = dup[:n], gate[:n], up[:n], dy[:n]
	if level > portable {
		swigluBackVector(&dgate[0], &dup[0], &gate[0], &up[0], &dy[0], n)
		return
	}
	for i, g := range gate {
		dg := dy[i] * up[i] * siluGradf(g)
		dup[i] = dy[i] * (g / (1 + expf(-g)))
		dgate[i] = dg
	}
}
