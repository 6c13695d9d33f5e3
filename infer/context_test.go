package infer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/models/llama"
	"llana/tensor"
)

// An answer ends at the limit, at the context, or by any of the model's ids for
// an end, and says at which.
func TestStops(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	m.EOS = llama.TokenIDs{-1}
	ctx := context.Background()
	full, err := session(t, m, object(t, 0)).Ask(ctx, question, Options{MaxNewTokens: 12}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := len(full.PromptIDs)
	// The first place of each token in the answer.
	first := func(i int) int { return slices.Index(full.TokenIDs, full.TokenIDs[i]) }
	for _, c := range []struct {
		o    Options
		eos  llama.TokenIDs
		want int
		stop Stop
	}{
		{Options{MaxNewTokens: 5}, nil, 5, StopLength},
		{Options{MaxNewTokens: 12, Context: n + 7}, nil, 7, StopContext},
		{Options{MaxNewTokens: 7, Context: n + 7}, nil, 7, StopLength},
		{Options{MaxNewTokens: 12, Context: n + 1}, nil, 1, StopContext},
		{Options{MaxNewTokens: 12}, llama.TokenIDs{602, int(full.TokenIDs[6]), int(full.TokenIDs[3])}, min(first(3), first(6)) + 1, StopEnd},
		{Options{MaxNewTokens: 1}, llama.TokenIDs{int(full.TokenIDs[0])}, 1, StopEnd},
	} {
		m.EOS = append(llama.TokenIDs{-1}, c.eos...)
		s := session(t, m, object(t, 0))
		a, err := s.Ask(ctx, question, c.o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.TokenIDs, full.TokenIDs[:c.want]) || a.Stop != c.stop || a.Ended != (c.stop == StopEnd) {
			t.Errorf("%+v, ends %v: ids %v, stop %q, ended %v; want %v, %q", c.o, m.EOS, a.TokenIDs, a.Stop, a.Ended, full.TokenIDs[:c.want], c.stop)
		}
		if got := s.cache.Cap(); got > n+c.o.MaxNewTokens || c.o.Context > 0 && got > c.o.Context {
			t.Errorf("%+v: the cache has room for %d tokens", c.o, got)
		}
	}
}

// A prompt that does not fit is refused before anything is computed.
func TestPromptTooLong(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	s := session(t, m, object(t, 0))
	before := d.Stats().Peak
	_, err := s.Ask(context.Background(), question, Options{Context: 100}, nil)
	if err == nil || !strings.Contains(err.Error(), "tokens leaves no room for an answer in a context of 100 tokens") {
		t.Errorf("error %v", err)
	}
	_, err = s.Generate(context.Background(), make([]int32, 5000), Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "5000 tokens") || !strings.Contains(err.Error(), "4096") {
		t.Errorf("error %v", err)
	}
	if after := d.Stats().Peak; after != before {
		t.Errorf("%d bytes were taken", after-before)
	}
}

// When a conversation gets too long, its oldest turns are left out; the answer
// is that of a session that never had them.
func TestConversationLeavesTurnsOut(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	ctx := context.Background()
	all := turns("What is it?", "a chair.", "Is it red, or is it of another colour?", "it is red and has four legs.", "Who sits on it?", "nobody.", "Where?")
	lengths := make([]int, len(all)) // of the prompt without the first i turns
	for i := 0; i < len(all); i += 2 {
		ids, err := session(t, m, object(t, 0)).ids(all[i:])
		if err != nil {
			t.Fatal(err)
		}
		lengths[i] = len(ids)
	}
	const answer = 4
	for _, c := range []struct{ context, dropped int }{
		{lengths[0] + answer, 0}, {lengths[0] + answer - 1, 2}, {lengths[2] + answer - 1, 4}, {lengths[4] + answer - 1, 6},
		{lengths[6] + 2, 6}, // the last question is asked in any case
	} {
		o := Options{MaxNewTokens: answer, Context: c.context}
		s := session(t, m, object(t, 0))
		if c.context >= lengths[2] { // the session knows the conversation so far
			if _, err := s.Converse(ctx, all[:3], o, nil); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Converse(ctx, all, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := session(t, m, object(t, 0)).Converse(ctx, all[c.dropped:], o, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameAnswer(t, "shorter conversation", got, want)
		if got.Dropped != c.dropped || len(got.PromptIDs) != lengths[c.dropped] {
			t.Errorf("context of %d: %d turns left out, a prompt of %d tokens; want %d and %d", c.context, got.Dropped, len(got.PromptIDs), c.dropped, lengths[c.dropped])
		}
	}
	if _, err := session(t, m, object(t, 0)).Converse(ctx, all, Options{Context: lengths[6]}, nil); err == nil {
		t.Error("no error for a question that leaves no room for an answer")
	}
}

// A cache that grows with a conversation keeps what it holds.
func TestCacheGrowth(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	ctx, o := context.Background(), Options{MaxNewTokens: 6}
	s := session(t, m, object(t, 0))
	var talk []string
	for _, q := range []string{"What is it?", "Is it red, or is it of another colour?", "Who?", "Where, and why there?"} {
		talk = append(talk, q)
		got, err := s.Converse(ctx, turns(talk...), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := session(t, m, object(t, 0)).Converse(ctx, turns(talk...), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameAnswer(t, q, got, want)
		talk = append(talk, got.Text)
	}
}

// full is a device that has no memory left from some size on.
type full struct {
	kernels.Device
	limit int
	err   *error
}

func (f full) Alloc(size int) tensor.Buffer {
	if size > f.limit {
		*f.err = errors.New("no memory")
	}
	return f.Device.Alloc(size)
}

func (f full) Err() error { return *f.err }

// A cache that the device has no memory for fails with what it takes.
func TestNoMemoryForTheCache(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, full{d, 1 << 20, new(error)})
	s := session(t, m, object(t, 0))
	if _, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 2}, nil); err != nil {
		t.Fatal(err)
	}
	before := d.Stats().Live
	const many = 100000
	_, err := session(t, m, object(t, 0)).Ask(context.Background(), question, Options{MaxNewTokens: many, Context: 2 * many}, nil)
	if err == nil || !strings.Contains(err.Error(), "keys and values of 100") || !strings.Contains(err.Error(), "MiB: no memory") {
		t.Errorf("error %v", err)
	}
	if after := d.Stats().Live; after != before {
		t.Errorf("%d bytes in use, %d before", after, before)
	}
}
