package metrics

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Expected values are those of Python 3.11.
func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                  nil,
		" \t\n":                             nil,
		"a  b\tc\n":                         {"a", "b", "c"},
		"a\x1cb\x1dc\x1ed\x1fe":             {"a", "b", "c", "d", "e"},
		"a\u0085b\u00a0c\u2003d\u3000e":     {"a", "b", "c", "d", "e"},
		"a\u200bb\u180ec\ufeffd\u2060":      {"a\u200bb\u180ec\ufeffd\u2060"},
		"\u2028x\u2029y\u202fz\u205f\u1680": {"x", "y", "z"},
		"\x00a\x7f":                         {"\x00a\x7f"},
	} {
		if got := Words(text); !slices.Equal(got, want) {
			t.Errorf("words of %q are %q, want %q", text, got, want)
		}
	}
}

func TestLower(t *testing.T) {
	for text, want := range map[string]string{
		"ABC": "abc", "É": "é", "İI": "i̇i", "ẞ": "ß", "Ǆǅ": "ǆǆ", "Ω": "ω", "ⅣⒶ": "ⅳⓐ", "𐐀": "𐐨",
		"Σ": "σ", "ΑΣ": "ας", "ΣΑ": "σα", "ΑΣ.": "ας.", "ΑΣ.Α": "ασ.α", "ΑΣ Α": "ας α", "1Σ": "1σ",
		"Α\u0301Σ\u0301": "α\u0301ς\u0301", "ΑΣ'Σ": "ασ'ς", "ʰΣ": "ʰσ", ".Σ": ".σ", "ΑΣΣ": "ασς",
	} {
		if got := lower(text); got != want {
			t.Errorf("%q in lower case is %q, want %q", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"äöü", 2, "äö"}, {"äöü", 3, "äöü"}, {"🪑🪑", 1, "🪑"},
		{"e\u0301x", 1, "e"}, {strings.Repeat("椅", 300), 200, strings.Repeat("椅", 200)}, {"x", 0, ""},
	} {
		if got := Cut(c.text, c.n); got != c.want {
			t.Errorf("first %d of %q are %q, want %q", c.n, c.text, got, c.want)
		}
	}
}

func TestPyFloat(t *testing.T) {
	for want, x := range map[string]float64{
		"0.0": 0, "100.0": 100, "0.1": 0.1, "99.85422740524781": 99.85422740524781, "0.0001": 1e-4, "1e-05": 1e-5,
		"1.25e-07": 1.25e-7, "1e+16": 1e16, "1234567890123456.0": 1234567890123456, "5e-324": 5e-324, "-0.0": math.Copysign(0, -1),
		"1.2e+300": 1.2e300, "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
	} {
		if got := pyFloat(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}

func TestPyString(t *testing.T) {
	for text, want := range map[string]string{
		"a \"b\" \\ /": `"a \"b\" \\ /"`, "\b\f\n\r\t": `"\b\f\n\r\t"`, "\x00\x1f\x7f": `"\u0000\u001f\u007f"`,
		"é椅": `"\u00e9\u6905"`, "🪑": `"\ud83e\ude91"`, "<&>'": `"<&>'"`, "\u2028": `"\u2028"`,
	} {
		if got := pyString(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}
