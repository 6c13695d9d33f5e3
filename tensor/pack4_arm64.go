//go:build arm64 && !purego

package tensor

// try is tryPortable.
func (s *q4search) try(c *q4candidate, inv *[lanes]float32) { tryNEON(s, c, inv) }

//go:noescape
func tryNEON(s *q4search, c *q4candidate, inv *[lanes]float32)
