package kernels

import "llana/tensor"

// Tolerance bounds how far a kernel may be from the float64 reference: an
// element passes when |got - want| <= Abs*scale + Rel*|want|, where scale is
// the largest magnitude in the wanted output. All bounds stand here, each with
// its reason.
type Tolerance struct {
	Abs, Rel float64
}

var (
	// Exact: copies, integers, counts.
	Exact = Tolerance{0, 0}
	// TolElementwise: a few float32 operations an element (eps = 6e-8 each),
	// and exponentials, which WGSL allows 3 + 2|x| ULP.
	TolElementwise = Tolerance{2e-6, 1e-5}
	// TolProduct: sums of K products in float32. The error grows like
	// sqrt(K)*eps relative to |A||B|, which is about the output's scale for
	// the random inputs of the cases: K = 4096 gives 4e-6.
	TolProduct = Tolerance{2e-5, 1e-5}
	// TolNorm: means, variances and a reciprocal square root over a row.
	TolNorm = Tolerance{1e-5, 2e-5}
	// TolAttention: two products with exponentials between them.
	TolAttention = Tolerance{5e-5, 5e-5}
	// TolField: a chain of products of 64, with an exponential at its end that
	// turns absolute errors into relative ones.
	TolField = Tolerance{2e-5, 5e-5}
	// TolTrig: sine and cosine; WGSL guarantees 2^-11 absolute on [-pi, pi]
	// only, real devices give about 1e-6 after range reduction.
	TolTrig = Tolerance{1e-5, 0}
)

// Stored returns the tolerance for an output stored as d: one more rounding,
// which two close numbers may take in different directions.
func (t Tolerance) Stored(d tensor.DType) Tolerance {
	switch d {
	case tensor.F16:
		t.Rel += 1.0 / (1 << 10)
		t.Abs += 1.0 / (1 << 24) // below its normal numbers
	case tensor.BF16:
		t.Rel += 1.0 / (1 << 7)
	}
	return t
}
