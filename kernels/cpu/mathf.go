package cpu

import "math"

// Functions of one float32, with the formulas of the vector code.

// expf is exp(x) to 1e-7: 2^n times the polynomial of Cephes' expf.
func expf(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 89:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	}
	n := float32(math.RoundToEven(float64(x * math.Log2E)))
	r := x - n*0.693359375
	r -= n * -2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	y := p*(r*r) + r + 1
	half := int32(n) >> 1
	return y * power2(half) * power2(int32(n)-half)
}

// power2 returns 2^n for -127 < n < 128.
func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// erff is erf(x) to 4 ULP: Eigen's quotient of polynomials.
func erff(x float32) float32 {
	if x >= 4 {
		return 1
	}
	if x <= -4 {
		return -1
	}
	z := x * x
	p := float32(-2.72614225801306e-10)
	p = p*z + 2.77068142495902e-08
	p = p*z + -2.10102402082508e-06
	p = p*z + -5.69250639462346e-05
	p = p*z + -7.34990630326855e-04
	p = p*z + -2.95459980854025e-03
	p = p*z + -1.60960333262415e-02
	q := float32(-1.45660718464996e-05)
	q = q*z + -2.13374055278905e-04
	q = q*z + -1.68282697438203e-03
	q = q*z + -7.37332916720468e-03
	q = q*z + -1.42647390514189e-02
	return x * p / q
}

// cdff and pdff are the distribution and the density of N(0, 1).
func cdff(x float32) float32 { return 0.5 * (1 + erff(x*(1/math.Sqrt2))) }
func pdff(x float32) float32 {
	return expf(x*x*-0.5) * float32(1/(math.Sqrt2*math.SqrtPi))
}

// siluGradf is the derivative of x sigmoid(x).
func siluGradf(x float32) float32 {
	s := 1 / (1 + expf(-x))
	return s * (1 + x*(1-s))
}

// stepf is 1 for x > 0, else 0.
func stepf(x float32) float32 {
	if x > 0 {
		return 1
	}
	return 0
}

// tanhf is tanh(x): a polynomial (Cephes' tanhf) near 0, where the form with
// exponentials cancels.
func tanhf(x float32) float32 {
	if x > -0.625 && x < 0.625 {
		z := x * x
		p := float32(-5.70498872745e-3)
		p = p*z + 2.06390887954e-2
		p = p*z - 5.37397155531e-2
		p = p*z + 1.33314422036e-1
		p = p*z - 3.33332819422e-1
		return x + x*z*p
	}
	return 1 - 2/(expf(2*x)+1)
}

// sinCosPi returns sin(pi x) and cos(pi x): x is reduced, exactly, to its
// distance t <= 1/4 from a multiple of 1/2, then Taylor series to 1e-8.
func sinCosPi(x float32) (sin, cos float32) {
	x -= 2 * float32(math.RoundToEven(float64(x*0.5)))
	q := float32(math.RoundToEven(float64(2 * x)))
	t := x - 0.5*q
	z := t * t
	s := t * (math.Pi + z*(-5.16771278+z*(2.55016404+z*(-0.599264529+z*0.0821458866))))
	c := 1 + z*(-4.93480220+z*(4.05871213+z*(-1.33526277+z*(0.235330630+z*-0.0258068913))))
	switch int(q) & 3 {
	case 1:
		s, c = c, -s
	case 2:
		s, c = -s, -c
	case 3:
		s, c = -c, s
	}
	return s, c
}

// log1pf is log(1 + e) for 0 <= e <= 1, to 1e-7: 2 artanh(e / (2 + e)).
func log1pf(e float32) float32 {
	z := e / (2 + e)
	w := z * z
	return 2 * z * (1 + w*(1./3+w*(1./5+w*(1./7+w*(1./9+w*(1./11+w*(1./13)))))))
}
