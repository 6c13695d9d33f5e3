package metrics

import "strings"

// ROUGE returns the F values, from 0 to 1, of ROUGE-1, ROUGE-2 and the
// summary-level ROUGE-L of an answer, as version 1.0.1 of the Python package
// rouge computes them with its default of sets: a sentence ends at each period,
// words are case-sensitive, and an n-gram counts once however often it occurs
// (C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004,
// counts occurrences). A text without any sentence, on which the package fails,
// has 0.
func ROUGE(answer, truth string) (one, two, l float64) {
	s := newScratch()
	defer s.release()
	b := &s.buffers
	var a, t [][]int32
	b[0], a = s.sentences(b[0][:0], answer)
	b[1], t = s.sentences(b[1][:0], truth)
	if len(a) == 0 || len(t) == 0 {
		return 0, 0, 0
	}
	na, nt, both := s.common(b[0], b[1])
	one = fValue(both, na, nt)
	l = fValue(s.unionLCS(t, a), na, nt)
	b[2], b[3] = append(b[2][:0], b[0]...), append(b[3][:0], b[1]...)
	na, nt, both = s.common(s.extend(b[2], b[0], 2), s.extend(b[3], b[1], 2))
	return one, fValue(both, na, nt), l
}

// sentences splits a text at periods and appends the numbers of its words to
// words, of which each sentence is a part. An empty piece is dropped, but one
// of white space alone becomes a sentence of one empty word.
func (s *scratch) sentences(words []int32, text string) (all []int32, sentences [][]int32) {
	var ends []int
	for piece := range strings.SplitSeq(text, ".") {
		if piece == "" {
			continue
		}
		w := Words(piece)
		if len(w) == 0 {
			w = []string{""}
		}
		words = s.ids(words, w)
		ends = append(ends, len(words))
	}
	start := 0
	for _, end := range ends {
		sentences = append(sentences, words[start:end])
		start = end
	}
	return words, sentences
}

// common returns the sizes of two texts' sets of n-grams and of what they
// share.
func (s *scratch) common(a, t []int32) (na, nt, both int) {
	seen := s.zeros() // bit 0: in a, bit 1: in t
	for _, id := range a {
		if seen[id]&1 == 0 {
			seen[id] |= 1
			na++
		}
	}
	for _, id := range t {
		if seen[id]&2 == 0 {
			if seen[id] == 1 {
				both++
			}
			seen[id] |= 2
			nt++
		}
	}
	return na, nt, both
}

// fValue is the harmonic mean of both/answer and both/truth; the package keeps
// its divisor from 0 by adding 1e-8.
func fValue(both, answer, truth int) float64 {
	if answer == 0 || truth == 0 {
		return 0
	}
	p, r := float64(both)/float64(answer), float64(both)/float64(truth)
	return 2 * (p * r / (p + r + 1e-8))
}

// unionLCS counts the distinct words in the longest common subsequences of
// every true sentence with every sentence of the answer.
func (s *scratch) unionLCS(truth, answer [][]int32) int {
	in := s.zeros()
	n := 0
	for _, x := range truth {
		for _, y := range answer {
			for _, w := range s.lcs.common(x, y) {
				if in[w] == 0 {
					in[w] = 1
					n++
				}
			}
		}
	}
	return n
}

// lcsTable finds longest common subsequences. It keeps one bit of each cell of
// the usual table: where the way back goes from a cell whose words differ.
type lcsTable struct {
	up     []uint64
	length [2][]int32
	out    []int32
}

// common returns the words of a longest common subsequence of x and y, last
// word first. Of several it takes the one on the package's way back: from the
// ends, up in x only if that is longer than going back in y.
func (t *lcsTable) common(x, y []int32) []int32 {
	stride := (len(y) + 63) / 64
	t.up = resize(t.up, len(x)*stride)
	above, row := resize(t.length[0], len(y)+1), resize(t.length[1], len(y)+1)
	for i, w := range x {
		bits := t.up[i*stride:]
		for j, other := range y {
			switch {
			case w == other:
				row[j+1] = above[j] + 1
			case above[j+1] > row[j]:
				row[j+1] = above[j+1]
				bits[j/64] |= 1 << (j % 64)
			default:
				row[j+1] = row[j]
			}
		}
		above, row = row, above
	}
	t.length[0], t.length[1] = above, row
	t.out = t.out[:0]
	for i, j := len(x)-1, len(y)-1; i >= 0 && j >= 0; {
		switch {
		case x[i] == y[j]:
			t.out = append(t.out, x[i])
			i, j = i-1, j-1
		case t.up[i*stride+j/64]>>(j%64)&1 != 0:
			i--
		default:
			j--
		}
	}
	return t.out
}
