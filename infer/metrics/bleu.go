package metrics

import "math"

// bleuWeights are the reference's; those of BLEU-3 sum to 0.99.
var bleuWeights = [4][4]float64{{1}, {0.5, 0.5}, {0.33, 0.33, 0.33}, {0.25, 0.25, 0.25, 0.25}}

// BLEU returns BLEU-1 to BLEU-4, from 0 to 1, of a tokenised answer with one
// true text: nltk's sentence_bleu with smoothing method 1 (Chen and Cherry,
// "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU",
// WMT 2014). Without a common word all are 0.
func BLEU(answer, truth []string) [4]float64 {
	v := make(vocabulary, len(answer)+len(truth))
	a, t := v.ids(answer), v.ids(truth)
	matches, grams := clippedMatches(a, t)
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
	if len(a) <= len(t) {
		penalty = math.Exp(1 - float64(len(t))/float64(len(a)))
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
func clippedMatches(answer, truth []int32) (matches, grams [4]int) {
	a, t := append([]int32(nil), answer...), append([]int32(nil), truth...)
	for n := range 4 {
		if n > 0 {
			p := make(pairs, len(a)+len(t))
			a, t = p.extend(a, answer, n+1), p.extend(t, truth, n+1)
		}
		left := make([]int, len(a)+len(t)) // more than the n-grams that were numbered
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
