package infer

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/models/golden"
	"llana/models/llama"
	"llana/models/spatialllana"
)

// longPrompt is a prompt with an object, between words that repeat.
func longPrompt(object *spatialllana.Object, before, behind int) []int32 {
	ids := []int32{1}
	words := func(n int) {
		for i := range n {
			ids = append(ids, int32(260+(7*i+len(ids))%300))
		}
	}
	words(before - 1)
	ids = append(ids, 601)
	for range object.Tokens {
		ids = append(ids, 600)
	}
	ids = append(ids, 602)
	words(behind)
	return ids
}

// A prompt read in pieces, whose borders cut the object too, is answered as one
// read at once.
func TestChunks(t *testing.T) {
	ctx := context.Background()
	eachDevice(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		m.EOS = llama.TokenIDs{-1}
		o := object(t, 0)
		prompt := longPrompt(o, 21, 18)
		whole, err := Logits(ctx, m, prompt, o, Options{Chunk: len(prompt)})
		if err != nil {
			t.Fatal(err)
		}
		want, err := session(t, m, o).Generate(ctx, prompt, Options{MaxNewTokens: 8, Chunk: len(prompt)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		tol := golden.Open(t, goldenDir).Arrays["logits"]
		for _, chunk := range []int{1, 5, 23, 32, len(prompt) - 1} {
			got, err := session(t, m, o).Generate(ctx, prompt, Options{MaxNewTokens: 8, Chunk: chunk}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.TokenIDs, want.TokenIDs) {
				t.Errorf("in pieces of %d: ids %v, want %v", chunk, got.TokenIDs, want.TokenIDs)
			}
			logits, err := Logits(ctx, m, prompt, o, Options{Chunk: chunk})
			if err != nil {
				t.Fatal(err)
			}
			golden.Close(t, "logits", logits, whole, tol.ATol, tol.RTol)
		}
	})
}

// A prompt that is given up half-way, inside its object, is read on from there.
func TestInterruptedReading(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	o := object(t, 0)
	prompt := longPrompt(o, 20, 30)
	want, err := session(t, m, o).Generate(context.Background(), prompt, Options{MaxNewTokens: 6}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := session(t, m, o)
	ctx, cancel := context.WithCancel(context.Background())
	options := Options{MaxNewTokens: 6, Chunk: 8, Progress: func(done, total int) {
		if total != len(prompt) {
			t.Errorf("%d tokens to read, want %d", total, len(prompt))
		}
		if done >= 24 {
			cancel()
		}
	}}
	if _, err := s.Generate(ctx, prompt, options, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	var done []int
	options.Progress = func(n, total int) {
		if done = append(done, n); total != len(prompt)-24 {
			t.Errorf("%d tokens left to read, want %d", total, len(prompt)-24)
		}
	}
	got, err := s.Generate(context.Background(), prompt, options, nil)
	if err != nil || !slices.Equal(got.TokenIDs, want.TokenIDs) {
		t.Errorf("ids %v (%v), want %v", got.TokenIDs, err, want.TokenIDs)
	}
	if !slices.Equal(done[:2], []int{8, 16}) || done[len(done)-1] != len(prompt)-24 {
		t.Errorf("progress %v", done)
	}
}

// What a prompt takes beside its keys and values is bounded by the pieces it is
// read in, and is given back.
func TestReadingMemory(t *testing.T) {
	const chunk, answer = 32, 4
	o := object(t, 0)
	// beside is the most memory of an answer beside parameters and cache.
	beside := func(words int, o *spatialllana.Object, chunk int) int64 {
		d := cpu.New(0)
		defer d.Close()
		m, err := spatialllana.Open(d, goldenDir+"/hf_model", spatialllana.OpenOptions{Random: true})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Free()
		before := d.Stats().Live
		s := session(t, m, o)
		prompt := longPrompt(o, words, 64)
		if _, err := s.Generate(context.Background(), prompt, Options{MaxNewTokens: answer, Chunk: chunk}, nil); err != nil {
			t.Fatal(err)
		}
		held := d.Stats().Live - before
		if want := llama.CacheBytes(m.Config.Config, 1, len(prompt)+answer, d.Float()); held < want || held > want+want/4 { // rounded up by the pool
			t.Errorf("a session holds %d bytes, its cache takes %d", held, want)
		}
		peak := d.Stats().Peak
		s.Close()
		if after := d.Stats().Live; after != before {
			t.Errorf("%d bytes in use, %d before", after, before)
		}
		return peak - before - held
	}
	short, long := beside(96, o, chunk), beside(2016, o, chunk)
	if long > short+short/8 {
		t.Errorf("a prompt of 2016 words takes %d bytes beside its cache, one of 96 words %d", long, short)
	}
	if whole := beside(2016, o, 4096); whole < 20*short {
		t.Errorf("in pieces of %d tokens a prompt takes %d bytes beside its cache, at once %d: it saves too little", chunk, short, whole)
	}
	big := &spatialllana.Object{Tokens: 3072, Width: o.Width, Data: make([]float32, 3072*o.Width)}
	if long := beside(96, big, chunk); long > short+short/2 {
		t.Errorf("an object of %d tokens takes %d bytes beside the cache, a small one %d", big.Tokens, long, short)
	}
}

func TestLogitsFaults(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	if _, err := Logits(context.Background(), m, []int32{1, 603}, nil, Options{}); err == nil {
		t.Error("no error for an id outside the vocabulary")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Logits(ctx, m, []int32{1, 5}, nil, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	v, err := Logits(context.Background(), m, []int32{1, 5, 6}, nil, Options{})
	if err != nil || len(v) != 3*m.VocabSize || math.IsNaN(float64(v[0])) {
		t.Errorf("%d logits (%v), want %d", len(v), err, 3*m.VocabSize)
	}
}
