//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

func detect() []isa {
	x := cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return []isa{portable}
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return []isa{portable, avx2}
	}
	return []isa{portable, avx2, avx512}
}

//go:noescape
func tile12x32(t *tile)

//go:noescape
func tile6x16(t *tile)

// tileKernel returns the micro-kernel to use.
func tileKernel() kernel {
	switch level {
	case avx512:
		return kernel{mr: 12, nr: 32, edge: true, run: tile12x32}
	case avx2:
		return kernel{mr: 6, nr: 16, run: tile6x16}
	}
	return portableTile
}

// pause tells the processor that a thread is waiting: about half a
// microsecond.
//
//go:noescape
func pause()
