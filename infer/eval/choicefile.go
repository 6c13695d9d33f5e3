package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"llana/models/conversation"
)

// scanChoices yields the questions of spatial_multi_choice_qa.json, whose form
// is not documented. A record names its object ("object_id", or "model_id",
// "uid", "id") and has either "conversations" as the other files do, each
// question embedding its options, or "question", "options" (a list, or an
// object by letter) and "answer". An answer is a letter or an option's text.
// Each question is asked on its own, with the object in front.
//
// A record that cannot be understood gives a conversation.RecordError in its
// place; an error of another kind ends it.
func scanChoices(r io.Reader, name string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		fail := func(err error) bool { return yield(Item{}, fmt.Errorf("%s: %w", name, err)) }
		dec := json.NewDecoder(r)
		if t, err := dec.Token(); err != nil || t != json.Delim('[') {
			fail(fmt.Errorf("want an array of records, found %v: %w", t, orEOF(err)))
			return
		}
		for n := 0; dec.More(); n++ {
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				fail(fmt.Errorf("record %d: %w", n, orEOF(err)))
				return
			}
			items, id, err := choiceRecord(raw)
			if err != nil && !fail(&conversation.RecordError{Index: n, ObjectID: id, Err: err}) {
				return
			}
			for _, item := range items {
				item.Record = n
				if !yield(item, nil) {
					return
				}
			}
		}
		if _, err := dec.Token(); err != nil {
			fail(fmt.Errorf("after the last record: %w", orEOF(err)))
		}
	}
}

// orEOF is an error for a file that ends too early or has no array.
func orEOF(err error) error {
	if err == nil {
		return errors.New("not an array")
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// choiceRecord reads one record. It gives no items with an error.
func choiceRecord(raw json.RawMessage) ([]Item, string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, "", errors.New("want an object with object_id and conversations")
	}
	id := firstString(fields, "object_id", "model_id", "uid", "id")
	if id == "" {
		return nil, "", errors.New(`field "object_id" is missing`)
	}
	pairs, options, err := choicePairs(fields)
	if err != nil {
		return nil, id, err
	}
	var items []Item
	for _, p := range pairs {
		c := &Choice{Options: options, Key: -1, Relation: firstString(fields, "relation", "category", "question_type")}
		shown := p.Question
		if c.Options == nil {
			c.Options = ParseOptions(p.Question)
		} else if ParseOptions(p.Question) == nil {
			shown = withOptions(p.Question, options)
		}
		if c.Relation == "" {
			c.Relation = relationOf(p.Question)
		}
		if len(c.Options) > 0 {
			if c.Key = c.Pick(p.Truth); c.Key < 0 {
				return nil, id, fmt.Errorf("the answer %q is none of the options %q", p.Truth, c.Options)
			}
		}
		items = append(items, Item{ObjectID: id, Object: true, Choice: c,
			Prompt: conversation.PointMark + "\n" + strings.ReplaceAll(shown, conversation.PointMark, ""), Pairs: []Pair{{shown, p.Truth}}})
	}
	return items, id, nil
}

// choicePairs returns a record's questions, and its options where they stand
// apart from the question.
func choicePairs(fields map[string]json.RawMessage) ([]Pair, []string, error) {
	if raw, ok := fields["conversations"]; ok {
		var rec conversation.Record
		if err := json.Unmarshal(raw, &rec.Turns); err != nil {
			return nil, nil, fmt.Errorf("field \"conversations\": %w", err)
		}
		item, err := newItem(rec)
		if err != nil {
			return nil, nil, err
		}
		return item.Pairs, nil, nil
	}
	p := pair(firstString(fields, "question"), firstString(fields, "answer", "correct_answer", "ground_truth", "label"))
	if p.Question == "" || p.Truth == "" {
		return nil, nil, errors.New(`neither "conversations" nor "question" and "answer"`)
	}
	for _, name := range []string{"options", "choices"} {
		if raw, ok := fields[name]; ok {
			options, err := optionList(raw)
			if err != nil {
				return nil, nil, fmt.Errorf("field %q: %w", name, err)
			}
			return []Pair{p}, options, nil
		}
	}
	return []Pair{p}, nil, nil
}

// optionList reads a list of options, or an object of them by letter.
func optionList(raw json.RawMessage) ([]string, error) {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		var byLetter map[string]string
		if err := json.Unmarshal(raw, &byLetter); err != nil {
			return nil, errors.New("want a list of texts, or an object of them by letter")
		}
		list = nil
		for i := range len(byLetter) {
			text, ok := byLetter[Letter(i)]
			if !ok {
				return nil, fmt.Errorf("%d options without %q", len(byLetter), Letter(i))
			}
			list = append(list, text)
		}
	}
	if len(list) < 2 || len(list) > maxOptions {
		return nil, fmt.Errorf("%d options, want 2 to %d", len(list), maxOptions)
	}
	for i, o := range list {
		// "A) left" in a list is the option "left".
		if m := marker.FindStringIndex(o); m != nil && m[0] == 0 && strings.HasPrefix(strings.TrimLeft(o, "(["), Letter(i)) {
			o = o[m[1]:]
		}
		list[i] = strip(o)
	}
	if slices.Contains(list, "") {
		return nil, errors.New("an option is empty")
	}
	return list, nil
}

// withOptions writes options behind a question.
func withOptions(question string, options []string) string {
	var b strings.Builder
	b.WriteString(question)
	for i, o := range options {
		b.WriteString("\n(" + Letter(i) + ") " + o)
	}
	return b.String()
}

// firstString returns the first of some fields that is a string.
func firstString(fields map[string]json.RawMessage, names ...string) string {
	for _, n := range names {
		var s string
		if raw, ok := fields[n]; ok && json.Unmarshal(raw, &s) == nil {
			return s
		}
	}
	return ""
}
