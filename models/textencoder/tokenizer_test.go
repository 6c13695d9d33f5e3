package textencoder

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func folderOf(t testing.TB, kind string) *Encoder {
	t.Helper()
	e, err := readFolder(os.DirFS("testdata/" + kind))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Both tokenizers agree with their definitions in Python on generated texts.
func TestRandomTexts(t *testing.T) {
	f, err := os.Open("testdata/random_tokens.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text           string
		Words, Matches []string
		MPNet, RoBERTa []int32
	}
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	mpnet, roberta := folderOf(t, MPNet), folderOf(t, RoBERTa)
	for _, c := range cases {
		if got := mpnet.tok.(*wordPiece).words(c.Text); !slices.Equal(got, c.Words) {
			t.Errorf("%q has words %q, want %q", c.Text, got, c.Words)
		}
		if got := mpnet.tok.encode(c.Text); !slices.Equal(got, c.MPNet) {
			t.Errorf("%q has WordPiece ids %v, want %v", c.Text, got, c.MPNet)
		}
		if got := slices.Collect(gpt2Words(c.Text)); !slices.Equal(got, c.Matches) {
			t.Errorf("%q is split into %q, want %q", c.Text, got, c.Matches)
		}
		if got := roberta.tok.encode(c.Text); !slices.Equal(got, c.RoBERTa) {
			t.Errorf("%q has BPE ids %v, want %v", c.Text, got, c.RoBERTa)
		}
	}
}

// Names of special tokens in a text are those tokens, not words.
func TestSpecialTokens(t *testing.T) {
	for _, kind := range []string{MPNet, RoBERTa} {
		tok := folderOf(t, kind).tok
		a, b := tok.encode("a"), tok.encode("b")
		for text, id := range map[string]int32{"a<s>b": startID, "a<pad>b": padID, "a</s>b": endID} {
			if got, want := tok.encode(text), slices.Concat(a, []int32{id}, b); !slices.Equal(got, want) {
				t.Errorf("%s: %q has ids %v, want %v", kind, text, got, want)
			}
		}
	}
	s := specials{"<m": 1, "<mask>": 2, "<ma": 3}
	var pieces []string
	ids := s.split("x  <mask> y<m<ma", func(ids []int32, piece string) []int32 {
		pieces = append(pieces, piece)
		return append(ids, 9)
	})
	if !slices.Equal(ids, []int32{9, 2, 9, 1, 3}) || !slices.Equal(pieces, []string{"x", " y"}) {
		t.Errorf("ids %v of pieces %q", ids, pieces)
	}
}

func TestWordPieceOptions(t *testing.T) {
	vocab := map[string]int32{"<s>": 0, "<pad>": 1, "</s>": 2, "UNK": 3, "\u00c9": 4, "\u00e9": 6, "e": 7, "中": 8, "##文": 9, "E": 10}
	yes, no, unknown := true, false, token("UNK")
	for _, c := range []struct {
		lower, accents, chinese *bool
		text                    string
		want                    []int32
	}{
		{nil, nil, nil, "\u00c9", []int32{7}},
		{&no, nil, nil, "\u00c9", []int32{4}},
		{&no, &yes, nil, "\u00c9", []int32{10}},
		{&yes, &no, nil, "\u00c9", []int32{6}},
		{nil, nil, nil, "中文", []int32{8, 3}},
		{nil, nil, &no, "中文", []int32{8, 9}},
	} {
		w, err := newWordPiece(vocab, wordPieceOptions{LowerCase: c.lower, StripAccents: c.accents, ChineseWords: c.chinese, Unknown: &unknown})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.encode(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q has ids %v, want %v", c.text, got, c.want)
		}
	}
}

func TestPrefixSpace(t *testing.T) {
	tok := folderOf(t, RoBERTa).tok.(*byteBPE)
	plain := tok.encode(" a chair")
	tok.prefix = true
	for _, text := range []string{"a chair", " a chair"} {
		if got := tok.encode(text); !slices.Equal(got, plain) {
			t.Errorf("%q has ids %v, want %v", text, got, plain)
		}
	}
	if got := tok.encode(""); len(got) != 0 {
		t.Errorf("no text has ids %v", got)
	}
}

// A long word takes time in proportion to its length.
func TestLongWord(t *testing.T) {
	text := strings.Repeat("thea", 1<<17)
	for _, kind := range []string{MPNet, RoBERTa} {
		e := folderOf(t, kind)
		if got := e.Tokens(text); len(got) > e.most || got[0] != startID || got[len(got)-1] != endID {
			t.Errorf("%s: %d tokens from %d to %d", kind, len(got), got[0], got[len(got)-1])
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, c := range goldenTexts(f, MPNet) {
		f.Add(c.Text)
	}
	f.Add("a</s> <mask>\xff\xc3 's")
	mpnet, roberta := folderOf(f, MPNet), folderOf(f, RoBERTa)
	f.Fuzz(func(t *testing.T, text string) {
		if got := strings.Join(slices.Collect(gpt2Words(text)), ""); got != text {
			t.Errorf("%q is split into %q", text, got)
		}
		for _, e := range []*Encoder{mpnet, roberta} {
			for _, id := range e.tok.encode(text) {
				if id < 0 || int(id) >= e.VocabSize {
					t.Errorf("%q has id %d of %d", text, id, e.VocabSize)
				}
			}
		}
	})
}

// FuzzVocab gives hostile vocabularies to the parsers; what they take encodes.
func FuzzVocab(f *testing.F) {
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(read("mpnet/vocab.txt"), read("roberta/vocab.json"), read("roberta/merges.txt"))
	f.Add([]byte("[UNK]\n##\n\na\r\n"), []byte(`{"<unk>": 0, "a": 1, "aa": 2}`), []byte("#version: 0.2\na a\naa a"))
	f.Fuzz(func(t *testing.T, pieces, vocab, merges []byte) {
		const text = "a <unk> aaa ## \u0301é"
		if v, err := parseVocab(string(pieces)); err == nil {
			if w, err := newWordPiece(v, wordPieceOptions{}); err == nil {
				w.encode(text)
			}
		}
		v, err := parseVocabJSON(vocab)
		if err != nil {
			return
		}
		m, err := parseMerges(string(merges), v)
		if err != nil {
			return
		}
		if b, err := newByteBPE(v, m, true); err == nil {
			b.encode(text)
		}
	})
}
