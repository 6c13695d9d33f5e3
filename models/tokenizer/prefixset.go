package tokenizer

import "slices"

// prefixSet finds the longest of its strings that a text starts with.
type prefixSet struct {
	ids map[string]int
	// lengths of the strings that start with a given byte, longest first: one
	// look at the table rules out nearly every position of a text.
	lengths [256][]int
}

// add adds a non-empty string with its id.
func (s *prefixSet) add(text string, id int) {
	if text == "" {
		return
	}
	if s.ids == nil {
		s.ids = map[string]int{}
	}
	s.ids[text] = id
	lengths := &s.lengths[text[0]]
	at, found := slices.BinarySearchFunc(*lengths, len(text), func(have, want int) int { return want - have })
	if !found {
		*lengths = slices.Insert(*lengths, at, len(text))
	}
}

// longest returns the id and the length of the longest string that text
// starts with; the length is 0 if there is none.
func (s *prefixSet) longest(text string) (id, length int) {
	if text == "" {
		return 0, 0
	}
	for _, n := range s.lengths[text[0]] {
		if n > len(text) {
			continue
		}
		if id, ok := s.ids[text[:n]]; ok {
			return id, n
		}
	}
	return 0, 0
}
