package spatialllana

import (
	"fmt"

	"llana/autograd"
	"llana/models/conversation"
	"llana/models/llama"
)

// Group is a batch in which rows about one object begin alike, with the system
// prompt and the object's tokens: such prefixes are computed once.
type Group struct {
	llama.Shared
	// Prefix tokens of each group, then continuations of each row, filled up
	// on the right; and labels of the continuations.
	PrefixIDs []int32 // (Groups, Prefix)
	IDs       []int32 // (Groups*Rows, Cols)
	Labels    []int32 // (Groups*Rows, Cols)
	Objects   []*Object
}

// LossShared is Loss for a grouped batch. The first token of a continuation is
// not predicted.
func (m *Model) LossShared(t *autograd.Tape, g Group, o Options) (*autograd.Var, error) {
	if len(g.PrefixIDs) != g.Split() || len(g.IDs) != g.Total()-g.Split() || len(g.Labels) != len(g.IDs) {
		return nil, fmt.Errorf("grouped batch %+v with %d prefix ids, %d ids and %d labels", g.Shared, len(g.PrefixIDs), len(g.IDs), len(g.Labels))
	}
	prefix, err := m.Embed(t, Batch{Rows: g.Groups, Cols: g.Shared.Prefix, IDs: g.PrefixIDs, Objects: g.Objects}, o)
	if err != nil {
		return nil, err
	}
	rest, err := m.Embed(t, Batch{Rows: g.Groups * g.Rows, Cols: g.Cols, IDs: g.IDs}, o)
	if err != nil {
		return nil, err
	}
	x := autograd.Concat(0, prefix.View(-1, m.HiddenSize), rest.View(-1, m.HiddenSize))
	h := m.LM.ForwardShared(x, g.Shared)
	var at, want []int32
	for i, l := range g.Labels {
		if i%g.Cols > 0 && l != conversation.Ignore {
			at, want = append(at, int32(g.Split()+i-1)), append(want, l)
		}
	}
	return autograd.CrossEntropy(m.Logits(h, at), t.Int32(want, len(want))), nil
}
