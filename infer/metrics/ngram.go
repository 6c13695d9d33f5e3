package metrics

// vocabulary numbers the words of a pair of texts.
type vocabulary map[string]int32

func (v vocabulary) ids(words []string) []int32 {
	out := make([]int32, len(words))
	for i, w := range words {
		id, ok := v[w]
		if !ok {
			id = int32(len(v))
			v[w] = id
		}
		out[i] = id
	}
	return out
}

// pairs numbers pairs of numbers: an n-gram is the (n-1)-gram at the same
// place and the word behind it.
type pairs map[uint64]int32

// extend turns the (n-1)-grams that begin at each word into n-grams. The
// result is empty for a text of fewer words.
func (p pairs) extend(grams, words []int32, n int) []int32 {
	out := grams[:max(0, len(words)-n+1)]
	for i := range out {
		key := uint64(grams[i])<<32 | uint64(words[i+n-1])
		id, ok := p[key]
		if !ok {
			id = int32(len(p))
			p[key] = id
		}
		out[i] = id
	}
	return out
}
