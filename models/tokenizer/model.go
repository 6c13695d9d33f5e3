package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// space is U+2581, which stands for a space inside pieces.
const space = "\u2581"

// model is the content of tokenizer.model: the vocabulary and its merges.
type model struct {
	pieces []piece
	// merged are the pieces that text can be merged into; reserved are
	// unknown, control and byte pieces, which text never reaches by merging.
	// The two are separate name spaces, as in SentencePiece.
	merged, reserved map[string]int
	userDefined      prefixSet
	unknown          int
	unkSurface       string
	byteFallback     bool
	byteID           [256]int // valid with byteFallback
	byteValue        []int16  // by id: the byte of a byte piece, else -1
	dummyPrefix      bool     // the model asks for "▁" before a text
}

// parseModel reads and checks a tokenizer.model file.
func parseModel(data []byte) (*model, error) {
	proto, err := parseModelProto(data)
	if err != nil {
		return nil, err
	}
	if err := proto.checkSupported(); err != nil {
		return nil, err
	}
	m := &model{
		pieces:       proto.pieces,
		merged:       make(map[string]int, len(proto.pieces)),
		reserved:     map[string]int{},
		unknown:      -1,
		unkSurface:   proto.unkSurface,
		byteFallback: proto.byteFallback,
		byteValue:    make([]int16, len(proto.pieces)),
		dummyPrefix:  proto.normalizer.dummyPrefix,
	}
	for i := range m.byteID {
		m.byteID[i] = -1
	}
	for id, p := range proto.pieces {
		if err := m.addPiece(id, p); err != nil {
			return nil, fmt.Errorf("piece %d %.40q: %w", id, p.text, err)
		}
	}
	if m.unknown < 0 {
		return nil, fmt.Errorf("none of the %d pieces is the unknown piece", len(m.pieces))
	}
	for b, id := range m.byteID {
		if m.byteFallback && id < 0 {
			return nil, fmt.Errorf("byte_fallback is set but the piece <0x%02X> is missing", b)
		}
	}
	return m, nil
}

// checkSupported refuses models whose text rules are not those of LLaMA: the
// ids would silently differ.
func (p *modelProto) checkSupported() error {
	n := p.normalizer
	switch {
	case p.modelType != modelTypeBPE:
		return fmt.Errorf("model type %d, want %d (BPE)", p.modelType, modelTypeBPE)
	case n.charsmap != 0 || p.denormalizer.charsmap != 0:
		return fmt.Errorf("normalisation rules (%d bytes) are not supported, want the identity normaliser",
			max(n.charsmap, p.denormalizer.charsmap))
	case n.removeExtraSpace:
		return fmt.Errorf("remove_extra_whitespaces is not supported, want false")
	case !n.escapeSpace:
		return fmt.Errorf("escape_whitespaces is false, want true")
	case p.whitespaceSuffix:
		return fmt.Errorf("treat_whitespace_as_suffix is not supported, want false")
	}
	return nil
}

func (m *model) addPiece(id int, p piece) error {
	m.byteValue[id] = -1
	names := m.reserved
	switch p.kind {
	case kindNormal:
		names = m.merged
	case kindUserDefined:
		names = m.merged
		m.userDefined.add(p.text, id)
	case kindControl:
	case kindUnknown:
		if m.unknown >= 0 {
			return fmt.Errorf("a second unknown piece, the first is %d", m.unknown)
		}
		m.unknown = id
	case kindByte:
		b, ok := byteOfPiece(p.text)
		if !ok {
			return fmt.Errorf("a byte piece must read <0x00> to <0xFF>")
		}
		if !m.byteFallback {
			return fmt.Errorf("a byte piece although byte_fallback is not set")
		}
		m.byteID[b] = id
		m.byteValue[id] = int16(b)
	default:
		return fmt.Errorf("piece type %d is not supported", p.kind)
	}
	switch {
	case p.text == "":
		return fmt.Errorf("the piece is empty")
	case !utf8.ValidString(p.text):
		return fmt.Errorf("the piece is not valid UTF-8")
	case strings.ContainsRune(p.text, 0):
		return fmt.Errorf("the piece contains a null character")
	case math.IsNaN(float64(p.score)) || math.IsInf(float64(p.score), 0):
		return fmt.Errorf("the score is %v", p.score)
	}
	if first, ok := names[p.text]; ok {
		return fmt.Errorf("the same piece as %d", first)
	}
	names[p.text] = id
	return nil
}

// byteOfPiece returns 10 for "<0x0A>".
func byteOfPiece(text string) (byte, bool) {
	const hex = "0123456789ABCDEF"
	if len(text) != 6 || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	hi, lo := strings.IndexByte(hex, text[3]), strings.IndexByte(hex, text[4])
	if hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi<<4 | lo), true
}

// lookup returns the id of the piece with this exact text, reserved ones first.
func (m *model) lookup(text string) (int, bool) {
	if id, ok := m.reserved[text]; ok {
		return id, true
	}
	id, ok := m.merged[text]
	return id, ok
}
