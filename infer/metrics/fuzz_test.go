package metrics

import (
	"math"
	"testing"
)

// FuzzScores scores any two texts: every score is a number from 0 to 1, the
// same each time.
func FuzzScores(f *testing.F) {
	for _, c := range randomCases(f)[:200] {
		f.Add(c.Answer, c.Truth)
	}
	f.Add("\xff\xfe. \x1c", "...")
	m := NewMETEOR(partOfWordNet(f))
	score := func(answer, truth string) [8]float64 {
		a, t := Words(answer), Words(truth)
		b := BLEU(a, t)
		one, two, l := ROUGE(answer, truth)
		return [8]float64{b[0], b[1], b[2], b[3], one, two, l, m.Score(a, t)}
	}
	f.Fuzz(func(t *testing.T, answer, truth string) {
		got := score(answer, truth)
		for k, s := range got {
			if !(s >= 0 && s <= 1+1e-9) {
				t.Errorf("%s is %v", Names()[k], s)
			}
		}
		if again := score(answer, truth); again != got {
			t.Errorf("first %v, then %v", got, again)
		}
		if n := len(Words(answer)); n > 0 && math.Abs(BLEU(Words(answer), Words(answer))[0]-1) > 1e-9 {
			t.Errorf("BLEU-1 of a text with itself is %v", BLEU(Words(answer), Words(answer))[0])
		}
	})
}
