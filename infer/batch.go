package infer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"llana/models/spatialllana"
)

// GenerateBatch continues several prompts at once, each with its object or nil,
// which is faster than one after another. Prompts of one length are read
// together, so it pays to hand in prompts of few different lengths.
func GenerateBatch(ctx context.Context, m *spatialllana.Model, prompts [][]int32, objects []*spatialllana.Object, o Options) ([]Answer, error) {
	if len(objects) != len(prompts) {
		return nil, fmt.Errorf("%d prompts with %d objects", len(prompts), len(objects))
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	answers := make([]Answer, len(prompts))
	var lengths []int // in the order of their first prompt
	group := map[int][]int{}
	for i, p := range prompts {
		n := len(p)
		if n == 0 {
			return nil, errors.New("a prompt is empty")
		}
		if group[n] == nil {
			lengths = append(lengths, n)
		}
		group[n] = append(group[n], i)
		answers[i].PromptIDs = p
	}
	for _, n := range lengths {
		if err := continueAll(ctx, m, group[n], objects, o, answers); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// continueAll answers the prompts numbered which, all of one length.
func continueAll(ctx context.Context, m *spatialllana.Model, which []int, objects []*spatialllana.Object, o Options, answers []Answer) error {
	b := spatialllana.Batch{Rows: len(which), Cols: len(answers[which[0]].PromptIDs)}
	for _, i := range which {
		b.IDs = append(b.IDs, answers[i].PromptIDs...)
		b.Objects = append(b.Objects, objects[i])
	}
	cache := m.LM.NewCache(m.Device(), b.Rows, b.Cols)
	defer cache.Free()
	err := generate(ctx, m, cache, b, o, func(row int, t token) bool {
		a := &answers[which[row]]
		a.add(t)
		a.Ended = m.Ends(int(t.id))
		return a.Ended || len(a.TokenIDs) >= o.limit()
	})
	if err != nil {
		return err
	}
	for _, i := range which {
		answers[i].Text = answers[i].text(m)
	}
	return nil
}

// text decodes an answer without special tokens, the token that ended it and
// surrounding white space.
func (a *Answer) text(m *spatialllana.Model) string {
	ids := make([]int, len(a.TokenIDs))
	for i, id := range a.TokenIDs {
		ids[i] = int(id)
	}
	if a.Ended {
		ids = ids[:len(ids)-1]
	}
	return strings.TrimSpace(m.Tokenizer.Decode(ids, true))
}
