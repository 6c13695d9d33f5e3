package wordnet

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// archive is a part of WordNet 3.0, laid out like nltk's archive.
const archive = "../testdata/wordnet.zip"

// unpack writes the archive's files into dir.
func unpack(t *testing.T, dir string) {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func copyArchive(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// The database is found in every shape that people have it in.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	unpack(t, filepath.Join(dir, "debian"))
	unpack(t, filepath.Join(dir, "home", "dict"))
	unpack(t, filepath.Join(dir, "nltk", "corpora", "wordnet"))
	copyArchive(t, filepath.Join(dir, "zipped", "corpora", "wordnet.zip"))
	for _, path := range []string{"debian", "home", "home/dict", "nltk", "nltk/corpora", "nltk/corpora/wordnet", "zipped",
		"zipped/corpora", "zipped/corpora/wordnet.zip"} {
		db, err := Open(filepath.Join(dir, path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if db.Version != "3.0" || !slices.Contains(db.Synonyms("car"), "automobile") {
			t.Errorf("%s: version %q, synonyms of car %q", path, db.Version, db.Synonyms("car"))
		}
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"NLTK_DATA": dir + "/a" + string(filepath.ListSeparator) + dir + "/b", "HOME": dir + "/home",
		"VIRTUAL_ENV": dir + "/venv", "CONDA_PREFIX": "", "WNSEARCHDIR": dir + "/search", "WNHOME": dir + "/wn"} {
		t.Setenv(name, value)
	}
	places := Places()
	at := -1
	for _, want := range []string{"a/corpora/wordnet", "a/corpora/wordnet.zip", "b/corpora/wordnet", "home/nltk_data/corpora/wordnet",
		"venv/nltk_data/corpora/wordnet", "venv/share/nltk_data/corpora/wordnet.zip", "search", "wn/dict"} {
		i := slices.Index(places, filepath.Join(dir, want))
		if i <= at {
			t.Errorf("%s is at %d, behind %d, of %q", want, i, at, places)
		}
		at = i
	}
	for _, want := range []string{"/usr/share/nltk_data/corpora/wordnet.zip", "/usr/local/lib/nltk_data/corpora/wordnet", debian} {
		if !slices.Contains(places, filepath.FromSlash(want)) {
			t.Errorf("%s is not among %q", want, places)
		}
	}
	// The first that has a database is taken; folders without one are passed
	// over.
	if err := os.MkdirAll(filepath.Join(dir, "a", "corpora", "wordnet"), 0o777); err != nil {
		t.Fatal(err)
	}
	copyArchive(t, filepath.Join(dir, "b", "corpora", "wordnet.zip"))
	db, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "b", "corpora", "wordnet.zip"); db.Path != want {
		t.Errorf("found %s, want %s", db.Path, want)
	}
}

func TestNotFound(t *testing.T) {
	_, err := find([]string{filepath.Join(t.TempDir(), "none")})
	missing := (*NotFoundError)(nil)
	if !errors.As(err, &missing) || len(missing.Tried) != 1 {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"wordnet-base", "nltk.downloader wordnet", "1 place"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// A broken database is an error that names the file and the place.
func TestFaults(t *testing.T) {
	edit := func(name string, f func(string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(f(string(b))), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, name)) }
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   []string
	}{
		{"no database", remove("data.noun"), []string{"data.noun", "index.noun"}},
		{"index is missing", remove("index.verb"), []string{"index.verb", "no such file"}},
		{"exceptions are missing", remove("adv.exc"), []string{"adv.exc", "no such file"}},
		{"data cut short", edit("data.noun", func(s string) string { return s[:len(s)/2] }), []string{"data.noun", "byte"}},
		{"line ends converted", edit("data.adj", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }), []string{"data.adj", "line ends"}},
		{"only a license", edit("data.adv", func(s string) string { return "  1 This software\n" }), []string{"data.adv", "expected synsets"}},
		{"synset without words", edit("data.adv", func(s string) string { return "00000000 02 r 00 000 | \n" }), []string{"data.adv", "byte 0", "number of words"}},
		{"fewer words than said", edit("data.adv", func(s string) string { return "00000000 02 r 05 a 0 b 0\n" }), []string{"data.adv", "5 words"}},
		{"empty index", edit("index.noun", func(s string) string { return "" }), []string{"index.noun", "expected lemmas"}},
		{"index cut short", edit("index.noun", func(s string) string { return s[:len(s)-20] }), []string{"index.noun", "line", "offsets"}},
		{"offset beside a synset", edit("index.adv", func(s string) string { return "very r 1 0 1 0 00000007  \n" }), []string{"index.adv", "line 1", "very", "byte 7 of data.adv"}},
		{"offset is a word", edit("index.adv", func(s string) string { return "very r 1 0 1 0 here  \n" }), []string{"index.adv", "very", "here"}},
		{"no offset", edit("index.adv", func(s string) string { return "very r 0 0 0 0  \n" }), []string{"index.adv", "very"}},
		{"exception of nothing", edit("noun.exc", func(s string) string { return s + "geese\n" }), []string{"noun.exc", "line", "geese"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "wordnet")
			unpack(t, dir)
			c.damage(t, dir)
			_, err := Open(dir)
			if err == nil {
				t.Fatal("opened")
			}
			for _, part := range append(c.want, dir) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
	text := filepath.Join(t.TempDir(), "wordnet.zip")
	if err := os.WriteFile(text, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text); err == nil || !strings.Contains(err.Error(), "wordnet.zip") {
		t.Errorf("a text as an archive: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// small returns the nouns of a database of two synsets.
func small() (data, index, exceptions string) {
	first := "00000000 06 n 02 car 0 motor_car 0 000 | \n"
	data = first + "00000042 03 n 02 Child(p) 0 kid 1 000 | \n"
	return data, "car n 1 0 1 0 00000000  \nchild n 1 1 @ 1 1 00000042  \nkid n 2 0 2 0 00000042 00000000  \n", "children child\n"
}

func parse(data, index, exceptions string) (*DB, error) {
	db := &DB{parts: partsOfSpeech()}
	p := &db.parts[0]
	return db, errors.Join(p.parseData(data), p.parseIndex(index), p.parseExceptions(exceptions))
}

func TestSynonyms(t *testing.T) {
	db, err := parse(small())
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string][]string{
		"car": {"car"}, "cars": {"car"}, "children": {"Child", "kid"}, "childs": {"Child", "kid"}, "kids": {"Child", "car", "kid"},
		"carss": {"car"}, "ca": nil, "": nil, "s": nil,
	} {
		if got := db.Synonyms(word); !slices.Equal(got, want) {
			t.Errorf("synonyms of %q are %q, want %q", word, got, want)
		}
	}
}

// FuzzParse gives hostile files to the parsers; what they take can be searched.
func FuzzParse(f *testing.F) {
	data, index, exceptions := small()
	f.Add(data, index, exceptions, "children")
	f.Add(data[:50], index, "", "cars")
	f.Add("  license\n"+data, index+"x n 65535 65535 1 0", exceptions+"\n\n a b c ", "kidses")
	f.Fuzz(func(t *testing.T, data, index, exceptions, word string) {
		if db, err := parse(data, index, exceptions); err == nil {
			names := db.Synonyms(word)
			if !slices.IsSorted(names) {
				t.Errorf("synonyms %q are not sorted", names)
			}
		}
	})
}
