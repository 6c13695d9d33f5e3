package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
)

// readCases decodes a JSON file of testdata.
func readCases[T any](t testing.TB, path ...string) T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %v", path, err)
	}
	return v
}

// loadVariant loads the model of testdata/llama with the given
// tokenizer_config.json, edited by edit.
func loadVariant(t testing.TB, configName string, edit func(map[string]any)) *Tokenizer {
	t.Helper()
	config := readCases[map[string]any](t, "llama", configName)
	if edit != nil {
		edit(config)
	}
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{configFile: {Data: data}}
	for _, name := range []string{modelFile, addedFile, specialMapFile} {
		data, err := os.ReadFile(filepath.Join("testdata", "llama", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	tok, err := LoadFS(files)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func loadLegacy(t testing.TB) *Tokenizer { return loadVariant(t, configFile, nil) }

func loadNew(t testing.TB) *Tokenizer {
	return loadVariant(t, configFile, func(c map[string]any) { c["legacy"] = false })
}

func loadStrip(t testing.TB) *Tokenizer { return loadVariant(t, "tokenizer_config_strip.json", nil) }

type encodeCase struct {
	Text        string
	Legacy      []int
	New         []int
	LegacyStrip []int  `json:"legacy_strip"`
	RawSP       []int  `json:"raw_sp"`
	LegacySkip  string `json:"legacy_decode_skip"`
	LegacyKeep  string `json:"legacy_decode_keep"`
	NewSkip     string `json:"new_decode_skip"`
	NewKeep     string `json:"new_decode_keep"`
}

func checkIDs(t *testing.T, what, text string, got, want []int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s %q:\n got %v\nwant %v", what, text, got, want)
	}
}

func checkText(t *testing.T, what string, ids []int, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s of %v:\n got %q\nwant %q", what, ids, got, want)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	legacy, newer, strip := loadLegacy(t), loadNew(t), loadStrip(t)
	for _, c := range readCases[[]encodeCase](t, "llama", "encode_cases.json") {
		checkIDs(t, "legacy", c.Text, legacy.Encode(c.Text), c.Legacy)
		checkIDs(t, "new", c.Text, newer.Encode(c.Text), c.New)
		checkIDs(t, "legacy with strip flags", c.Text, strip.Encode(c.Text), c.LegacyStrip)
		checkIDs(t, "sentencepiece", c.Text, legacy.model.appendIDs(nil, c.Text, true), c.RawSP)
		checkText(t, "legacy text", c.Legacy, legacy.Decode(c.Legacy, true), c.LegacySkip)
		checkText(t, "legacy text with specials", c.Legacy, legacy.Decode(c.Legacy, false), c.LegacyKeep)
		checkText(t, "new text", c.New, newer.Decode(c.New, true), c.NewSkip)
		checkText(t, "new text with specials", c.New, newer.Decode(c.New, false), c.NewKeep)
	}
}

func TestDecodeAnyIDs(t *testing.T) {
	tok := loadLegacy(t)
	for _, c := range readCases[[]struct {
		IDs  []int
		Skip string `json:"legacy_decode_skip"`
		Keep string `json:"legacy_decode_keep"`
	}](t, "llama", "decode_cases.json") {
		checkText(t, "text", c.IDs, tok.Decode(c.IDs, true), c.Skip)
		checkText(t, "text with specials", c.IDs, tok.Decode(c.IDs, false), c.Keep)
	}
}

func TestPieces(t *testing.T) {
	tok := loadLegacy(t)
	pieces := readCases[[]struct {
		Piece string
		Score float32
		Type  pieceKind
	}](t, "llama", "pieces.json")
	if got, want := tok.VocabSize(), len(pieces)+3; got != want {
		t.Errorf("vocabulary of %d, want %d", got, want)
	}
	for id, p := range pieces {
		if got := tok.model.pieces[id]; got.text != p.Piece || got.score != p.Score || got.kind != p.Type {
			t.Errorf("piece %d is %+v, want %+v", id, got, p)
		}
		if got, ok := tok.ID(p.Piece); !ok || got != id {
			t.Errorf("id of %q is %d, %v, want %d", p.Piece, got, ok, id)
		}
	}
	for id, name := range map[int]string{600: "<point_patch>", 601: "<point_start>", 602: "<point_end>"} {
		if got := tok.Piece(id); got != name || !tok.IsSpecial(id) {
			t.Errorf("token %d is %q, special %v, want special %q", id, got, tok.IsSpecial(id), name)
		}
	}
	if got := []int{tok.UnknownID(), tok.BOSID(), tok.EOSID(), tok.PadID()}; !slices.Equal(got, []int{0, 1, 2, 0}) {
		t.Errorf("ids of <unk>, <s>, </s> and padding are %v, want [0 1 2 0]", got)
	}
}

// sameJSON reports whether two documents hold the same values.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}
