//go:build arm64 && !purego

package cpu

func detect() []isa { return []isa{portable, neon} }

//go:noescape
func tile12x8(t *tile)

func tileKernel() kernel {
	if level == neon {
		return kernel{mr: 12, nr: 8, strips: true, run: tile12x8}
	}
	return portableTile
}
