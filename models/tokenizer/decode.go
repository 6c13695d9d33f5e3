package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids. With skipSpecial the special tokens are
// left out, otherwise they are spelled out, added tokens between spaces. An
// id outside the vocabulary becomes U+FFFD.
func (t *Tokenizer) Decode(ids []int, skipSpecial bool) string {
	var parts []string
	var run []int
	for _, id := range ids {
		tok, special := t.special[id]
		switch {
		case special && skipSpecial && tok.Special:
		case special && tok.separate:
			if text := t.decodeRun(run); text != "" {
				parts = append(parts, text)
			}
			run = run[:0]
			parts = append(parts, tok.Content)
		default:
			run = append(run, id)
		}
	}
	if len(run) > 0 {
		parts = append(parts, t.decodeRun(run))
	}
	return strings.Join(parts, " ")
}

// decodeRun is the reference's convert_tokens_to_string: ordinary tokens and
// <s>, </s>, <unk>.
func (t *Tokenizer) decodeRun(run []int) string {
	var out, text strings.Builder
	d := t.newPieceDecoder()
	afterSpecial := false
	for i, id := range run {
		if tok, ok := t.special[id]; ok {
			if !afterSpecial && i != 0 && t.legacy {
				out.WriteByte(' ')
			}
			text.WriteString(d.flush())
			out.WriteString(text.String())
			out.WriteString(tok.Content)
			text.Reset()
			d.reset()
			afterSpecial = true
			continue
		}
		if afterSpecial && i == 1 && t.prefixSpace && !strings.HasPrefix(t.Piece(id), space) {
			out.WriteByte(' ')
		}
		text.WriteString(d.add(id, i == 0))
		afterSpecial = false
	}
	text.WriteString(d.flush())
	out.WriteString(text.String())
	return out.String()
}

// pieceDecoder turns pieces into text one at a time, as
// SentencePieceProcessor::Decode does with all at once.
type pieceDecoder struct {
	t         *Tokenizer
	dropSpace bool // the "▁" in front of the text is dropped
	started   bool // there is text, or its "▁" was dropped
	bytes     []byte
}

func (t *Tokenizer) newPieceDecoder() pieceDecoder {
	return pieceDecoder{t: t, dropSpace: t.legacy && t.model.dummyPrefix}
}

// reset starts a new text.
func (d *pieceDecoder) reset() {
	d.started = false
	d.bytes = d.bytes[:0]
}

// add returns the text that id completes. The bytes of an unfinished
// character wait for the next call. first says that the token is the first of
// its run, where the reference drops a "▁" before SentencePiece sees it.
func (d *pieceDecoder) add(id int, first bool) string {
	m := d.t.model
	text, ok := d.t.token(id)
	if !ok || id >= len(m.pieces) {
		if !ok {
			text = string(utf8.RuneError)
		}
		out := d.flush() + text
		d.started = true
		return out
	}
	if first && d.t.prefixSpace && strings.HasPrefix(text, space) {
		text = text[len(space):]
		if id, ok = m.lookup(text); !ok {
			id = m.unknown
		}
	}
	if b := m.byteValue[id]; b >= 0 {
		d.bytes = append(d.bytes, byte(b))
		return d.takeBytes(false)
	}
	return d.flush() + d.surface(id, text)
}

// surface returns the text of a piece that is not a byte.
func (d *pieceDecoder) surface(id int, text string) string {
	m := d.t.model
	switch m.pieces[id].kind {
	case kindControl:
		return ""
	case kindUnknown:
		if text == m.pieces[id].text {
			text = m.unkSurface
		}
		d.started = d.started || text != ""
		return text
	}
	if !d.started && d.dropSpace {
		if rest, ok := strings.CutPrefix(text, space); ok {
			text = rest
			d.started = true
		}
	}
	d.started = d.started || text != ""
	return strings.ReplaceAll(text, space, " ")
}

// flush returns the waiting bytes as U+FFFD each.
func (d *pieceDecoder) flush() string { return d.takeBytes(true) }

// takeBytes returns the characters that the waiting bytes begin with. An
// unfinished one stays, unless all is asked for.
func (d *pieceDecoder) takeBytes(all bool) string {
	var out strings.Builder
	for len(d.bytes) > 0 && (all || utf8.FullRune(d.bytes)) {
		r, size := utf8.DecodeRune(d.bytes)
		out.WriteRune(r)
		d.bytes = d.bytes[size:]
	}
	d.started = d.started || out.Len() > 0
	return out.String()
}
