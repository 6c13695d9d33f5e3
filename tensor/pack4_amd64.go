//go:build amd64 && !purego

package tensor

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

func (s *q4search) try(c *q4candidate, inv *[lanes]float32) {
	if hasAVX2 {
		tryAVX2(s, c, inv)
		return
	}
	s.tryPortable(c, inv)
}

// tryAVX2 is tryPortable.
//
//go:noescape
func tryAVX2(s *q4search, c *q4candidate, inv *[lanes]float32)
