package tokenizer

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// pieceKind is SentencePiece.Type of sentencepiece_model.proto.
type pieceKind int32

const (
	kindNormal      pieceKind = 1
	kindUnknown     pieceKind = 2
	kindControl     pieceKind = 3
	kindUserDefined pieceKind = 4
	kindByte        pieceKind = 6
)

// piece is one entry of the vocabulary; its index is its id.
type piece struct {
	text  string
	score float32
	kind  pieceKind
}

// Values of TrainerSpec.ModelType; a file without the field means unigram.
const (
	modelTypeUnigram = 1
	modelTypeBPE     = 2
)

// modelProto holds the fields of sentencepiece_model.proto that decide how
// text is encoded and decoded.
type modelProto struct {
	pieces           []piece
	modelType        uint64
	byteFallback     bool
	whitespaceSuffix bool
	unkSurface       string
	normalizer       normalizerProto
	denormalizer     normalizerProto
}

type normalizerProto struct {
	charsmap         int // bytes of precompiled_charsmap
	dummyPrefix      bool
	removeExtraSpace bool
	escapeSpace      bool
}

// Field numbers of sentencepiece_model.proto.
const (
	fieldPieces       = 1
	fieldTrainer      = 2
	fieldNormalizer   = 3
	fieldDenormalizer = 5

	fieldPieceText  = 1
	fieldPieceScore = 2
	fieldPieceType  = 3

	fieldModelType        = 3
	fieldVocabSize        = 4
	fieldWhitespaceSuffix = 24
	fieldByteFallback     = 35
	fieldUnkSurface       = 44

	fieldNormalizerName   = 1
	fieldCharsmap         = 2
	fieldDummyPrefix      = 3
	fieldRemoveExtraSpace = 4
	fieldEscapeSpace      = 5
)

// field is one decoded protobuf field: bytes for length-delimited fields,
// number for all others.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	bytes  []byte
}

// want returns an error unless the field has the wire type of its declaration.
func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("field %d has wire type %d, want %d", f.num, f.typ, typ)
	}
	return nil
}

// walk calls visit for every field of a protobuf message.
func walk(msg []byte, visit func(field) error) error {
	for rest := msg; len(rest) > 0; {
		at := len(msg) - len(rest)
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return fmt.Errorf("at byte %d: %w", at, protowire.ParseError(n))
		}
		rest = rest[n:]
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(rest)
			f.number = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(rest)
		default:
			n = protowire.ConsumeFieldValue(num, typ, rest)
		}
		if n < 0 {
			return fmt.Errorf("field %d at byte %d: %w", num, at, protowire.ParseError(n))
		}
		rest = rest[n:]
		if err := visit(f); err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
	}
	return nil
}

// parseModelProto decodes a tokenizer.model file. Fields that do not change
// the encoding are skipped.
func parseModelProto(data []byte) (*modelProto, error) {
	m := &modelProto{
		modelType:    modelTypeUnigram,
		unkSurface:   " ⁇ ",
		normalizer:   normalizerProto{dummyPrefix: true, removeExtraSpace: true, escapeSpace: true},
		denormalizer: normalizerProto{dummyPrefix: true, removeExtraSpace: true, escapeSpace: true},
	}
	err := walk(data, func(f field) error {
		switch f.num {
		case fieldPieces, fieldTrainer, fieldNormalizer, fieldDenormalizer:
			if err := f.want(protowire.BytesType); err != nil {
				return err
			}
		}
		switch f.num {
		case fieldPieces:
			p, err := parsePiece(f.bytes)
			if err != nil {
				return fmt.Errorf("piece %d: %w", len(m.pieces), err)
			}
			m.pieces = append(m.pieces, p)
		case fieldTrainer:
			return m.parseTrainer(f.bytes)
		case fieldNormalizer:
			return m.normalizer.parse(f.bytes)
		case fieldDenormalizer:
			return m.denormalizer.parse(f.bytes)
		}
		return nil
	})
	return m, err
}

func parsePiece(msg []byte) (piece, error) {
	p := piece{kind: kindNormal}
	err := walk(msg, func(f field) error {
		switch f.num {
		case fieldPieceText:
			p.text = string(f.bytes)
			return f.want(protowire.BytesType)
		case fieldPieceScore:
			p.score = math.Float32frombits(uint32(f.number))
			return f.want(protowire.Fixed32Type)
		case fieldPieceType:
			p.kind = pieceKind(f.number)
			return f.want(protowire.VarintType)
		}
		return nil
	})
	return p, err
}

func (m *modelProto) parseTrainer(msg []byte) error {
	return walk(msg, func(f field) error {
		switch f.num {
		case fieldModelType:
			m.modelType = f.number
			return f.want(protowire.VarintType)
		case fieldWhitespaceSuffix:
			m.whitespaceSuffix = f.number != 0
			return f.want(protowire.VarintType)
		case fieldByteFallback:
			m.byteFallback = f.number != 0
			return f.want(protowire.VarintType)
		case fieldUnkSurface:
			m.unkSurface = string(f.bytes)
			return f.want(protowire.BytesType)
		}
		return nil
	})
}

func (n *normalizerProto) parse(msg []byte) error {
	return walk(msg, func(f field) error {
		switch f.num {
		case fieldCharsmap:
			n.charsmap = len(f.bytes)
			return f.want(protowire.BytesType)
		case fieldDummyPrefix:
			n.dummyPrefix = f.number != 0
			return f.want(protowire.VarintType)
		case fieldRemoveExtraSpace:
			n.removeExtraSpace = f.number != 0
			return f.want(protowire.VarintType)
		case fieldEscapeSpace:
			n.escapeSpace = f.number != 0
			return f.want(protowire.VarintType)
		}
		return nil
	})
}
