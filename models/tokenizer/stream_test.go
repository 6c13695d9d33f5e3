package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// streamed decodes ids one at a time and checks that no call returns half a
// character.
func streamed(t testing.TB, tok *Tokenizer, ids []int) string {
	t.Helper()
	s := tok.NewStream()
	var out strings.Builder
	for _, id := range ids {
		text := s.Add(id)
		if !utf8.ValidString(text) {
			t.Errorf("%v: id %d gives %q", ids, id, text)
		}
		out.WriteString(text)
	}
	out.WriteString(s.Flush())
	return out.String()
}

func TestStreamIsDecode(t *testing.T) {
	shown := loadVariant(t, configFile, func(c map[string]any) { // <point_patch> is an added token that decoding shows
		delete(c, "additional_special_tokens")
		c["added_tokens_decoder"].(map[string]any)["600"].(map[string]any)["special"] = false
	})
	rng := rand.New(rand.NewPCG(1, 2))
	for name, tok := range map[string]*Tokenizer{"legacy": loadLegacy(t), "new": loadNew(t), "shown": shown, "built": buildToy(t)} {
		for range 3000 {
			ids := make([]int, rng.IntN(12))
			for i := range ids {
				switch rng.IntN(4) {
				case 0: // specials and added tokens
					ids[i] = (rng.IntN(7) + tok.VocabSize() - 4) % tok.VocabSize()
				case 1: // bytes, often of one character
					ids[i] = 3 + int("\u00e9\u20ac\U0001f642"[rng.IntN(9)])
				case 2: // a space
					ids[i], _ = tok.ID(space)
				default:
					ids[i] = rng.IntN(tok.VocabSize())
				}
			}
			checkText(t, name+": streamed text", ids, streamed(t, tok, ids), tok.Decode(ids, true))
		}
	}
}

func TestStreamWaitsForWholeCharacters(t *testing.T) {
	s := loadLegacy(t).NewStream()
	var got []string
	for _, b := range []byte("é🙂\xe2\x82!") {
		got = append(got, s.Add(3+int(b)))
	}
	want := []string{"", "é", "", "", "", "🙂", "", "", "\ufffd\ufffd!"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("pieces of text %q, want %q", got, want)
	}
	s.Add(3 + 0xe2)
	if got := s.Flush(); got != "\ufffd" {
		t.Errorf("Flush returns %q, want U+FFFD", got)
	}
}

func TestIDsOutsideTheVocabulary(t *testing.T) {
	tok := loadLegacy(t)
	ids := []int{262, -1, 603, 1 << 40}
	checkText(t, "text", ids, tok.Decode(ids, false), "a\ufffd\ufffd\ufffd")
	checkText(t, "streamed text", ids, streamed(t, tok, ids), "a\ufffd\ufffd\ufffd")
	if got := tok.Piece(603); got != "" {
		t.Errorf("piece 603 is %q, want none", got)
	}
}
