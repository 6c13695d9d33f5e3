//go:build (amd64 || arm64) && !purego

package cpu

// Vector functions in assembly, of AVX2 or of NEON: n elements of each operand,
// any number unless the function says otherwise. They compute an element with
// the same instructions whatever its place.

//go:noescape
func addVector(dst, a, b *float32, n int)

//go:noescape
func subVector(dst, a, b *float32, n int)

//go:noescape
func mulVector(dst, a, b *float32, n int)

//go:noescape
func divVector(dst, a, b *float32, n int)

//go:noescape
func mulAddVector(dst, a, b, c *float32, n int)

//go:noescape
func subScaleVector(dst, a *float32, n int, t, s float32)

//go:noescape
func axpyVector(dst, a, b *float32, n int, s float32)

//go:noescape
func axpy4Vector(dst, a *float32, stride, n int, s *[4]float32)

//go:noescape
func expVector(dst, a *float32, n int, t, s float32)

//go:noescape
func sigmoidVector(dst, a *float32, n int)

//go:noescape
func siluVector(dst, a *float32, n int)

//go:noescape
func reluVector(dst, a *float32, n int)

//go:noescape
func geluVector(dst, a *float32, n int)

//go:noescape
func reluBackVector(dst, a, b *float32, n int)

//go:noescape
func geluBackVector(dst, a, b *float32, n int)

//go:noescape
func siluBackVector(dst, a, b *float32, n int)

//go:noescape
func sigmoidBackVector(dst, a, b *float32, n int)

//go:noescape
func truncExpBackVector(dst, a, b *float32, n int)

//go:noescape
func swigluVector(dst, a, b *float32, n int)

//go:noescape
func swigluBackVector(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func sumVector(a *float32, n int) float32

//go:noescape
func dotVector(a, b *float32, n int) float32

//go:noescape
func deviationVector(a *float32, n int, t float32) float32

//go:noescape
func adamWVector(p, m, v, grad *float32, n int, k *adamWConsts)

//go:noescape
func encodeVector(dst, u *float32, n, octaves int, scale *float32)

//go:noescape
func dot4Vector(x, w *float32, stride, n int, out *float32)

//go:noescape
func dropoutVector(dst, a *float32, n int, seed, counter, below uint32, factor float32)

//go:noescape
func maxRowVector(best *float32, at *int32, row *float32, n int, k int32)

//go:noescape
func transposeVector(dst *float32, ds int, a *float32, as, blocks int)

// copyStripsVector is packStrips for lines that lie side by side, in whole
// strips as wide as a side of a micro-kernel's tile.
//
//go:noescape
func copyStripsVector(dst, src *float32, next, width, strips, k int)
