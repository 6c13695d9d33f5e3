package textencoder

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gpt2Words yields the pieces of a text that byte-level BPE encodes one by
// one. They are the matches of GPT-2's pattern (Radford et al., 2019)
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// which Go's regexp, without lookahead, cannot have. Together they are the
// text.
func gpt2Words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			n := gpt2Word(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// classes of characters in the pattern.
const (
	space = iota
	letter
	number
	other
)

func classOf(r rune) int {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// gpt2Word returns how many bytes of a text, which is not empty, match first.
func gpt2Word(text string) int {
	for _, c := range []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, c) {
			return len(c)
		}
	}
	if text[0] == ' ' && len(text) > 1 {
		if r, _ := utf8.DecodeRuneInString(text[1:]); classOf(r) != space {
			return 1 + run(text[1:], classOf(r))
		}
	}
	r, _ := utf8.DecodeRuneInString(text)
	c := classOf(r)
	n := run(text, c)
	if c == space && n < len(text) {
		// \s+(?!\S) gives the last space back to the word that follows, but
		// not the only one.
		if _, last := utf8.DecodeLastRuneInString(text[:n]); last < n {
			n -= last
		}
	}
	return n
}

// run returns how many bytes of characters of a class a text begins with.
func run(text string, class int) int {
	for i, r := range text {
		if classOf(r) != class {
			return i
		}
	}
	return len(text)
}
