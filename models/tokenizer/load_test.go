package tokenizer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"
)

// folder is a model folder in memory: tokenizer.model of testdata/llama and
// the given JSON files.
func folder(t testing.TB, files map[string]string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "llama", modelFile))
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{modelFile: {Data: data}}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestModelFileAlone(t *testing.T) {
	tok, err := LoadFS(folder(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !tok.Legacy() || tok.VocabSize() != 600 {
		t.Errorf("legacy %v, vocabulary %d, want true, 600", tok.Legacy(), tok.VocabSize())
	}
	checkIDs(t, "ids of", "a</s>b", tok.Encode("a</s>b"), []int{1, 262, 2, 266})
	// The initial checkpoints have no point tokens; training adds them.
	added, err := tok.AddSpecialTokens("<point_patch>", "<point_start>", "<point_end>", "<s>")
	if err != nil || added != 3 {
		t.Errorf("added %d tokens, error %v, want 3", added, err)
	}
	for _, c := range readCases[[]encodeCase](t, "llama", "encode_cases.json") {
		checkIDs(t, "with added tokens", c.Text, tok.Encode(c.Text), c.Legacy)
		checkText(t, "text with added tokens", c.Legacy, tok.Decode(c.Legacy, false), c.LegacyKeep)
	}
}

func TestLoadNamesTheFolder(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), modelFile) {
		t.Errorf("error %v, want one that names %s and %s and is fs.ErrNotExist", err, dir, modelFile)
	}
}

// TestOldFolder has added tokens and special tokens in the two older files
// only, with flags.
func TestOldFolder(t *testing.T) {
	tok, err := LoadFS(folder(t, map[string]string{
		configFile:     `{"add_eos_token": true, "add_bos_token": false, "bos_token": {"content": "<s>"}}`,
		addedFile:      `{"<point_patch>": 600, "<shown>": 601}`,
		specialMapFile: `{"additional_special_tokens": [{"content": "<point_patch>", "lstrip": true, "rstrip": true}], "pad_token": "</s>"}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	text := "a <point_patch> a<shown>"
	checkIDs(t, "ids of", text, tok.Encode(text), []int{262, 600, 262, 601, 2})
	checkText(t, "text", nil, tok.Decode([]int{262, 600, 262, 601, 2}, true), "a a <shown>")
	if tok.PadID() != 2 {
		t.Errorf("padding id %d, want 2", tok.PadID())
	}
}

func TestAdditionalTokenWithoutID(t *testing.T) {
	tok, err := LoadFS(folder(t, map[string]string{specialMapFile: `{"additional_special_tokens": ["<x>", "<y>", "</s>"]}`}))
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "ids of", "<y><x></s>", tok.Encode("<y><x></s>"), []int{1, 601, 600, 2})
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"broken JSON", map[string]string{configFile: `{"legacy": `}, []string{configFile}},
		{"flag of the wrong type", map[string]string{configFile: `{"legacy": "yes"}`}, []string{configFile, "legacy"}},
		{"broken map", map[string]string{specialMapFile: `[]`}, []string{specialMapFile}},
		{"broken added tokens", map[string]string{addedFile: `{"<x>": "600"}`}, []string{addedFile}},
		{"id that is no number", map[string]string{configFile: `{"added_tokens_decoder": {"x": {"content": "<x>"}}}`}, []string{configFile, `"x"`}},
		{"negative id", map[string]string{addedFile: `{"<x>": -1}`}, []string{addedFile, "-1"}},
		{"gap in the ids", map[string]string{addedFile: `{"<x>": 700}`}, []string{"<x>", "700", "600"}},
		{"huge id", map[string]string{addedFile: `{"<x>": 9000000000000000000}`}, []string{"<x>", "600"}},
		{"id of another piece", map[string]string{addedFile: `{"<x>": 261}`}, []string{"<x>", "261", "▁the"}},
		{"piece with another id", map[string]string{addedFile: `{"▁the": 600}`}, []string{"▁the", "600", "261"}},
		{"two ids", map[string]string{
			configFile: `{"added_tokens_decoder": {"600": {"content": "<x>"}, "601": {"content": "<x>"}}}`}, []string{"<x>", "600", "601"}},
		{"one id twice", map[string]string{addedFile: `{"<x>": 600, "<y>": 600}`}, []string{addedFile, "600"}},
		{"files that disagree", map[string]string{
			configFile: `{"added_tokens_decoder": {"600": {"content": "<x>"}}}`, addedFile: `{"<x>": 601}`}, []string{addedFile, "<x>", "600", "601"}},
		{"empty token", map[string]string{addedFile: `{"": 600}`}, []string{"600", "0 bytes"}},
		{"single_word", map[string]string{
			configFile: `{"added_tokens_decoder": {"600": {"content": "<x>", "single_word": true}}}`}, []string{"<x>", "single_word"}},
		{"unknown start token", map[string]string{configFile: `{"bos_token": "<bos>"}`}, []string{"bos_token", "<bos>"}},
	} {
		_, err := LoadFS(folder(t, c.files))
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not say %q", c.name, err, want)
			}
		}
	}
}

// smallModel is a valid model that the cases below break.
func smallModel() []piece {
	pieces := []piece{{"<unk>", 0, kindUnknown}, {"<s>", 0, kindControl}, {"</s>", 0, kindControl}}
	for b := range 256 {
		text := "<0x" + string("0123456789ABCDEF"[b>>4]) + string("0123456789ABCDEF"[b&15]) + ">"
		pieces = append(pieces, piece{text, 0, kindByte})
	}
	return append(pieces, piece{"a", -1, kindNormal}, piece{"b", -2, kindNormal}, piece{"ab", 0, kindNormal})
}

func TestModelErrors(t *testing.T) {
	field := func(num protowire.Number, msg []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), msg)
	}
	varint := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	good := appendModelProto(nil, smallModel())
	if _, err := parseModel(good); err != nil {
		t.Fatal(err)
	}
	with := func(extra []byte) []byte { return append(slices.Clone(good), extra...) }
	pieces := func(edit func([]piece) []piece) []byte { return appendModelProto(nil, edit(smallModel())) }
	add := func(p piece) []byte { return pieces(func(ps []piece) []piece { return append(ps, p) }) }
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty file", nil, "model type 1"},
		{"text file", []byte("version https://example.org/spec\n"), "byte"},
		{"truncated", good[:len(good)/2], "byte"},
		{"length beyond the file", append(field(fieldPieces, nil)[:1], 0xff, 0xff, 0xff, 0xff, 0x0f), "field 1"},
		{"pieces of the wrong wire type", with(varint(fieldPieces, 1)), "wire type 0, want 2"},
		{"score of the wrong wire type", with(field(fieldPieces, varint(fieldPieceScore, 1))), "piece 262"},
		{"unigram model", with(field(fieldTrainer, varint(fieldModelType, modelTypeUnigram))), "model type 1, want 2"},
		{"normalisation rules", with(field(fieldNormalizer, field(fieldCharsmap, []byte("rules")))), "5 bytes"},
		{"spaces removed", with(field(fieldNormalizer, varint(fieldRemoveExtraSpace, 1))), "remove_extra_whitespaces"},
		{"spaces kept", with(field(fieldNormalizer, varint(fieldEscapeSpace, 0))), "escape_whitespaces"},
		{"space behind words", with(field(fieldTrainer, varint(fieldWhitespaceSuffix, 1))), "treat_whitespace_as_suffix"},
		{"byte pieces without fallback", with(field(fieldTrainer, varint(fieldByteFallback, 0))), "byte_fallback"},
		{"a byte missing", pieces(func(ps []piece) []piece { return slices.Delete(ps, 13, 14) }), "<0x0A>"},
		{"bad byte piece", pieces(func(ps []piece) []piece { ps[13].text = "<0x0a>"; return ps }), "piece 13"},
		{"no unknown piece", pieces(func(ps []piece) []piece { return ps[1:] }), "unknown"},
		{"two unknown pieces", add(piece{"<unk2>", 0, kindUnknown}), "piece 262"},
		{"repeated piece", add(piece{"ab", -9, kindNormal}), "the same piece as 261"},
		{"empty piece", add(piece{"", 0, kindNormal}), "empty"},
		{"null in a piece", add(piece{"a\x00", 0, kindNormal}), "null"},
		{"piece that is not UTF-8", add(piece{"a\xff", 0, kindNormal}), "UTF-8"},
		{"unused piece", add(piece{"x", 0, 5}), "type 5"},
	} {
		_, err := parseModel(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// TestTextNeverBecomesAReservedPiece spells control pieces in the text.
func TestTextNeverBecomesAReservedPiece(t *testing.T) {
	pieces := append(smallModel(), piece{"z", 0, kindControl}, piece{"<c>", 0, kindControl})
	m, err := parseModel(appendModelProto(nil, pieces))
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "ids of", "z<c>", m.appendIDs(nil, "z<c>", false), []int{3 + 'z', 3 + '<', 3 + 'c', 3 + '>'})
}
