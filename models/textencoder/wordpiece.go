package textencoder

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// wordPiece is BERT's tokenizer (Devlin et al., NAACL 2019), as MPNet uses it:
// words are split at white space and punctuation, and each is covered by the
// longest pieces of the vocabulary from the left.
type wordPiece struct {
	vocab    map[string]int32 // pieces inside a word begin with "##"
	unknown  int32
	specials specials
	longest  int // bytes of the longest piece
	wordPieceOptions
}

// wordPieceOptions are the keys of tokenizer_config.json; nil means the
// default.
type wordPieceOptions struct {
	LowerCase    *bool  `json:"do_lower_case"`          // default true
	StripAccents *bool  `json:"strip_accents"`          // default as LowerCase
	ChineseWords *bool  `json:"tokenize_chinese_chars"` // each a word; default true
	Unknown      *token `json:"unk_token"`              // default [UNK]
}

// maxWordRunes is the length from which a word is unknown as a whole.
const maxWordRunes = 100

// parseVocab reads vocab.txt: a piece a line, its id the number of the line
// from 0.
func parseVocab(text string) (map[string]int32, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("expected pieces in UTF-8, found other bytes")
	}
	vocab := map[string]int32{}
	n := int32(0)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		piece := strings.TrimSuffix(line, "\r")
		if other, ok := vocab[piece]; ok {
			return nil, fmt.Errorf("line %d: piece %q is in line %d already", n+1, piece, other+1)
		}
		vocab[piece] = n
		n++
	}
	return vocab, nil
}

func newWordPiece(vocab map[string]int32, o wordPieceOptions) (*wordPiece, error) {
	w := &wordPiece{vocab: vocab, wordPieceOptions: o}
	unknown := "[UNK]"
	if o.Unknown != nil {
		unknown = string(*o.Unknown)
	}
	var ok bool
	if w.unknown, ok = vocab[unknown]; !ok {
		return nil, fmt.Errorf("the vocabulary has no %s, the token of unknown words", unknown)
	}
	for piece := range vocab {
		w.longest = max(w.longest, len(piece))
	}
	w.specials = findSpecials(vocab, "<s>", "</s>", "<pad>", "<unk>", unknown, maskToken)
	return w, nil
}

func (w *wordPiece) encode(text string) []int32 {
	return w.specials.split(strings.ToValidUTF8(text, "\ufffd"), func(ids []int32, piece string) []int32 {
		for _, word := range w.words(piece) {
			ids = w.pieces(ids, word)
		}
		return ids
	})
}

// isOr returns an option, or its default.
func isOr(option *bool, otherwise bool) bool {
	if option != nil {
		return *option
	}
	return otherwise
}

// words normalises a text and splits it into words and punctuation.
func (w *wordPiece) words(text string) []string {
	lower := isOr(w.LowerCase, true)
	chinese := isOr(w.ChineseWords, true)
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == 0 || r == utf8.RuneError || isControl(r):
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case chinese && isChinese(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	s := b.String()
	if isOr(w.StripAccents, lower) {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	if lower {
		s = strings.ToLower(s)
	}
	return splitWords(s)
}

// splitWords splits at spaces and makes each punctuation mark a word.
func splitWords(s string) []string {
	var words []string
	start := 0
	end := func(i int) {
		if i > start {
			words = append(words, s[start:i])
		}
	}
	for i, r := range s {
		n := utf8.RuneLen(r)
		switch {
		case unicode.IsSpace(r):
			end(i)
			start = i + n
		case isPunctuation(r):
			end(i)
			words = append(words, s[i:i+n])
			start = i + n
		}
	}
	end(len(s))
	return words
}

// pieces appends the ids of a word's pieces. A word that they do not cover is
// unknown as a whole.
func (w *wordPiece) pieces(ids []int32, word string) []int32 {
	if utf8.RuneCountInString(word) > maxWordRunes {
		return append(ids, w.unknown)
	}
	first, prefix := len(ids), ""
	for word != "" {
		n := min(len(word), w.longest)
		for ; n > 0; n-- {
			if n < len(word) && !utf8.RuneStart(word[n]) {
				continue
			}
			if id, ok := w.vocab[prefix+word[:n]]; ok {
				ids = append(ids, id)
				break
			}
		}
		if n == 0 {
			return append(ids[:first], w.unknown)
		}
		word, prefix = word[n:], "##"
	}
	return ids
}

// isControl reports whether r is of category C, other: control and format
// characters, private use and code points that are not assigned. Tab and line
// ends are white space instead.
func isControl(r rune) bool {
	if r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
}

// isPunctuation reports whether r is of category P or one of ASCII's signs.
func isPunctuation(r rune) bool {
	return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~' || unicode.IsPunct(r)
}

// isChinese reports whether r is in one of the blocks of CJK ideographs.
func isChinese(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0xf900 && r <= 0xfaff ||
		r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2ceaf || r >= 0x2f800 && r <= 0x2fa1f
}
