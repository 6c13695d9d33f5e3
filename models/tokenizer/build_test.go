package tokenizer

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the model files of testdata that Build makes")

var toyWords = []string{
	"USER", "ASSISTANT", "A", "a", "The", "the", "is", "are", "of", "to", "left", "right", "above", "behind", "red",
	"blue", "ball", "balls", "balloon", "box", "cone", "There", "Yes", "No", "no", "two", "three", "café", "x2",
	"What", "Where", "\nWhat", "\nWhere", "\nIs", "ball",
}

var pointTokens = []string{"<point_patch>", "<point_start>", "<point_end>"}

func buildToy(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := Build(toyWords, pointTokens...)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestBuild(t *testing.T) {
	tok := buildToy(t)
	path := filepath.Join("testdata", "sentencepiece", "toyworld.model")
	if *update {
		if err := os.WriteFile(path, tok.modelData, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	// The file is what SentencePiece was run on (TestAgainstSentencePiece).
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tok.modelData, want) {
		t.Errorf("the model differs from %s; run with -update, then make_cases.py", path)
	}
	for i, name := range pointTokens {
		if id, _ := tok.ID(name); id != tok.VocabSize()-3+i {
			t.Errorf("%s has id %d of %d, want the last three in order", name, id, tok.VocabSize())
		}
	}
}

func TestBuiltWordsAreOneToken(t *testing.T) {
	tok := buildToy(t)
	for _, word := range toyWords {
		piece := space + word
		if strings.HasPrefix(word, "\n") {
			piece = word
		}
		id, ok := tok.ID(piece)
		if !ok {
			t.Fatalf("no piece %q", piece)
		}
		// Inside a sentence, whatever stands on either side.
		text := "x" + strings.TrimSuffix(" "+word, space) + "."
		if strings.HasPrefix(word, "\n") {
			text = "x" + word + "."
		}
		ids := tok.EncodeSegment(text)
		dot, _ := tok.ID(".")
		if n := len(ids); n < 2 || ids[n-2] != id || ids[n-1] != dot {
			t.Errorf("%q is %q, want it to end in %q and \".\"", text, pieceTexts(tok, ids), piece)
		}
	}
}

func TestBuiltSentence(t *testing.T) {
	tok := buildToy(t)
	text := "<point_start><point_patch><point_patch><point_end>\nWhere is the red ball, 12 balloons?</s>USER: No."
	got := pieceTexts(tok, tok.Encode(text))
	want := strings.Split("<s>|<point_start>|<point_patch>|<point_patch>|<point_end>|▁|\nWhere|▁is|▁the|▁red|▁ball|,|▁|1|2|"+
		"▁balloon|s|?|</s>|▁USER|:|▁No|.", "|")
	if !slices.Equal(got, want) {
		t.Errorf("%q:\n got %q\nwant %q", text, got, want)
	}
}

func pieceTexts(tok *Tokenizer, ids []int) []string {
	var out []string
	for _, id := range ids {
		out = append(out, tok.Piece(id))
	}
	return out
}

func TestBuildRefusesBadWords(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"", "empty"},
		{"\n", "empty"},
		{"two words", "white space"},
		{"a\u2581b", "white space"},
		{"nul\x00", "null character"},
		{"\xff", "UTF-8"},
		{"a</s>", "</s>"},
		{"<point_end>", "<point_end>"},
	} {
		_, err := Build([]string{"good", c.word}, pointTokens...)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "word 1") {
			t.Errorf("Build with %q: error %v, want one about word 1 and %q", c.word, err, c.want)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	source := map[string]*Tokenizer{
		"built": buildToy(t), "legacy": loadLegacy(t), "new": loadNew(t), "strip": loadStrip(t),
	}
	text := "<point_start> <point_patch> \nWhat is the ball?</s>USER: <s> no"
	for name, tok := range source {
		dir := t.TempDir()
		if err := tok.Save(dir); err != nil {
			t.Fatal(err)
		}
		again, err := Load(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkIDs(t, name+" loaded again", text, again.Encode(text), tok.Encode(text))
		ids := tok.Encode(text)
		checkText(t, name+" loaded again: text", ids, again.Decode(ids, false), tok.Decode(ids, false))
		if again.VocabSize() != tok.VocabSize() {
			t.Errorf("%s: vocabulary of %d loaded again, was %d", name, again.VocabSize(), tok.VocabSize())
		}
		// A second save writes the same bytes.
		first, err := tok.files()
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.files()
		if err != nil {
			t.Fatal(err)
		}
		for file := range first {
			if !bytes.Equal(first[file], second[file]) {
				t.Errorf("%s: %s differs after a round trip:\n%s\n%s", name, file, first[file], second[file])
			}
		}
	}
}

// TestSavedFilesAgree compares what Save writes with the files of the same
// model as the reference wrote them.
func TestSavedFilesAgree(t *testing.T) {
	tok := loadLegacy(t)
	dir := t.TempDir()
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{modelFile, addedFile, configFile, specialMapFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", "llama", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == modelFile && !bytes.Equal(got, want) || name != modelFile && !sameJSON(t, got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}
