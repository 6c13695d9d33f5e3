package metrics

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The reference treats texts as Python does. Where Python and Go differ, this
// file follows Python.

// isSpace is str.isspace for one character. Go's unicode.IsSpace lacks the
// separators 0x1c to 0x1f.
func isSpace(r rune) bool {
	if r > ' ' && r < 0x80 {
		return false // most characters
	}
	return r == ' ' || r >= '\t' && r <= '\r' || r >= 0x1c && r <= 0x1f || r >= 0x80 && unicode.IsSpace(r)
}

// Words is str.split(): the runs of characters between white space.
func Words(s string) []string {
	words := make([]string, 0, len(s)/4+1)
	start := 0 // of a word, or behind the last white space
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if isSpace(r) {
			if i > start {
				words = append(words, s[start:i])
			}
			start = i + n
		}
		i += n
	}
	if start < len(s) {
		words = append(words, s[start:])
	}
	return words
}

// Cut returns the first n code points of s.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// lower is str.lower(). Go's strings.ToLower maps one character to one, and
// knows no final sigma.
func lower(s string) string {
	if !strings.Contains(s, "Σ") && !strings.Contains(s, "İ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && finalSigma(s[:i], s[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma reports whether a capital sigma between two texts ends a word: a
// letter with case comes before it and none after it, characters without
// influence on case left aside (Unicode, table 3-17).
func finalSigma(before, after string) bool {
	for before != "" {
		r, n := utf8.DecodeLastRuneInString(before)
		if before = before[:len(before)-n]; !caseIgnorable(r) {
			if !cased(r) {
				return false
			}
			for _, r := range after {
				if !caseIgnorable(r) {
					return !cased(r)
				}
			}
			return true
		}
	}
	return false
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is Unicode's property Case_Ignorable. Its punctuation is that
// of the word breaks MidLetter, MidNumLet and Single_Quote.
func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055f\u05f4‘’․‧︓﹒﹕＇．：", r)
}
