// Package porter stems English words with Porter's algorithm as nltk extends
// it by default: M. F. Porter, "An algorithm for suffix stripping", Program 14
// (1980), with the additions of nltk.stem.porter's mode NLTK_EXTENSIONS.
package porter

import "slices"

// irregular are the words that no rule applies to.
var irregular = map[string]string{
	"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
	"innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing",
	"cannings": "canning", "canning": "canning", "howe": "howe",
	"proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}

// Stem returns the stem of a word, which must be in lower case. Lengths are
// counted in code points; what is not a letter counts as a consonant.
func Stem(word string) string {
	if s, ok := irregular[word]; ok {
		return s
	}
	var buf [48]rune
	w := buf[:0]
	for _, r := range word {
		w = append(w, r)
	}
	if len(w) <= 2 {
		return word
	}
	w = step1a(w)
	w = step1b(w)
	if has(w, "y") && len(w) > 2 && consonant(w, len(w)-2) { // step 1c
		w = replace(w, 1, "i")
	}
	w = step2(w)
	w = apply(w, step3)
	w = apply(w, step4)
	return string(step5(w))
}

// consonant reports whether w[i] is one: not a, e, i, o, u, and not a y behind
// a consonant.
func consonant(w []rune, i int) bool {
	y := 0 // of the run that ends at i
	for ; i >= 0 && w[i] == 'y'; i-- {
		y++
	}
	first := i < 0 || vowel(w[i]) // a y here would be a consonant
	if y == 0 {
		return !first
	}
	return first == (y%2 == 1)
}

func vowel(r rune) bool { return r == 'a' || r == 'e' || r == 'i' || r == 'o' || r == 'u' }

// measure counts how often a run of vowels is followed by a run of consonants.
func measure(w []rune) int {
	m, wasVowel, wasConsonant := 0, false, false
	for _, r := range w {
		c := !vowel(r) && (r != 'y' || !wasConsonant)
		if c && wasVowel {
			m++
		}
		wasVowel, wasConsonant = !c, c
	}
	return m
}

func hasVowel(w []rune) bool {
	for i := range w {
		if !consonant(w, i) {
			return true
		}
	}
	return false
}

func doubleConsonant(w []rune) bool {
	n := len(w)
	return n >= 2 && w[n-1] == w[n-2] && consonant(w, n-1)
}

// shortEnd is the paper's *o, consonant, vowel and a consonant other than w, x
// and y; nltk adds the words of one vowel and one consonant.
func shortEnd(w []rune) bool {
	n := len(w)
	if n == 2 {
		return !consonant(w, 0) && consonant(w, 1)
	}
	return n > 2 && consonant(w, n-3) && !consonant(w, n-2) && consonant(w, n-1) &&
		w[n-1] != 'w' && w[n-1] != 'x' && w[n-1] != 'y'
}

func has(w []rune, suffix string) bool {
	n := len(w) - len(suffix)
	if n < 0 {
		return false
	}
	for i := range len(suffix) {
		if w[n+i] != rune(suffix[i]) {
			return false
		}
	}
	return true
}

// replace takes the last n letters off and adds a suffix.
func replace(w []rune, n int, suffix string) []rune {
	return append(w[:len(w)-n], []rune(suffix)...)
}

// rule replaces a suffix if the condition holds for the stem before it.
type rule struct {
	suffix, by string
	holds      func(stem []rune) bool // nil: always
}

// apply applies the first rule whose suffix the word has. If its condition
// fails, no other rule is tried.
func apply(w []rune, rules []rule) []rune {
	for _, r := range rules {
		if has(w, r.suffix) {
			if stem := w[:len(w)-len(r.suffix)]; r.holds == nil || r.holds(stem) {
				return replace(w, len(r.suffix), r.by)
			}
			return w
		}
	}
	return w
}

func step1a(w []rune) []rune {
	if len(w) == 4 && has(w, "ies") {
		return w[:3] // dies, die
	}
	return apply(w, []rule{{"sses", "ss", nil}, {"ies", "i", nil}, {"ss", "ss", nil}, {"s", "", nil}})
}

func step1b(w []rune) []rune {
	n := len(w)
	switch {
	case has(w, "ied"):
		if n == 4 {
			return w[:3]
		}
		return w[:n-2]
	case has(w, "eed"):
		if positive(w[:n-3]) {
			return w[:n-1]
		}
		return w
	case has(w, "ed") && hasVowel(w[:n-2]):
		return restore(w[:n-2])
	case has(w, "ing") && hasVowel(w[:n-3]):
		return restore(w[:n-3])
	}
	return w
}

// restore repairs the end of a stem that has lost "ed" or "ing".
func restore(w []rune) []rune {
	last := w[len(w)-1]
	switch {
	case has(w, "at"), has(w, "bl"), has(w, "iz"):
		return append(w, 'e')
	case doubleConsonant(w):
		if last != 'l' && last != 's' && last != 'z' {
			return w[:len(w)-1]
		}
		return w
	case has(w, "*d"):
		// nltk takes its sign for a double consonant for letters as well.
		return append(w[:len(w)-2], 'd')
	case measure(w) == 1 && shortEnd(w):
		return append(w, 'e')
	}
	return w
}

func positive(stem []rune) bool { return measure(stem) > 0 }

func long(stem []rune) bool { return measure(stem) > 1 }

func step2(w []rune) []rune {
	for has(w, "alli") && positive(w[:len(w)-4]) {
		w = w[:len(w)-2]
	}
	return apply(w, step2Rules)
}

var step2Rules = []rule{
	{"ational", "ate", positive}, {"tional", "tion", positive}, {"enci", "ence", positive}, {"anci", "ance", positive},
	{"izer", "ize", positive}, {"bli", "ble", positive}, {"alli", "al", positive}, {"entli", "ent", positive},
	{"eli", "e", positive}, {"ousli", "ous", positive}, {"ization", "ize", positive}, {"ation", "ate", positive},
	{"ator", "ate", positive}, {"alism", "al", positive}, {"iveness", "ive", positive}, {"fulness", "ful", positive},
	{"ousness", "ous", positive}, {"aliti", "al", positive}, {"iviti", "ive", positive}, {"biliti", "ble", positive},
	{"fulli", "ful", positive},
	// The l belongs to the stem that is measured, so that "geologi" has one.
	{"logi", "log", func(stem []rune) bool { return positive(append(slices.Clone(stem), 'l')) }},
}

var step3 = []rule{
	{"icate", "ic", positive}, {"ative", "", positive}, {"alize", "al", positive}, {"iciti", "ic", positive},
	{"ical", "ic", positive}, {"ful", "", positive}, {"ness", "", positive},
}

var step4 = []rule{
	{"al", "", long}, {"ance", "", long}, {"ence", "", long}, {"er", "", long}, {"ic", "", long}, {"able", "", long},
	{"ible", "", long}, {"ant", "", long}, {"ement", "", long}, {"ment", "", long}, {"ent", "", long},
	{"ion", "", func(stem []rune) bool {
		return long(stem) && (stem[len(stem)-1] == 's' || stem[len(stem)-1] == 't')
	}},
	{"ou", "", long}, {"ism", "", long}, {"ate", "", long}, {"iti", "", long}, {"ous", "", long}, {"ive", "", long},
	{"ize", "", long},
}

func step5(w []rune) []rune {
	if n := len(w) - 1; has(w, "e") {
		if m := measure(w[:n]); m > 1 || m == 1 && !shortEnd(w[:n]) {
			w = w[:n]
		}
	}
	if n := len(w) - 1; has(w, "ll") && long(w[:n]) {
		w = w[:n]
	}
	return w
}
