package infer

import (
	"context"
	"errors"
	"slices"
	"testing"

	"llana/kernels/cpu"
	"llana/models/conversation"
)

// A session that goes on answers as a fresh one does.
func TestSessionReusesPrefix(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	ctx := context.Background()
	o := Options{MaxNewTokens: 6}
	s := session(t, m, object(t, 0))
	for _, turns := range [][]conversation.Turn{
		{{From: conversation.Human, Value: question}},
		{{From: conversation.Human, Value: "What is it?"}},
		{{From: conversation.Human, Value: question}},
		{{From: conversation.Human, Value: question}, {From: conversation.GPT, Value: "red"}, {From: conversation.Human, Value: "What is it?"}},
		{{From: conversation.Human, Value: "no <point> in front"}},
	} {
		got, err := s.Converse(ctx, turns, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := session(t, m, object(t, 0)).Converse(ctx, turns, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.TokenIDs, want.TokenIDs) {
			t.Errorf("%v: ids %v, want %v as a fresh session gives", turns, got.TokenIDs, want.TokenIDs)
		}
	}
}

func TestCancelledGeneration(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	s := session(t, m, object(t, 0))
	n := 0
	a, err := s.Ask(ctx, question, Options{}, func(string) {
		if n++; n == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(a.TokenIDs) == 0 {
		t.Errorf("error %v after %d tokens, want %v", err, len(a.TokenIDs), context.Canceled)
	}
	// The session is good for another question.
	if _, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 2}, nil); err != nil {
		t.Error(err)
	}
}

// A session gives back all its memory.
func TestSessionMemory(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	before := d.Stats().Live
	s, err := NewSession(m, object(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 40}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if after := d.Stats().Live; after != before {
		t.Errorf("%d bytes in use, %d before the session", after, before)
	}
}
