package infer

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"llana/kernels/cpu"
)

// Penalty, temperature, top-k and top-p leave the tokens and probabilities that
// transformers' definitions do.
func TestSamplingMatchesTransformers(t *testing.T) {
	var cases []struct {
		Logits        []float32
		IDs           []int32
		Penalty       float64
		Temperature   float64
		TopK          int     `json:"top_k"`
		TopP          float64 `json:"top_p"`
		Likeliest     int32
		Kept          []int32
		Probabilities []float64
	}
	b, err := os.ReadFile("testdata/warpers.json")
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for i, c := range cases {
		s := newSampler(Sampling{RepetitionPenalty: c.Penalty, Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP}, c.IDs)
		logits := slices.Clone(c.Logits)
		s.penalize(logits)
		cs, err := s.candidates(logits)
		if err != nil {
			t.Fatal(err)
		}
		greedy := newSampler(Sampling{RepetitionPenalty: c.Penalty}, c.IDs)
		if got, err := greedy.choose(slices.Clone(c.Logits)); err != nil || got.id != c.Likeliest {
			t.Errorf("case %d: greedy takes %d (%v), want %d", i, got.id, err, c.Likeliest)
		}
		sum := total(cs)
		slices.SortFunc(cs, func(a, b candidate) int { return int(a.id - b.id) })
		if len(cs) != len(c.Kept) {
			t.Errorf("case %d: %d tokens may be drawn, want %d", i, len(cs), len(c.Kept))
			continue
		}
		for j, got := range cs {
			// The reference computes in float32.
			if p := got.weight / sum; got.id != c.Kept[j] || math.Abs(p-c.Probabilities[j]) > 2e-6 {
				t.Errorf("case %d: token %d has probability %v, want token %d with %v", i, got.id, p, c.Kept[j], c.Probabilities[j])
			}
		}
	}
}

// A penalty counts the answer's own tokens too.
func TestPenaltyOfTheAnswer(t *testing.T) {
	s := newSampler(Sampling{RepetitionPenalty: 2}, []int32{0})
	var got []int32
	for range 4 {
		x, err := s.choose([]float32{8, 5, 6, -1})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, x.id)
	}
	// 4 5 6 -1, then 4 5 3 -1, then 4 2.5 3 -1 twice.
	if want := []int32{2, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("tokens %v, want %v", got, want)
	}
}

// Tokens are drawn as often as their probabilities say.
func TestDraws(t *testing.T) {
	logits := []float32{1, 3, 2, -1, 2.5}
	s := newSampler(Sampling{Temperature: 0.8, TopK: 3, Seed: 5}, nil)
	want, sum := make([]float64, len(logits)), 0.0
	for _, i := range []int{1, 2, 4} {
		want[i] = math.Exp(float64(logits[i]) / 0.8)
		sum += want[i]
	}
	const n = 20000
	counts := make([]float64, len(logits))
	for range n {
		x, err := s.choose(slices.Clone(logits))
		if err != nil {
			t.Fatal(err)
		}
		counts[x.id]++
	}
	for i := range logits {
		if p := want[i] / sum; math.Abs(counts[i]/n-p) > 5*math.Sqrt(p*(1-p)/n) {
			t.Errorf("token %d drawn with frequency %v, want %v", i, counts[i]/n, p)
		}
	}
	if _, err := newSampler(Sampling{Temperature: 1}, nil).choose([]float32{1, float32(math.NaN())}); err == nil {
		t.Error("no error for a logit that is not a number")
	}
}

// However low the temperature, and however large the logits, the likeliest token
// stays it.
func TestExtremeTemperatures(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		logits      []float32
		temperature float64
		want        int32
	}{
		{[]float32{1, 3, 2}, 1e-310, 1}, {[]float32{1, inf, 2}, 1, 1}, {[]float32{-inf, -inf, 2}, 1, 2}, {[]float32{-3e38, 3e38, 0}, 1e-30, 1},
	} {
		s := newSampler(Sampling{Temperature: c.temperature}, nil)
		for range 20 {
			if got, err := s.choose(slices.Clone(c.logits)); err != nil || got.id != c.want {
				t.Fatalf("%v at %v: token %d (%v), want %d", c.logits, c.temperature, got.id, err, c.want)
			}
		}
	}
}

func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		x := make([]float32, 1+r.IntN(40))
		for i := range x {
			x[i] = float32(r.IntN(20)) - 10 // with ties
		}
		k := 1 + r.IntN(len(x))
		want := slices.Clone(x)
		slices.Sort(want)
		if got := largest(slices.Clone(x), k); got != want[len(x)-k] {
			t.Fatalf("number %d of %v is %v, want %v", k, x, got, want[len(x)-k])
		}
	}
}

func TestSamplingValidate(t *testing.T) {
	for _, s := range []Sampling{{RepetitionPenalty: -1}, {RepetitionPenalty: math.NaN()}, {Temperature: -1}, {Temperature: math.Inf(1)}, {TopK: -1}, {TopP: 1.1}, {TopP: math.NaN()}} {
		if s.Validate() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
	for _, o := range []Options{{MaxNewTokens: -1}, {Context: -1}, {Chunk: -1}} {
		if o.Validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	if err := (Options{}).Validate(); err != nil {
		t.Error(err)
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
	logits, err := Logits(context.Background(), m, ids, object(t, 0), Options{})
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

func BenchmarkChoose(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	logits := make([]float32, 32003)
	for i := range logits {
		logits[i] = float32(3 * r.NormFloat64())
	}
	prompt := make([]int32, 3125)
	for name, s := range map[string]Sampling{
		"temperature": {Temperature: 1}, "top-p": {Temperature: 1, TopP: 0.95}, "top-k": {Temperature: 1, TopK: 50},
		"all": {RepetitionPenalty: 1.1, Temperature: 1, TopK: 50, TopP: 0.95},
	} {
		b.Run(name, func(b *testing.B) {
			p := newSampler(s, prompt)
			for b.Loop() {
				if _, err := p.choose(slices.Clone(logits)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
