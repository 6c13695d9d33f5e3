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
	s := newScratch()
	defer s.release()
	a, t := newUnmatched(answer), newUnmatched(truth)
	out := s.match(nil, a, t, nil)
	a.change(m.stem)
	t.change(m.stem)
	out = s.match(out, a, t, nil)
	out = s.match(out, a, t, m.synonymsOf)
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

// match pairs each word of the answer, last first, with the last word of the
// truth that is equal to it, or to one of its synonyms if there are any, and
// takes both out of what is left.
func (s *scratch) match(out []Match, a, t *unmatched, synonyms func(word string) []string) []Match {
	if len(a.words) == 0 || len(t.words) == 0 {
		return out
	}
	b := &s.buffers
	b[0], b[1] = s.ids(b[0][:0], a.words), s.ids(b[1][:0], t.words)
	// The last place, counted from 1, that is free for each number, and for
	// each place the one of the same number before it.
	last := s.zeros()
	b[2] = resize(b[2], len(t.words)+1)
	before := b[2]
	for i, id := range b[1] {
		before[i+1], last[id] = last[id], int32(i+1)
	}
	goneA, goneT := make([]bool, len(a.words)), make([]bool, len(t.words))
	for i := len(a.words) - 1; i >= 0; i-- {
		id := b[0][i]
		if synonyms != nil {
			for _, w := range synonyms(a.words[i]) {
				if other, ok := s.words[w]; ok && last[other] > last[id] {
					id = other
				}
			}
		}
		if j := last[id]; j > 0 {
			last[id] = before[j]
			goneA[i], goneT[j-1] = true, true
			out = append(out, Match{a.at[i], t.at[j-1]})
		}
	}
	a.remove(goneA)
	t.remove(goneT)
	return out
}
