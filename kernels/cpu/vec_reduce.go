package cpu

// Reductions of slices; see vec.go.

// sum returns the sum of a.
func sum(a []float32) float32 {
	n, s := 0, float32(0)
	if n = len(a) &^ 7; level > portable && n > 0 {
		s = sumVector(&a[0], n)
	} else {
		n = 0
	}
	for _, x := range a[n:] {
		s += x
	}
	return s
}

// dot returns the sum of a b.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	n, s := 0, float32(0)
	if n = len(a) &^ 7; level > portable && n > 0 {
		s = dotVector(&a[0], &b[0], n)
	} else {
		n = 0
	}
	for i := n; i < len(a); i++ {
		s += a[i] * b[i]
	}
	return s
}

// deviation returns the sum of (a - t)^2.
func deviation(a []float32, t float32) float32 {
	n, s := 0, float32(0)
	if n = len(a) &^ 7; level > portable && n > 0 {
		s = deviationVector(&a[0], n, t)
	} else {
		n = 0
	}
	for _, x := range a[n:] {
		s += (x - t) * (x - t)
	}
	return s
}

// largest returns the largest element of a, which is not empty. What it
// returns when some are NaN is not defined.
func largest(a []float32) float32 {
	if level > portable {
		return maxVector(&a[0], len(a))
	}
	top := a[0]
	for _, x := range a[1:] {
		if x > top {
			top = x
		}
	}
	return top
}

// dot4 returns the scalar products of x with four rows of w, stride apart.
func dot4(x, w []float32, stride int) (s [4]float32) {
	w = w[:3*stride+len(x)]
	if level > portable && len(x) > 0 {
		dot4Vector(&x[0], &w[0], stride, len(x), &s[0])
		return s
	}
	for r := range s {
		s[r] = dot(x, w[r*stride:][:len(x)])
	}
	return s
}

// maxRow takes a row into running maxima and their positions: a larger element
// replaces an older one, a NaN any number.
func maxRow(best []float32, at []int32, row []float32, k int32) {
	at, row = at[:len(best)], row[:len(best)]
	n := 0
	if level > portable && len(best) >= 8 {
		n = len(best) &^ 7
		maxRowVector(&best[0], &at[0], &row[0], n, k)
	}
	for j := n; j < len(best); j++ {
		if v := row[j]; !(v <= best[j]) && best[j] == best[j] {
			best[j], at[j] = v, k
		}
	}
}
