package porter

import (
	"encoding/json"
	"os"
	"testing"
	"unicode/utf8"
)

// Stems of thousands of words, natural and made of suffixes, by nltk 3.8.
func TestStem(t *testing.T) {
	for _, file := range []string{"golden/porter_stems.json", "stems.json"} {
		b, err := os.ReadFile("../testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var stems map[string]string
		if err := json.Unmarshal(b, &stems); err != nil {
			t.Fatal(err)
		}
		for word, want := range stems {
			if got := Stem(word); got != want {
				t.Errorf("stem of %q is %q, want %q", word, got, want)
			}
		}
	}
}

// What nltk's additions are there for, and where they have surprises.
func TestExtensions(t *testing.T) {
	for word, want := range map[string]string{
		"": "", "is": "is", "dies": "die", "flies": "fli", "died": "die", "spied": "spi", "skies": "sky", "news": "news",
		"enjoy": "enjoy", "happy": "happi", "fly": "fli", "geology": "geolog", "theology": "theolog", "eed": "eed", "feed": "feed",
		"fo*ding": "fod", "éies": "éie", "日本語s": "日本語", "syzygy": "syzygi", "radically": "radic",
	} {
		if got := Stem(word); got != want {
			t.Errorf("stem of %q is %q, want %q", word, got, want)
		}
	}
}

func FuzzStem(f *testing.F) {
	for _, w := range []string{"", "y", "yying", "oscillate", "fo*ding", "relational", "\xff\xfeing", "allialli"} {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if s := Stem(word); utf8.RuneCountInString(s) > utf8.RuneCountInString(word)+1 {
			t.Errorf("stem of %q is %q", word, s)
		}
	})
}
