package textencoder

import "strings"

// tokenizer turns a text into token ids, without those around it.
type tokenizer interface {
	encode(text string) []int32
}

// specials are names of tokens that mean themselves wherever a text has them.
type specials map[string]int32

// findSpecials returns the names that the vocabulary has.
func findSpecials(vocab map[string]int32, names ...string) specials {
	s := specials{}
	for _, n := range names {
		if id, ok := vocab[n]; ok {
			s[n] = id
		}
	}
	return s
}

// split encodes a text with special tokens: what is between them goes to
// encode, piece by piece. The leftmost name is taken, of several the longest.
func (s specials) split(text string, encode func(ids []int32, piece string) []int32) []int32 {
	var ids []int32
	start := 0 // of the piece
	for i := 0; i < len(text); {
		name := s.prefixOf(text[i:])
		if name == "" {
			i++
			continue
		}
		piece := text[start:i]
		if name == maskToken { // takes the space before it along
			piece = strings.TrimRight(piece, " \t\r\n")
		}
		if piece != "" {
			ids = encode(ids, piece)
		}
		ids = append(ids, s[name])
		i += len(name)
		start = i
	}
	if start < len(text) {
		ids = encode(ids, text[start:])
	}
	return ids
}

// prefixOf returns the longest name that a text begins with, or "".
func (s specials) prefixOf(text string) string {
	longest := ""
	for n := range s {
		if len(n) > len(longest) && strings.HasPrefix(text, n) {
			longest = n
		}
	}
	return longest
}

const maskToken = "<mask>"
