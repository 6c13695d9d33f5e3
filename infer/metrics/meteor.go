package metrics

import (
	"slices"
	"sync"

	"llana/infer/metrics/porter"
	"llana/infer/metrics/wordnet"
)

// METEOR compares texts as nltk's meteor_score does with its default
// parameters (A. Lavie and A. Agarwal, "METEOR", ACL 2007): alpha 0.9, beta 3,
// gamma 0.5. Its methods may be called from several goroutines at once.
type METEOR struct {
	db       *wordnet.DB
	stems    sync.Map // word -> string
	synonyms sync.Map // stem -> []string
}

// NewMETEOR returns a METEOR that takes its synonyms from db.
func NewMETEOR(db *wordnet.DB) *METEOR { return &METEOR{db: db} }

// Score returns the score, from 0 to 1, of a tokenised answer with one true
// text.
func (m *METEOR) Score(answer, truth []string) float64 {
	matches := m.Align(answer, truth)
	if len(matches) == 0 {
		return 0
	}
	const alpha, gamma = 0.9, 0.5
	n := float64(len(matches))
	precision, recall := n/float64(len(answer)), n/float64(len(truth))
	mean := precision * recall / (alpha*precision + (1-alpha)*recall)
	broken := float64(Chunks(matches)) / n
	return (1 - gamma*(broken*broken*broken)) * mean
}

// Match is a pair of equal words: their indices in the answer and the truth.
type Match struct{ Answer, Truth int }

// Align pairs the words of an answer with those of the truth, each at most
// once, ordered by the answer's words: first equal words (case aside), then
// words of equal stems, then synonyms. As in nltk, the stems, not the words,
// are looked up in WordNet and compared with its words.
func (m *METEOR) Align(answer, truth []string) []Match {
	a, t := newUnmatched(answer), newUnmatched(truth)
	out := matchEqual(nil, a, t)
	a.change(m.stem)
	t.change(m.stem)
	out = matchEqual(out, a, t)
	out = m.matchSynonyms(out, a, t)
	slices.SortFunc(out, func(x, y Match) int { return x.Answer - y.Answer })
	return out
}

// Chunks counts the runs of matches that are neighbours in both texts.
func Chunks(matches []Match) int {
	chunks := 0
	for i, m := range matches {
		if i == 0 || m.Answer != matches[i-1].Answer+1 || m.Truth != matches[i-1].Truth+1 {
			chunks++
		}
	}
	return chunks
}

func (m *METEOR) stem(word string) string {
	if s, ok := m.stems.Load(word); ok {
		return s.(string)
	}
	s := porter.Stem(word)
	m.stems.Store(word, s)
	return s
}

func (m *METEOR) synonymsOf(stem string) []string {
	if s, ok := m.synonyms.Load(stem); ok {
		return s.([]string)
	}
	s := m.db.Synonyms(stem)
	m.synonyms.Store(stem, s)
	return s
}

// unmatched are the words of a text that have no match yet.
type unmatched struct {
	at    []int // index in the text, ascending
	words []string
}

func newUnmatched(text []string) *unmatched {
	u := &unmatched{make([]int, len(text)), make([]string, len(text))}
	for i, w := range text {
		u.at[i], u.words[i] = i, lower(w)
	}
	return u
}

func (u *unmatched) change(f func(string) string) {
	for i, w := range u.words {
		u.words[i] = f(w)
	}
}

// remove drops the words of the given places.
func (u *unmatched) remove(gone []bool) {
	n := 0
	for i, g := range gone {
		if !g {
			u.at[n], u.words[n] = u.at[i], u.words[i]
			n++
		}
	}
	u.at, u.words = u.at[:n], u.words[:n]
}

// lastPlaces finds the last place of each word that is still free.
type lastPlaces struct {
	last   map[string]int
	before []int // the place of the same word before, or -1
}

func placesOf(words []string) *lastPlaces {
	p := &lastPlaces{make(map[string]int, len(words)), make([]int, len(words))}
	for i, w := range words {
		p.before[i] = p.of(w)
		p.last[w] = i
	}
	return p
}

// of returns the last free place of a word, or -1.
func (p *lastPlaces) of(word string) int {
	if i, ok := p.last[word]; ok {
		return i
	}
	return -1
}

func (p *lastPlaces) take(word string) { p.last[word] = p.before[p.last[word]] }

// matchEqual pairs equal words. Both texts are gone through from their ends.
func matchEqual(out []Match, a, t *unmatched) []Match {
	return match(out, a, t, func(p *lastPlaces, word string) string { return word })
}

// matchSynonyms pairs a word of the answer with the last word of the truth that
// is itself or one of its synonyms.
func (m *METEOR) matchSynonyms(out []Match, a, t *unmatched) []Match {
	return match(out, a, t, func(p *lastPlaces, word string) string {
		best, found := p.of(word), word
		for _, s := range m.synonymsOf(word) {
			if i := p.of(s); i > best {
				best, found = i, s
			}
		}
		return found
	})
}

// match pairs each word of the answer, last first, with the last free place of
// the word of the truth that choose names.
func match(out []Match, a, t *unmatched, choose func(p *lastPlaces, word string) string) []Match {
	if len(a.words) == 0 || len(t.words) == 0 {
		return out
	}
	p := placesOf(t.words)
	goneA, goneT := make([]bool, len(a.words)), make([]bool, len(t.words))
	for i := len(a.words) - 1; i >= 0; i-- {
		w := choose(p, a.words[i])
		if j := p.of(w); j >= 0 {
			p.take(w)
			goneA[i], goneT[j] = true, true
			out = append(out, Match{a.at[i], t.at[j]})
		}
	}
	a.remove(goneA)
	t.remove(goneT)
	return out
}
