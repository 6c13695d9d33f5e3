package metrics

import "math"

// bleuWeights are the reference's; those of BLEU-3 sum to 0.99.
var bleuWeights = [4][4]float64{{1}, {0.5, 0.5}, {0.33, 0.33, 0.33}, {0.25, 0.25, 0.25, 0.25}}

// BLEU returns BLEU-1 to BLEU-4, from 0 to 1, of a tokenised answer with one
// true text: nltk's sentence_bleu with smoothing method 1 (Chen and Cherry,
// "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU",
// WMT 2014). Without a common word all are 0.
func BLEU(answer, truth []string) [4]float64 {
	matches, grams := clippedMatches(answer, truth)
	if matches[0] == 0 {
		return [4]float64{}
	}
	var logs [4]float64
	for n := range logs {
		hits := float64(matches[n])
		if hits == 0 {
			hits = 0.1
		}
		logs[n] = math.Log(hits / float64(max(1, grams[n])))
	}
	penalty := 1.0
	if len(answer) <= len(truth) {
		penalty = math.Exp(1 - float64(len(truth))/float64(len(answer)))
	}
	var out [4]float64
	for k, weights := range bleuWeights {
		sum := 0.0
		for n, w := range weights {
			sum += w * logs[n]
		}
		out[k] = penalty * math.Exp(sum)
	}
	return out
}

// clippedMatches counts, for n from 1 to 4, the n-grams of an answer and those
// of them that the truth has, each at most as often as the truth has it.
func clippedMatches(answer, truth []string) (matches, grams [4]int) {
	s := newScratch()
	defer s.release()
	b := &s.buffers
	b[0], b[1] = s.ids(b[0][:0], answer), s.ids(b[1][:0], truth)
	b[2], b[3] = append(b[2][:0], b[0]...), append(b[3][:0], b[1]...)
	a, t := b[2], b[3]
	for n := range 4 {
		if n > 0 {
			a, t = s.extend(a, b[0], n+1), s.extend(t, b[1], n+1)
		}
		left := s.zeros()
		for _, id := range t {
			left[id]++
		}
		for _, id := range a {
			if left[id] > 0 {
				left[id]--
				matches[n]++
			}
		}
		grams[n] = len(a)
	}
	return matches, grams
}
