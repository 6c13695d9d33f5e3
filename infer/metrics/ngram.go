package metrics

import "sync"

// scratch numbers the words and n-grams of a pair of texts. It is used again
// for the next pair: making the maps anew would take most of the time.
type scratch struct {
	words   map[string]int32
	pairs   map[uint64]int32
	marks   []int32
	buffers [4][]int32
	lcs     lcsTable
}

var scratches = sync.Pool{New: func() any {
	return &scratch{words: map[string]int32{}, pairs: map[uint64]int32{}}
}}

// newScratch returns an empty scratch; give it back with release.
func newScratch() *scratch {
	s := scratches.Get().(*scratch)
	clear(s.words)
	clear(s.pairs)
	return s
}

func (s *scratch) release() { scratches.Put(s) }

// ids appends the numbers of words to out.
func (s *scratch) ids(out []int32, words []string) []int32 {
	for _, w := range words {
		id, ok := s.words[w]
		if !ok {
			id = int32(len(s.words))
			s.words[w] = id
		}
		out = append(out, id)
	}
	return out
}

// extend turns, in place, the (n-1)-grams that begin at each word into n-grams:
// a number for each pair of an (n-1)-gram and the word behind it. Once pairs
// have numbers, new words must not get any: words and n-grams of all n are
// numbered in one series. The result is empty for a text of fewer words.
func (s *scratch) extend(grams, words []int32, n int) []int32 {
	out := grams[:max(0, len(words)-n+1)]
	for i := range out {
		key := uint64(grams[i])<<32 | uint64(words[i+n-1])
		id, ok := s.pairs[key]
		if !ok {
			id = int32(len(s.words) + len(s.pairs))
			s.pairs[key] = id
		}
		out[i] = id
	}
	return out
}

// zeros returns a mark for each number given out so far, all 0.
func (s *scratch) zeros() []int32 {
	s.marks = resize(s.marks, len(s.words)+len(s.pairs))
	return s.marks
}

// resize returns a slice of n zeros, in s if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	s = s[:n]
	clear(s)
	return s
}
