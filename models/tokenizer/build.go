package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Build makes a tokenizer for a small language in which every given word is
// one token where it starts a word: "ball" is the piece "▁ball". A word given
// with a newline in front is instead one token at the start of a line.
//
// The vocabulary is <unk>, <s>, </s>, the 256 byte pieces, the words with all
// their beginnings (byte-pair merging reaches "▁ball" through "▁b", "▁ba",
// "▁bal"), then single characters: those of the words, digits and ASCII
// punctuation. The special tokens follow behind the model's own vocabulary,
// as added tokens. Punctuation after a word stays a token of its own: "ball."
// is "▁ball", ".". Other text falls back to characters and bytes.
//
// The ids depend on the words and their order alone; a repeated word counts
// once. Every model file made this way can be read by SentencePiece.
func Build(words []string, specialTokens ...string) (*Tokenizer, error) {
	pieces, err := wordPieces(words, specialTokens)
	if err != nil {
		return nil, err
	}
	legacy := true
	t, err := newTokenizer(appendModelProto(nil, pieces), &config{Legacy: &legacy})
	if err != nil {
		return nil, err
	}
	if _, err := t.AddSpecialTokens(specialTokens...); err != nil {
		return nil, err
	}
	return t, nil
}

// wordPieces lists the vocabulary of Build. Every piece of several characters
// begins with "▁" or a newline and is one character longer than another one,
// and neither of the two occurs inside a piece: merges can only run from the
// start of a word forwards, so no two of them compete and each word is
// reached whatever its neighbours are.
func wordPieces(words, specialTokens []string) ([]piece, error) {
	pieces := []piece{
		{defaultUnknown, 0, kindUnknown},
		{defaultBOS, 0, kindControl},
		{defaultEOS, 0, kindControl},
	}
	for b := range 256 {
		pieces = append(pieces, piece{fmt.Sprintf("<0x%02X>", b), 0, kindByte})
	}
	seen := map[string]bool{}
	rank := 0 // the trainer of SentencePiece scores its pieces 0, -1, -2, …
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			pieces = append(pieces, piece{text, -float32(rank), kindNormal})
			rank++
		}
	}
	var marked []string
	for i, word := range words {
		m, err := markWord(word, specialTokens)
		if err != nil {
			return nil, fmt.Errorf("word %d %.40q: %w", i, word, err)
		}
		marked = append(marked, m)
		_, first := utf8.DecodeRuneInString(m)
		for end, r := range m {
			if end >= first {
				add(m[:end+utf8.RuneLen(r)])
			}
		}
	}
	add(space)
	for _, m := range marked {
		for _, r := range m {
			add(string(r))
		}
	}
	for c := '!'; c <= '~'; c++ {
		if unicode.IsDigit(c) || unicode.IsPunct(c) || unicode.IsSymbol(c) {
			add(string(c))
		}
	}
	return pieces, nil
}

// markWord checks a word and puts "▁" in front unless it starts with a
// newline.
func markWord(word string, specialTokens []string) (string, error) {
	body, atLineStart := strings.CutPrefix(word, "\n")
	switch {
	case body == "":
		return "", fmt.Errorf("the word is empty")
	case !utf8.ValidString(body):
		return "", fmt.Errorf("the word is not valid UTF-8")
	case strings.Contains(body, space) || strings.ContainsFunc(body, func(r rune) bool { return r == 0 || isSpace(r) }):
		return "", fmt.Errorf("the word contains white space or a null character")
	}
	for _, tok := range append([]string{defaultUnknown, defaultBOS, defaultEOS}, specialTokens...) {
		if tok != "" && strings.Contains(body, tok) {
			return "", fmt.Errorf("the word contains the special token %s", tok)
		}
	}
	if atLineStart {
		return word, nil
	}
	return space + body, nil
}

// appendModelProto encodes a BPE model with byte fallback and LLaMA's text
// rules.
func appendModelProto(b []byte, pieces []piece) []byte {
	number := func(b []byte, num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
	}
	str := func(b []byte, num protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
	}
	var msg []byte
	for _, p := range pieces {
		msg = str(msg[:0], fieldPieceText, p.text)
		msg = protowire.AppendTag(msg, fieldPieceScore, protowire.Fixed32Type)
		msg = protowire.AppendFixed32(msg, math.Float32bits(p.score))
		msg = number(msg, fieldPieceType, uint64(p.kind))
		b = str(b, fieldPieces, string(msg))
	}
	msg = number(msg[:0], fieldModelType, modelTypeBPE)
	msg = number(msg, fieldVocabSize, uint64(len(pieces)))
	msg = number(msg, fieldByteFallback, 1)
	b = str(b, fieldTrainer, string(msg))

	msg = str(msg[:0], fieldNormalizerName, "identity")
	msg = number(msg, fieldDummyPrefix, 1)
	msg = number(msg, fieldRemoveExtraSpace, 0)
	msg = number(msg, fieldEscapeSpace, 1)
	return str(b, fieldNormalizer, string(msg))
}
