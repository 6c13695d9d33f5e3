package infer

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"llana/kernels/cpu"
)

// A model that writes the bytes of characters one at a time, in any order, is
// never shown with half a character, and what was shown is the answer.
func FuzzStreamedText(f *testing.F) {
	d := cpu.New(0)
	f.Cleanup(func() { d.Close() })
	m, err := openModel(d)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(m.Free)
	for seed := range uint64(60) {
		f.Add(seed, float64(seed)/3)
	}
	f.Fuzz(func(t *testing.T, seed uint64, temperature float64) {
		// Very hot, it takes any of the 603 tokens, of which 256 are bytes.
		o := Options{MaxNewTokens: 24, Sampling: Sampling{Temperature: temperature, Seed: seed}}
		if o.Validate() != nil {
			t.Skip()
		}
		s := session(t, m, nil)
		var shown strings.Builder
		a, err := s.Generate(context.Background(), []int32{1, 300, 310}, o, func(text string) {
			if text == "" || !utf8.ValidString(text) {
				t.Errorf("shown %q", text)
			}
			shown.WriteString(text)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(shown.String()); got != a.Text {
			t.Errorf("shown %q, the answer is %q", got, a.Text)
		}
		whole := a
		if whole.decode(m); whole.Text != a.Text {
			t.Errorf("streamed %q, decoded at once %q", a.Text, whole.Text)
		}
	})
}
