package infer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Sampling says how the next token is chosen. The steps are those of
// transformers, in its order: penalty, temperature, top-k, top-p.
type Sampling struct {
	// RepetitionPenalty divides the positive logits of tokens that are in the
	// prompt or the answer so far, and multiplies the negative ones (Keskar et
	// al. 2019); 0 or 1: none.
	RepetitionPenalty float64
	Temperature       float64 // divides the logits; 0: the likeliest token, always
	TopK              int     // only the likeliest k, and what is as likely as the last of them; 0: all
	TopP              float64 // only the likeliest whose probabilities add up to p; 0 or 1: all
	Seed              uint64  // the same seed and prompt give the same answer
}

// Validate says what is wrong with the values, if anything.
func (s Sampling) Validate() error {
	switch {
	case !(s.RepetitionPenalty >= 0) || math.IsInf(s.RepetitionPenalty, 0):
		return fmt.Errorf("repetition penalty is %v, want more than 0", s.RepetitionPenalty)
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

// penalizes reports whether there is a repetition penalty.
func (s Sampling) penalizes() bool { return s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 }

// sampler chooses the tokens of one answer.
type sampler struct {
	Sampling
	seen  map[int32]bool // with a penalty: the tokens of the prompt and the answer
	drawn uint64         // tokens so far
}

func newSampler(s Sampling, prompt []int32) *sampler {
	p := &sampler{Sampling: s}
	if s.penalizes() {
		p.seen = map[int32]bool{}
		for _, id := range prompt {
			p.seen[id] = true
		}
	}
	return p
}

// choose returns the next token. It changes logits.
func (p *sampler) choose(logits []float32) (token, error) {
	p.penalize(logits)
	t := token{}
	if p.greedy() {
		t = likeliest(logits)
	} else {
		cs, err := p.candidates(logits)
		if err != nil {
			return t, err
		}
		t.id = draw(cs, uniform(p.Seed, p.drawn))
	}
	p.drawn++
	if p.seen != nil {
		p.seen[t.id] = true
	}
	return t, nil
}

// penalize makes the tokens that were there less likely.
func (p *sampler) penalize(logits []float32) {
	penalty := float32(p.RepetitionPenalty)
	for id := range p.seen {
		if l := &logits[id]; *l < 0 {
			*l *= penalty
		} else {
			*l /= penalty
		}
	}
}

// candidate is a token and its probability, up to a common factor.
type candidate struct {
	id     int32
	logit  float32
	weight float64
}

// candidates returns the tokens that may be drawn.
func (s Sampling) candidates(logits []float32) ([]candidate, error) {
	top := logits[0]
	for _, l := range logits {
		if l != l {
			return nil, errors.New("a logit is not a number")
		}
		top = max(top, l)
	}
	least := float32(math.Inf(-1))
	if s.TopK > 0 && s.TopK < len(logits) {
		least = largest(slices.Clone(logits), s.TopK)
	}
	cs := make([]candidate, 0, len(logits))
	for i, l := range logits {
		if l < least {
			continue
		}
		c := candidate{id: int32(i), logit: l, weight: 1}
		if l != top { // infinite ones have no difference
			c.weight = math.Exp((float64(l) - float64(top)) / s.Temperature)
		}
		cs = append(cs, c)
	}
	if s.TopP > 0 && s.TopP < 1 {
		cs = nucleus(cs, s.TopP)
	}
	return cs, nil
}

// largest returns the k-th largest of x, from 1, and reorders x (Hoare's
// "find").
func largest(x []float32, k int) float32 {
	for len(x) > 1 {
		pivot := x[len(x)/2]
		i, j := 0, len(x)-1
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j+1:
			x = x[:j+1]
		case k > i:
			x, k = x[i:], k-i
		default:
			return pivot
		}
	}
	return x[0]
}

func total(cs []candidate) (sum float64) {
	for _, c := range cs {
		sum += c.weight
	}
	return sum
}

// nucleus returns the likeliest candidates that together have the share p of all
// weights, at least one, the likeliest first.
func nucleus(cs []candidate, p float64) []candidate {
	all := total(cs)
	// Candidates below this are together less than the share that is left, so
	// the others, few of them as a rule, are enough to choose from.
	few := (1 - p) * all / float64(len(cs)) * 0.999
	cs = slices.DeleteFunc(cs, func(c candidate) bool { return c.weight < few })
	slices.SortFunc(cs, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
	})
	sum := 0.0
	for i, c := range cs {
		if sum += c.weight; sum >= p*all {
			return cs[:i+1]
		}
	}
	return cs
}

// draw returns the candidate at a share u, in [0, 1), of the weights.
func draw(cs []candidate, u float64) int32 {
	at := u * total(cs)
	for _, c := range cs {
		if at -= c.weight; at < 0 {
			return c.id
		}
	}
	return cs[len(cs)-1].id // rounding left a little
}

// uniform returns number n, in [0, 1), of a seed's random numbers: SplitMix64
// (Steele et al. 2014) in the n-th state behind the mixed seed. It depends on
// nothing else, so an answer does not depend on what is generated beside it.
func uniform(seed, n uint64) float64 {
	return float64(mix(mix(seed)+(n+1)*0x9e3779b97f4a7c15)>>11) / (1 << 53)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
