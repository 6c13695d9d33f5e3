package infer

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"llana/kernels/cpu"
	"llana/models/conversation"
	"llana/models/spatialllana"
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

func TestRewindKeepsObject(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	s := session(t, m, object(t, 0))
	if _, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 1}, nil); err != nil {
		t.Fatal(err)
	}
	prompt := readExpected(t).PromptIDs
	start := slices.Index(prompt, 601)
	changed := slices.Clone(prompt)
	changed[start+5] = 7
	if n := s.rewind(changed); n != start {
		t.Errorf("%d tokens kept of a prompt that differs inside the object, want %d", n, start)
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

func TestSampling(t *testing.T) {
	logits := []float32{1, 3, 2, -1, 2.5}
	probability := func(ids ...int) map[int]float64 {
		p, sum := map[int]float64{}, 0.0
		for _, i := range ids {
			p[i] = math.Exp(float64(logits[i]) / 0.8)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	for _, c := range []struct {
		name string
		s    Sampling
		want map[int]float64
	}{
		{"all", Sampling{Temperature: 0.8}, probability(0, 1, 2, 3, 4)},
		{"top-k", Sampling{Temperature: 0.8, TopK: 3}, probability(1, 4, 2)},
		{"top-p", Sampling{Temperature: 0.8, TopP: 0.7}, probability(1, 4)}, // 0.50, 0.77
		{"tiny top-p", Sampling{Temperature: 0.8, TopP: 1e-9}, probability(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 20000
			r := rand.New(rand.NewPCG(1, 2))
			counts := map[int]float64{}
			for range n {
				id, err := c.s.choose(logits, r)
				if err != nil {
					t.Fatal(err)
				}
				counts[id]++
			}
			for i := range logits {
				if p := c.want[i]; math.Abs(counts[i]/n-p) > 5*math.Sqrt(p*(1-p)/n) {
					t.Errorf("token %d drawn with frequency %v, want %v", i, counts[i]/n, p)
				}
			}
		})
	}
	if _, err := (Sampling{Temperature: 1}).choose([]float32{1, float32(math.NaN())}, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Error("no error for a logit that is not a number")
	}
}

func TestSeededSampling(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	answer := func(seed uint64) []int32 {
		a, err := session(t, m, object(t, 0)).Ask(context.Background(), question, Options{MaxNewTokens: 12, Sampling: Sampling{Temperature: 1, TopK: 50, TopP: 0.95, Seed: seed}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a.TokenIDs
	}
	if a, b := answer(3), answer(3); !slices.Equal(a, b) {
		t.Errorf("one seed gives %v and %v", a, b)
	}
	if a, b := answer(3), answer(4); slices.Equal(a, b) {
		t.Errorf("two seeds both give %v", a)
	}
}

// A batch answers as one session for each prompt does.
func TestGenerateBatch(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	ctx := context.Background()
	m.EOS = []int{289} // ends the first answer after 10 tokens
	var prompts [][]int32
	var objects []*spatialllana.Object
	var want []Answer
	for i, q := range []string{question, "What is it?", question, "Who?"} {
		var o *spatialllana.Object
		if i < 3 {
			o = object(t, i)
		}
		a, err := session(t, m, o).Ask(ctx, q, Options{MaxNewTokens: 15}, nil)
		if err != nil {
			t.Fatal(err)
		}
		prompts, objects, want = append(prompts, a.PromptIDs), append(objects, o), append(want, a)
	}
	got, err := GenerateBatch(ctx, m, prompts, objects, Options{MaxNewTokens: 15})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if g := got[i]; g.Text != w.Text || !slices.Equal(g.TokenIDs, w.TokenIDs) || g.Ended != w.Ended {
			t.Errorf("prompt %d: %+v, want %+v", i, g, w)
		}
	}
	if !got[0].Ended || len(got[0].TokenIDs) != 10 {
		t.Errorf("%d tokens, ended %v; want 10 and an end", len(got[0].TokenIDs), got[0].Ended)
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

// A margin is the least lead of the chosen tokens, and asking for it changes
// nothing.
func TestMargins(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		want   token
	}{
		{[]float32{1, 3, 2.5}, token{1, 0.5 / 3}}, {[]float32{0.5, 0.25}, token{0, 0.25}}, {[]float32{2, 2, 1}, token{0, 0}},
		{[]float32{-4, -8}, token{0, 1}}, {[]float32{1, float32(math.NaN())}, token{0, 0}},
	} {
		if got := likeliest(c.logits); got.id != c.want.id || !(math.Abs(float64(got.margin-c.want.margin)) < 1e-6) {
			t.Errorf("logits %v give %v, want %v", c.logits, got, c.want)
		}
	}
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	plain, err := session(t, m, object(t, 0)).Ask(context.Background(), question, Options{MaxNewTokens: 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := session(t, m, object(t, 0)).Ask(context.Background(), question, Options{MaxNewTokens: 8, Margins: true}, nil)
	if err != nil || !slices.Equal(a.TokenIDs, plain.TokenIDs) || !(a.Margin > 0) || plain.Margin != 0 {
		t.Errorf("ids %v with margin %v (%v), want %v", a.TokenIDs, a.Margin, err, plain.TokenIDs)
	}
	ids := append(append([]int32(nil), a.PromptIDs...), a.TokenIDs...)
	logits, err := Logits(context.Background(), m, ids, object(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	least := float32(math.Inf(1))
	for i := range a.TokenIDs {
		least = min(least, likeliest(logits[(len(a.PromptIDs)+i-1)*m.VocabSize:][:m.VocabSize]).margin)
	}
	if math.Abs(float64(least-a.Margin)) > 1e-4 {
		t.Errorf("margin %v, the logits of the whole sequence say %v", a.Margin, least)
	}
}
