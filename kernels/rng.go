package kernels

// Hash is the counter-based generator behind dropout and sampling: 32 random
// bits for a seed and a counter, the same on every device and in any order
// (the output permutation of PCG-RXS-M-XS, O'Neill 2014, applied twice). The
// function hash2 in a shader must equal it.
func Hash(seed, counter uint32) uint32 { return pcg(counter + pcg(seed)) }

func pcg(x uint32) uint32 {
	s := x*747796405 + 2891336453
	w := ((s >> ((s >> 28) + 4)) ^ s) * 277803737
	return (w >> 22) ^ w
}
