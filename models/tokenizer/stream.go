package tokenizer

// Stream decodes ids one at a time, as a model generates them. What its calls
// return is never half a character, and all of it together, Flush included,
// is Decode(ids, true).
type Stream struct {
	t       *Tokenizer
	decoder pieceDecoder
	first   bool // the next token is the first of its run
	empty   bool // the run has no text yet
	parts   bool // something was returned before the run
}

// NewStream returns a decoder that leaves special tokens out.
func (t *Tokenizer) NewStream() *Stream {
	return &Stream{t: t, decoder: t.newPieceDecoder(), first: true, empty: true}
}

// Add returns the text that is complete once id is known; often "" within a
// character of several bytes.
func (s *Stream) Add(id int) string {
	tok, ok := s.t.special[id]
	switch {
	case ok && tok.Special:
		return ""
	case ok: // an added token that is shown
		out := s.emit(s.decoder.flush())
		if s.parts || !s.empty {
			out += " "
		}
		s.decoder.reset()
		s.first, s.empty, s.parts = true, true, true
		return out + tok.Content
	}
	text := s.decoder.add(id, s.first)
	s.first = false
	return s.emit(text)
}

// Flush returns what is left at the end: U+FFFD for the bytes of an
// unfinished character.
func (s *Stream) Flush() string {
	out := s.emit(s.decoder.flush())
	if s.parts && s.empty && !s.first {
		out += " " // the reference joins an empty last run too
	}
	return out
}

// emit puts a space between the parts before the run and its first text.
func (s *Stream) emit(text string) string {
	if text == "" || !s.empty {
		return text
	}
	s.empty = false
	if s.parts {
		return " " + text
	}
	return text
}
