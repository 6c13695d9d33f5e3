package conversation

import (
	"fmt"
	"strings"
)

// Ignore is the label of a position without a loss.
const Ignore = -100

// Tokenizer is what Preprocess needs of a tokenizer.
type Tokenizer interface {
	// Encode returns the ids of a text, <s> included.
	Encode(text string) []int
	// PadID is the id that fills up a batch.
	PadID() int
}

// Example is a conversation ready for training.
type Example struct {
	IDs    []int32
	Labels []int32 // as long as IDs: the id where it is to be predicted, else Ignore
	// Warning is not empty when the whole example was masked because the
	// parts of the text do not add up to its ids.
	Warning string
}

// Preprocess renders a record with nPatch point tokens, encodes it and masks
// everything but the answers and the </s> behind each. Ids beyond maxLen are
// cut off.
//
// The masks are found as in the reference, with its side effects: the text is
// split at </s> and the lengths of the parts, encoded one by one, are added
// up. Where they do not add up to the length of the whole (an answer contains
// " ASSISTANT: " or <unk>; the tokenizer encodes a part differently on its
// own) everything is masked and Warning says so.
func (t Template) Preprocess(tok Tokenizer, rec Record, nPatch, maxLen int) (Example, error) {
	if maxLen < 1 {
		return Example{}, fmt.Errorf("maximal length of an example is %d, want at least 1", maxLen)
	}
	turns, err := rec.ExpandedTurns(nPatch)
	if err != nil {
		return Example{}, err
	}
	text := t.render(turns)
	ids := tok.Encode(text)
	ids = ids[:min(len(ids), maxLen)]

	ex := Example{IDs: make([]int32, len(ids)), Labels: make([]int32, len(ids))}
	notPad := 0
	for i, id := range ids {
		ex.IDs[i] = int32(id)
		ex.Labels[i] = int32(id)
		if id != tok.PadID() {
			notPad++
		}
	}
	end := t.maskQuestions(tok, text, ex.Labels)
	ignore(ex.Labels, end, len(ids))
	if end < maxLen && end != notPad {
		ignore(ex.Labels, 0, len(ids))
		ex.Warning = fmt.Sprintf("object %q: the rounds have %d tokens, the conversation has %d: not trained on",
			rec.ObjectID, end, notPad)
	}
	return ex, nil
}

// maskQuestions masks what comes before each answer and returns where the
// last round that it understood ends.
func (t Template) maskQuestions(tok Tokenizer, text string, labels []int32) int {
	separator := t.AfterUser + t.Assistant + ": "
	at := 1 // behind <s>
	ignore(labels, 0, at)
	for round := range strings.SplitSeq(text, t.AfterTurn) {
		parts := strings.Split(round, separator)
		if round == "" || len(parts) != 2 {
			break
		}
		// Two less: <s>, and the space behind "ASSISTANT:", which is a token of
		// its own only at the end of a text.
		question := len(tok.Encode(parts[0]+separator)) - 2
		ignore(labels, at, at+question)
		// The <s> that is counted here stands for the </s> that is not.
		at += len(tok.Encode(round))
	}
	return at
}

// ignore masks labels[from:to], as far as it exists.
func ignore(labels []int32, from, to int) {
	for i := from; i < min(to, len(labels)); i++ {
		labels[i] = Ignore
	}
}

// EvalPrompt returns the prompt that asks the first question of a record.
func (t Template) EvalPrompt(rec Record, nPatch int) (string, error) {
	turns, err := rec.ExpandedTurns(nPatch)
	if err != nil {
		return "", err
	}
	return t.Prompt(turns[0].Value), nil
}
