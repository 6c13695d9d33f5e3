package infer

import (
	"strings"

	"llana/models/spatialllana"
)

// Answer is what a model answered.
type Answer struct {
	Text      string // without special tokens and surrounding white space
	PromptIDs []int32
	TokenIDs  []int32 // with the token that ended it, if it ended by itself
	Ended     bool    // the model ended it; false: cut off
	Stop      Stop    // why it is not longer; "" if it failed on the way
	// Dropped is how many turns at the beginning of a conversation the model was
	// not shown, because they no longer fit the context.
	Dropped int
	// Margin is, with Options.Margins and without sampling, the least lead of a
	// chosen token's logit over the next one's, as a share of the logit (or of
	// 1, if it is smaller): rounding that stays below cannot change the answer.
	Margin float32

	room int // tokens it may have
}

// Stop says why an answer is not longer.
type Stop string

// The reasons.
const (
	StopEnd     Stop = "end"            // the model ended it
	StopLength  Stop = "max-new-tokens" // it has Options.MaxNewTokens tokens
	StopContext Stop = "context"        // with its prompt it fills the context
)

// add appends a token and reports whether it was the last one.
func (a *Answer) add(t token, m *spatialllana.Model, o Options) (done bool) {
	if len(a.TokenIDs) == 0 || t.margin < a.Margin {
		a.Margin = t.margin
	}
	a.TokenIDs = append(a.TokenIDs, t.id)
	switch a.Ended = m.Ends(int(t.id)); {
	case a.Ended:
		a.Stop = StopEnd
	case len(a.TokenIDs) >= o.limit():
		a.Stop = StopLength
	case len(a.TokenIDs) >= a.room:
		a.Stop = StopContext
	}
	return a.Stop != ""
}

// decode sets the text: without special tokens, the token that ended it and
// surrounding white space.
func (a *Answer) decode(m *spatialllana.Model) {
	ids := make([]int, len(a.TokenIDs))
	for i, id := range a.TokenIDs {
		ids[i] = int(id)
	}
	if a.Ended {
		ids = ids[:len(ids)-1]
	}
	a.Text = strings.TrimSpace(m.Tokenizer.Decode(ids, true))
}
