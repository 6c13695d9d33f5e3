package cpu

import "unsafe"

// isa is an instruction set that code here is written for.
type isa uint8

const (
	portable isa = iota
	neon         // of every arm64 processor
	avx2         // with FMA; processors with both convert float16 too
	avx512       // F, BW, DQ, VL
)

func (l isa) String() string {
	return [...]string{"portable Go", "NEON", "AVX2", "AVX-512"}[l]
}

// levels are the instruction sets of this processor, the best one last.
var levels = detect()

// level is the instruction set in use: with any but portable there is vector
// code. Tests lower it.
var level = levels[len(levels)-1]

// floatsAt sees n floats at p.
func floatsAt(p *float32, n int) []float32 { return unsafe.Slice(p, n) }
