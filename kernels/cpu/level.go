package cpu

import "unsafe"

// isa is an instruction set that code here is written for.
type isa uint8

const (
	portable isa = iota
	avx2         // with FMA; processors with both convert float16 too
	avx512       // F, BW, DQ, VL
)

func (l isa) String() string {
	return [...]string{"portable Go", "AVX2", "AVX-512"}[l]
}

// level is the best instruction set of this processor. Tests lower it.
var level = detect()

// floatsAt sees n floats at p.
func floatsAt(p *float32, n int) []float32 { return unsafe.Slice(p, n) }
