package report

import (
	"fmt"

	"llana/infer/eval"
	"llana/infer/metrics"
)

// Choice is a model's score of multiple-choice questions.
type Choice struct {
	Path string
	*eval.ChoiceScore
	Versus *metrics.Comparison // this model minus the first, on the questions that they share; nil for the first
	Shared int                 // questions

	keys  []key
	index map[key]int
}

// LoadChoices reads scores of multiple-choice questions and compares them with
// the first, as NewTable does evaluations.
func LoadChoices(paths []string, o metrics.Resampling) ([]*Choice, error) {
	var out []*Choice
	for _, p := range paths {
		s, err := eval.ReadChoiceScore(p)
		if err != nil {
			return nil, err
		}
		c := &Choice{Path: p, ChoiceScore: s}
		c.keys, c.index = number(len(s.Results), func(i int) string { return s.Results[i].ObjectID })
		if out = append(out, c); len(out) > 1 {
			if err := c.compare(out[0], o); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (c *Choice) compare(first *Choice, o metrics.Resampling) error {
	var mine, others []float64
	for i, k := range first.keys {
		j, ok := c.index[k]
		if !ok {
			continue
		}
		a, b := first.Results[i], c.Results[j]
		if a.Question != b.Question || a.Truth != b.Truth {
			return fmt.Errorf("%s and %s: question %d about object %q is %.60q and %.60q: these are not the same questions",
				first.Path, c.Path, k.n, k.object, a.Question, b.Question)
		}
		mine, others = append(mine, percent(b.Right)), append(others, percent(a.Right))
	}
	if c.Shared = len(mine); c.Shared == 0 {
		return fmt.Errorf("%s and %s: no question in common", first.Path, c.Path)
	}
	v, err := metrics.Compare(mine, others, o)
	c.Versus = &v
	return err
}

func percent(right bool) float64 {
	if right {
		return 100
	}
	return 0
}

// Difference is "-38.83 [-44.00, -34.00], p < 0.001", "" for the first model.
func (c *Choice) Difference() string { return Cell{Versus: c.Versus}.difference() }
