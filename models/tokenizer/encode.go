package tokenizer

import (
	"strings"
	"unicode"
)

// Encode returns the ids of a text, with <s> in front and </s> behind as
// tokenizer_config.json asks for (by default <s> only). Special tokens that
// are spelled out in the text become their ids.
func (t *Tokenizer) Encode(text string) []int {
	var ids []int
	if t.addBOS {
		ids = append(ids, t.bos)
	}
	ids = t.appendText(ids, text)
	if t.addEOS {
		ids = append(ids, t.eos)
	}
	return ids
}

// EncodeSegment is Encode without <s> and </s> around the text.
func (t *Tokenizer) EncodeSegment(text string) []int {
	return t.appendText(nil, text)
}

func (t *Tokenizer) appendText(ids []int, text string) []int {
	if t.legacy || text == "" {
		return t.appendParts(ids, text)
	}
	text = strings.ReplaceAll(text, space, " ")
	if t.prefixSpace {
		text = space + text
	}
	before := len(ids)
	ids = t.appendParts(ids, text)
	// The "▁" put in front is dropped where a special token follows at once.
	if own := ids[before:]; len(own) > 1 && t.Piece(own[0]) == space && t.IsSpecial(own[1]) {
		ids = append(ids[:before], own[1:]...)
	}
	return ids
}

// appendParts cuts the text at special tokens and encodes what lies between.
func (t *Tokenizer) appendParts(ids []int, text string) []int {
	start := 0          // of the part before the next special token
	afterStrip := false // the special token before the part takes white space
	for at := 0; at < len(text); {
		id, length := t.cut.longest(text[at:])
		if length == 0 {
			at++
			continue
		}
		tok := t.special[id]
		ids = t.appendPart(ids, text[start:at], afterStrip, tok.LStrip)
		ids = append(ids, id)
		at += length
		start, afterStrip = at, tok.RStrip
	}
	return t.appendPart(ids, text[start:], afterStrip, false)
}

// appendPart encodes a text without special tokens.
func (t *Tokenizer) appendPart(ids []int, text string, stripLeft, stripRight bool) []int {
	if stripLeft {
		text = strings.TrimLeftFunc(text, isSpace)
	}
	if stripRight {
		text = strings.TrimRightFunc(text, isSpace)
	}
	if t.legacy {
		return t.model.appendIDs(ids, text, t.model.dummyPrefix)
	}
	if !strings.HasPrefix(text, space) && !strings.HasPrefix(text, " ") {
		return t.model.appendIDs(ids, text, false)
	}
	// The reference encodes "<unk>" + text and cuts the ids of "<unk>" off.
	// This differs from encoding text alone only where a piece reaches across.
	own := t.model.appendIDs(nil, t.Piece(t.unk)+text, false)
	if len(own) >= t.unknownLength {
		own = own[t.unknownLength:]
	}
	return append(ids, own...)
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}
