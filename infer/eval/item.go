package eval

import (
	"fmt"
	"iter"
	"os"
	"strings"
	"unicode"

	"llana/models/conversation"
)

// Item is one question for the model.
type Item struct {
	Index    int // among the task's items, from 0
	Record   int // in the annotation file, from 0
	ObjectID string
	// Prompt is the first question as the file has it, with
	// conversation.PointMark where the object goes.
	Prompt string
	// Object is false for a question that does not show its object.
	Object bool
	// Pairs are the record's questions and true answers, the asked one first.
	Pairs []Pair
	// Choice is not nil for a multiple-choice question.
	Choice *Choice
}

// Pair is a question and its true answer as they are written to the results.
type Pair struct{ Question, Truth string }

// Items yields the task's questions in the order of the file, one at a time.
// The first error ends it; it names the file, the record and the object.
func (s Source) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		f, err := os.Open(s.Path)
		if err != nil {
			yield(Item{}, err)
			return
		}
		defer f.Close()
		records := s.conversations(f)
		if s.Text == MultiChoice {
			records = scanChoices(f, s.Path)
		}
		index := 0
		for item, err := range records {
			item.Index = index
			if !yield(item, err) || err != nil {
				return
			}
			index++
		}
	}
}

// conversations yields an item for each record of the task's type.
func (s Source) conversations(f *os.File) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		n := -1
		for rec, err := range conversation.Read(f, s.Path) {
			n++
			if err == nil && s.Filter != "" && rec.Type != s.Filter {
				continue
			}
			var item Item
			if err == nil {
				if item, err = newItem(rec); err != nil {
					err = fmt.Errorf("%s: record %d, object %q: %w", s.Path, n, rec.ObjectID, err)
				}
				item.Record = n
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func newItem(rec conversation.Record) (Item, error) {
	turns, err := rec.Dialogue()
	if err != nil {
		return Item{}, err
	}
	if len(turns)%2 != 0 {
		return Item{}, fmt.Errorf("question %d has no answer", len(turns)/2)
	}
	item := Item{ObjectID: rec.ObjectID, Prompt: turns[0].Value, Object: rec.HasPoint()}
	for i := 0; i < len(turns); i += 2 {
		item.Pairs = append(item.Pairs, pair(turns[i].Value, turns[i+1].Value))
	}
	return item, nil
}

// pair returns a question and its answer as the reference writes them.
func pair(question, answer string) Pair {
	return Pair{strip(strings.ReplaceAll(question, conversation.PointMark+"\n", "")), strip(answer)}
}

// strip removes the white space that Python's str.strip does.
func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
}
