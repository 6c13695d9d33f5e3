package infer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"llana/models/conversation"
	"llana/models/llama"
	"llana/models/spatialllana"
)

// Session asks about one object, or without an object. It keeps what the model
// has read, so that a further question reads only what differs from the prompt
// before: not the object again. It is for one goroutine.
type Session struct {
	m      *spatialllana.Model
	object *spatialllana.Object // nil: text only
	cache  *llama.Cache
	read   []int32 // what the cache holds
}

// NewSession returns a session about an object; nil is a session about none.
func NewSession(m *spatialllana.Model, object *spatialllana.Object) (*Session, error) {
	if object != nil && m.Projector == nil {
		return nil, errors.New("the model has no projector: it cannot read an object")
	}
	return &Session{m: m, object: object, cache: m.LM.NewCache(m.Device(), 1, 0)}, nil
}

// Close frees the session's memory.
func (s *Session) Close() { s.cache.Free() }

// Answer is what a model answered.
type Answer struct {
	Text      string // without special tokens and surrounding white space
	PromptIDs []int32
	TokenIDs  []int32 // with the token that ended it, if it ended by itself
	Ended     bool    // false: cut off at the limit
	// Margin is, with Options.Margins and without sampling, the least lead of a
	// chosen token's logit over the next one's, as a share of the logit (or of
	// 1, if it is smaller): rounding that stays below cannot change the answer.
	Margin float32
}

// add appends a token.
func (a *Answer) add(t token) {
	if len(a.TokenIDs) == 0 || t.margin < a.Margin {
		a.Margin = t.margin
	}
	a.TokenIDs = append(a.TokenIDs, t.id)
}

// Ask asks one question. If the session has an object and the question does not
// say where it goes ("<point>"), it goes in front, as in the data. stream, which
// may be nil, is called with the text as it comes.
func (s *Session) Ask(ctx context.Context, question string, o Options, stream func(text string)) (Answer, error) {
	return s.Converse(ctx, []conversation.Turn{{From: conversation.Human, Value: question}}, o, stream)
}

// Converse answers the last of some turns, which alternate between
// conversation.Human and conversation.GPT. The first is treated as Ask's.
func (s *Session) Converse(ctx context.Context, turns []conversation.Turn, o Options, stream func(text string)) (Answer, error) {
	prompt, err := s.Prompt(turns)
	if err != nil {
		return Answer{}, err
	}
	var ids []int32
	for _, id := range s.m.Tokenizer.Encode(prompt) {
		ids = append(ids, int32(id))
	}
	return s.Generate(ctx, ids, o, stream)
}

// Prompt returns the text of a prompt for some turns.
func (s *Session) Prompt(turns []conversation.Turn) (string, error) {
	if len(turns)%2 == 0 {
		return "", fmt.Errorf("a conversation of %d turns does not end with a question", len(turns))
	}
	turns = append(append([]conversation.Turn(nil), turns...), conversation.Turn{From: conversation.GPT})
	if s.object != nil {
		if first := &turns[0]; !strings.Contains(first.Value, conversation.PointMark) {
			first.Value = conversation.PointMark + "\n" + first.Value
		}
		for i := range turns {
			turns[i].Value = conversation.ExpandPoint(turns[i].Value, s.object.Tokens)
		}
	}
	return s.m.Template().Render(turns)
}

// Generate continues a prompt of ids.
func (s *Session) Generate(ctx context.Context, prompt []int32, o Options, stream func(text string)) (Answer, error) {
	if len(prompt) == 0 {
		return Answer{}, errors.New("the prompt is empty")
	}
	if err := o.Validate(); err != nil {
		return Answer{}, err
	}
	known := s.rewind(prompt)
	a := Answer{PromptIDs: prompt}
	text := s.m.Tokenizer.NewStream()
	var all strings.Builder
	say := func(part string) {
		if all.WriteString(part); part != "" && stream != nil {
			stream(part)
		}
	}
	err := generate(ctx, s.m, s.cache, oneRow(prompt[known:], s.object), o, func(_ int, t token) bool {
		a.add(t)
		if a.Ended = s.m.Ends(int(t.id)); !a.Ended {
			say(text.Add(int(t.id)))
		}
		return a.Ended || len(a.TokenIDs) >= o.limit()
	})
	// The cache holds all but the last token, which was not read any more.
	s.read = append(append([]int32(nil), prompt...), a.TokenIDs...)[:s.cache.Len]
	if err != nil {
		return a, err
	}
	say(text.Flush())
	a.Text = strings.TrimSpace(all.String())
	return a, nil
}

// rewind sets the cache back to what it has in common with the prompt and
// returns how many tokens that is: less than the prompt, and not part of an
// object.
func (s *Session) rewind(prompt []int32) int {
	n := 0
	for n < min(len(s.read), len(prompt)-1) && s.read[n] == prompt[n] {
		n++
	}
	if start, inside := s.m.ObjectAt(prompt, n); inside {
		n = start
	}
	s.cache.Len, s.read = n, s.read[:n]
	return n
}
