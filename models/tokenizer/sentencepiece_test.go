package tokenizer

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type sentencePieceCases struct {
	Encode []struct {
		Text string
		Hex  string // instead of Text: bytes that are not valid UTF-8
		IDs  []int
	}
	Decode []struct {
		IDs  []int
		Text string
	}
}

// TestAgainstSentencePiece compares with what SentencePiece itself returns for
// models that reach the corners: equal scores, user-defined pieces, pieces of
// several spaces, no byte fallback, a model written by Build.
func TestAgainstSentencePiece(t *testing.T) {
	for _, name := range []string{"ties", "nobytes", "trained", "toyworld"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "sentencepiece", name+".model"))
			if err != nil {
				t.Fatal(err)
			}
			tok, err := newTokenizer(data, &config{})
			if err != nil {
				t.Fatal(err)
			}
			cases := readCases[sentencePieceCases](t, "sentencepiece", name+"_cases.json")
			for _, c := range cases.Encode {
				text := c.Text
				if c.Hex != "" {
					raw, err := hex.DecodeString(c.Hex)
					if err != nil {
						t.Fatal(err)
					}
					text = string(raw)
				}
				checkIDs(t, "ids of", text, tok.model.appendIDs(nil, text, true), c.IDs)
			}
			for _, c := range cases.Decode {
				d := tok.newPieceDecoder()
				var got strings.Builder
				for _, id := range c.IDs {
					got.WriteString(d.add(id, false))
				}
				got.WriteString(d.flush())
				checkText(t, "text", c.IDs, got.String(), c.Text)
			}
		})
	}
}
