package infer

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/conversation"
	"llana/models/golden"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

const goldenDir = "../models/spatialllana/testdata"

// eachDevice runs f on the devices that generation is checked on.
func eachDevice(t *testing.T, f func(t *testing.T, d kernels.Device)) {
	t.Run("reference", func(t *testing.T) { f(t, kernels.NewReference(tensor.F32)) })
	devicetest.Each(t, f)
}

func openModel(d kernels.Device) (*spatialllana.Model, error) {
	return spatialllana.Open(d, goldenDir+"/hf_model", spatialllana.OpenOptions{})
}

func open(t *testing.T, d kernels.Device) *spatialllana.Model {
	t.Helper()
	m, err := openModel(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

// object returns object i of the reference data.
func object(t *testing.T, i int) *spatialllana.Object {
	g := golden.Open(t, goldenDir)
	s, v := g.Shape(t, "vecs"), g.Floats(t, "vecs")
	n := s[1] * s[2]
	return &spatialllana.Object{Tokens: s[1], Width: s[2], Data: v[i*n : (i+1)*n]}
}

func session(t *testing.T, m *spatialllana.Model, o *spatialllana.Object) *Session {
	t.Helper()
	s, err := NewSession(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

type expected struct {
	Prompt    string
	PromptIDs []int32 `json:"prompt_ids"`
	NewIDs    []int32 `json:"new_ids"`
	Text      string  `json:"text_skip_special"`
	WithEOS   struct {
		EOS    int     `json:"eos_token_id"`
		NewIDs []int32 `json:"new_ids"`
	} `json:"with_eos"`
}

func readExpected(t *testing.T) expected {
	t.Helper()
	var e expected
	b, err := os.ReadFile("testdata/generate.json")
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const question = "What color is the chair?"

func TestGreedyMatchesPyTorch(t *testing.T) {
	want := readExpected(t)
	ctx := context.Background()
	eachDevice(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		m.EOS = nil // none of the ids below is the tokenizer's
		s := session(t, m, object(t, 0))
		prompt, err := s.Prompt([]conversation.Turn{{From: conversation.Human, Value: question}})
		if err != nil || prompt != want.Prompt {
			t.Errorf("prompt %q (error %v), want %q", prompt, err, want.Prompt)
		}
		var streamed strings.Builder
		a, err := s.Ask(ctx, question, Options{MaxNewTokens: len(want.NewIDs)}, func(p string) { streamed.WriteString(p) })
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.PromptIDs, want.PromptIDs) || !slices.Equal(a.TokenIDs, want.NewIDs) || a.Ended {
			t.Errorf("ids %v after %v, want %v after %v", a.TokenIDs, a.PromptIDs, want.NewIDs, want.PromptIDs)
		}
		if a.Text != strings.TrimSpace(want.Text) || strings.TrimSpace(streamed.String()) != a.Text {
			t.Errorf("text %q, streamed %q, want %q", a.Text, streamed.String(), want.Text)
		}
		m.EOS = llama.TokenIDs{want.WithEOS.EOS}
		a, err = s.Ask(ctx, question, Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.TokenIDs, want.WithEOS.NewIDs) || !a.Ended {
			t.Errorf("ids %v, want %v", a.TokenIDs, want.WithEOS.NewIDs)
		}
	})
}

func TestLogitsMatchPyTorch(t *testing.T) {
	g := golden.Open(t, goldenDir)
	cols := g.Shape(t, "input_ids")[1]
	n := int(g.Ints(t, "lengths")[1])
	ids := g.Ints(t, "input_ids")[cols : cols+n]
	eachDevice(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		got, err := Logits(context.Background(), m, ids, object(t, 1), Options{Chunk: 13})
		if err != nil {
			t.Fatal(err)
		}
		want := g.Floats(t, "logits")[cols*m.VocabSize:][:n*m.VocabSize]
		golden.Close(t, "logits", got, want, g.Arrays["logits"].ATol, g.Arrays["logits"].RTol)
	})
}

// turns is a conversation of some questions and answers.
func turns(values ...string) []conversation.Turn {
	var ts []conversation.Turn
	for i, v := range values {
		from := conversation.Human
		if i%2 == 1 {
			from = conversation.GPT
		}
		ts = append(ts, conversation.Turn{From: from, Value: v})
	}
	return ts
}
