package infer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"llana/models/conversation"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// Session asks about one object, or without an object. It keeps what the model
// has read, so that a further question reads only what differs from the prompt
// before: not the object again. It is for one goroutine.
type Session struct {
	m      *spatialllana.Model
	object *spatialllana.Object // nil: text only
	cache  *llama.Cache         // made for the first prompt
	stored tensor.DType         // Options.CacheType that it was made with
	read   []int32              // what the cache holds
}

// NewSession returns a session about an object; nil is a session about none.
func NewSession(m *spatialllana.Model, object *spatialllana.Object) (*Session, error) {
	if object != nil && m.Projector == nil {
		return nil, errors.New("the model has no projector: it cannot read an object")
	}
	return &Session{m: m, object: object}, nil
}

// Close frees the session's memory.
func (s *Session) Close() {
	if s.cache != nil {
		s.cache.Free()
		s.cache, s.read = nil, nil
	}
}

// Ask asks one question. If the session has an object and the question does not
// say where it goes ("<point>"), it goes in front, as in the data. stream, which
// may be nil, is called with the text as it comes.
func (s *Session) Ask(ctx context.Context, question string, o Options, stream func(text string)) (Answer, error) {
	return s.Converse(ctx, []conversation.Turn{{From: conversation.Human, Value: question}}, o, stream)
}

// Converse answers the last of some turns, which alternate between
// conversation.Human and conversation.GPT. The first is treated as Ask's.
//
// Where the context has no room for all of them, the oldest questions are left
// out, with their answers: see Answer.Dropped. The answer is then that of the
// shorter conversation; it is read again behind the object, which is not.
func (s *Session) Converse(ctx context.Context, turns []conversation.Turn, o Options, stream func(text string)) (Answer, error) {
	ids, dropped, err := s.fit(turns, o)
	if err != nil {
		return Answer{}, err
	}
	a, err := s.Generate(ctx, ids, o, stream)
	a.Dropped = dropped
	return a, err
}

// fit returns the prompt for the newest turns that leave room for an answer,
// and how many it left out. Where the context is too short for the longest
// answer, half of what the last question leaves is room enough.
func (s *Session) fit(turns []conversation.Turn, o Options) (ids []int32, dropped int, err error) {
	if ids, err = s.ids(turns); err != nil || len(turns) == 1 {
		return ids, 0, err
	}
	context, room := o.context(s.m.Config.Config), o.limit()
	if len(ids)+room <= context {
		return ids, 0, nil
	}
	last, err := s.ids(turns[len(turns)-1:])
	if err != nil {
		return nil, 0, err
	}
	room = min(room, (context-len(last))/2)
	for len(turns) > 1 && len(ids)+room > context {
		turns, dropped = turns[2:], dropped+2
		if ids, err = s.ids(turns); err != nil {
			return nil, 0, err
		}
	}
	return ids, dropped, nil
}

// ids returns the prompt for some turns.
func (s *Session) ids(turns []conversation.Turn) ([]int32, error) {
	prompt, err := s.Prompt(turns)
	if err != nil {
		return nil, err
	}
	var ids []int32
	for _, id := range s.m.Tokenizer.Encode(prompt) {
		ids = append(ids, int32(id))
	}
	return ids, nil
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

// Generate continues a prompt of ids. What is wrong with the prompt, its length
// too, is told before anything is computed.
func (s *Session) Generate(ctx context.Context, prompt []int32, o Options, stream func(text string)) (Answer, error) {
	if len(prompt) == 0 {
		return Answer{}, errors.New("the prompt is empty")
	}
	if err := o.Validate(); err != nil {
		return Answer{}, err
	}
	room, err := o.room(s.m, len(prompt))
	if err != nil {
		return Answer{}, err
	}
	seq, err := s.m.Sequences(oneRow(prompt, s.object))
	if err != nil {
		return Answer{}, err
	}
	if s.cache != nil && cmp.Or(o.CacheType, tensor.F32) != s.stored {
		s.Close()
	}
	known := s.rewind(prompt)
	if err := s.reserve(len(prompt)+room, o); err != nil {
		return Answer{}, err
	}
	a := Answer{PromptIDs: prompt, room: room}
	err = s.answer(ctx, &a, seq, known, o, stream)
	// The cache holds all but the last token, which was not read any more.
	s.read = append(append([]int32(nil), prompt...), a.TokenIDs...)[:s.cache.Len]
	return a, err
}

// answer reads the prompt behind its known part and continues it.
func (s *Session) answer(ctx context.Context, a *Answer, seq *spatialllana.Sequences, known int, o Options, stream func(text string)) error {
	r := &reader{s.m, s.cache, o.chunk(), &progress{report: o.Progress, total: seq.Cols - known}}
	last, err := r.last(ctx, seq, []int{seq.Cols})
	if err != nil {
		return err
	}
	defer last.Free()
	text := s.m.Tokenizer.NewStream()
	var all strings.Builder
	say := func(part string) {
		if all.WriteString(part); part != "" && stream != nil {
			stream(part)
		}
	}
	g := &generator{s.m, s.cache, o, []*sampler{newSampler(o.Sampling, a.PromptIDs)}}
	err = g.run(ctx, last, func(_ int, t token) bool {
		done := a.add(t, s.m, o)
		if !a.Ended {
			say(text.Add(int(t.id)))
		}
		return done
	})
	if err != nil {
		return err
	}
	say(text.Flush())
	a.Text = strings.TrimSpace(all.String())
	return nil
}

// reserve makes room for a prompt and its answer. A cache that has to grow, in
// a conversation, gets room for another answer too.
func (s *Session) reserve(tokens int, o Options) (err error) {
	if s.cache == nil {
		s.stored = cmp.Or(o.CacheType, tensor.F32)
		s.cache, err = newCache(s.m, 1, tokens, o)
		return err
	}
	if tokens > s.cache.Cap() {
		s.cache.Reserve(max(tokens, min(tokens+o.limit(), o.context(s.m.Config.Config))))
	}
	return cacheError(s.m, s.cache)
}

// rewind sets the cache back to what it has in common with the prompt and
// returns how many tokens that is: less than the prompt.
func (s *Session) rewind(prompt []int32) int {
	n := 0
	for n < min(len(s.read), len(prompt)-1) && s.read[n] == prompt[n] {
		n++
	}
	s.read = s.read[:n]
	if s.cache != nil {
		s.cache.Len = n
	}
	return n
}
