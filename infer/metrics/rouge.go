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
	v := vocabulary{}
	a, t := sentences(v, answer), sentences(v, truth)
	if len(a) == 0 || len(t) == 0 {
		return 0, 0, 0
	}
	aw, tw := join(a), join(t)
	na, nt, both := commonOf(aw, tw)
	one = fValue(both, na, nt)
	l = fValue(unionLCS(t, a, len(v)), na, nt)
	p := make(pairs, len(aw)+len(tw))
	na, nt, both = commonOf(p.extend(append([]int32(nil), aw...), aw, 2), p.extend(append([]int32(nil), tw...), tw, 2))
	return one, fValue(both, na, nt), l
}

// sentences splits a text at periods. An empty piece is dropped, but one of
// white space alone becomes a sentence of one empty word.
func sentences(v vocabulary, text string) [][]int32 {
	var out [][]int32
	for piece := range strings.SplitSeq(text, ".") {
		if piece == "" {
			continue
		}
		words := Words(piece)
		if len(words) == 0 {
			words = []string{""}
		}
		out = append(out, v.ids(words))
	}
	return out
}

func join(sentences [][]int32) []int32 {
	var words []int32
	for _, s := range sentences {
		words = append(words, s...)
	}
	return words
}

// commonOf returns the sizes of two texts' sets of n-grams and of what they
// share.
func commonOf(a, t []int32) (na, nt, both int) {
	seen := make([]uint8, len(a)+len(t)) // bit 0: in a, bit 1: in t
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
// every true sentence with every sentence of the answer. Word ids are below
// words.
func unionLCS(truth, answer [][]int32, words int) int {
	in := make([]bool, words)
	n := 0
	var t lcsTable
	for _, x := range truth {
		for _, y := range answer {
			for _, w := range t.common(x, y) {
				if !in[w] {
					in[w] = true
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

// resize returns a slice of n zeros, in s if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
