//go:build !(amd64 || arm64) || purego

package tensor

func (s *q4search) try(c *q4candidate, inv *[lanes]float32) { s.tryPortable(c, inv) }
