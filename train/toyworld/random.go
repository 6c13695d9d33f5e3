package toyworld

import "math/rand/v2"

// Streams of random numbers. Every scene has one of each, so that a change of
// the texts does not change the scenes.
const (
	streamScene = iota + 1
	streamText
	streamWords
)

// random draws numbers. The methods of rand.Rand may change what they make of
// a source from one Go release to the next; these do not.
type random struct{ src *rand.PCG }

// newRandom returns a generator that the arguments alone decide.
func newRandom(seed uint64, keys ...uint64) *random {
	h := mix(seed)
	for _, k := range keys {
		h = mix(h ^ mix(k))
	}
	return &random{rand.NewPCG(h, mix(h))}
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// float returns a number in [0, 1) with 53 random bits.
func (r *random) float() float64 { return float64(r.src.Uint64()>>11) / (1 << 53) }

// uniform returns a number in [lo, hi).
func (r *random) uniform(lo, hi float64) float64 { return lo + (hi-lo)*r.float() }

// intN returns an integer in [0, n).
func (r *random) intN(n int) int { return int(r.float() * float64(n)) }

// chance is true with probability p.
func (r *random) chance(p float64) bool { return r.float() < p }

// perm returns a random order of 0 to n-1.
func (r *random) perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := r.intN(i + 1)
		p[i], p[j] = p[j], i
	}
	return p
}

// pick returns one of the choices.
func pick[T any](r *random, choices []T) T { return choices[r.intN(len(choices))] }
