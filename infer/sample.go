package infer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sampling says how the next token is chosen.
type Sampling struct {
	Temperature float64 // 0: the likeliest token, always
	TopK        int     // only the likeliest k; 0: all
	TopP        float64 // only the likeliest whose probabilities add up to p; 0 or 1: all
	Seed        uint64  // the same seed and prompt give the same answer
}

// Validate says what is wrong with the values, if anything.
func (s Sampling) Validate() error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature is %v, want 0 or more", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k is %d, want 0 or more", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("top-p is %v, want 0 to 1", s.TopP)
	}
	return nil
}

// greedy reports whether no random choice is made.
func (s Sampling) greedy() bool { return s.Temperature == 0 || s.TopK == 1 }

// candidate is a token and its probability, up to a common factor.
type candidate struct {
	id     int
	logit  float64
	weight float64
}

// choose draws a token: temperature first, then top-k, then top-p, as
// transformers does.
func (s Sampling) choose(logits []float32, r *rand.Rand) (int, error) {
	cs := make([]candidate, len(logits))
	for i, l := range logits {
		if l != l {
			return 0, errors.New("a logit is not a number")
		}
		cs[i] = candidate{id: i, logit: float64(l) / s.Temperature}
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return cmp.Compare(b.logit, a.logit) })
	if s.TopK > 0 && s.TopK < len(cs) {
		cs = cs[:s.TopK]
	}
	total := 0.0
	for i := range cs {
		cs[i].weight = math.Exp(cs[i].logit - cs[0].logit)
		total += cs[i].weight
	}
	if s.TopP > 0 && s.TopP < 1 {
		cs, total = nucleus(cs, s.TopP*total)
	}
	at := r.Float64() * total
	for _, c := range cs {
		if at -= c.weight; at < 0 {
			return c.id, nil
		}
	}
	return cs[len(cs)-1].id, nil // rounding left a little
}

// nucleus keeps the first candidates whose weights reach enough, at least one.
func nucleus(cs []candidate, enough float64) ([]candidate, float64) {
	sum := 0.0
	for i, c := range cs {
		if sum += c.weight; sum >= enough {
			return cs[:i+1], sum
		}
	}
	return cs, sum
}
