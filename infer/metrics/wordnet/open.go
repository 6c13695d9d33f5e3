package wordnet

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// NotFoundError says that no database was found and how to get one.
type NotFoundError struct {
	Tried []string // folders and archives that were looked for
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("WordNet 3.0 was not found in %d places, nltk's and %s among them: "+
		"install Debian's package wordnet-base, or run python3 -m nltk.downloader wordnet, or name its folder",
		len(e.Tried), debian)
}

// debian is where Debian's package wordnet-base puts the database.
const debian = "/usr/share/wordnet"

// Find opens the database where the system, nltk or WordNet's own programs
// have put it; see Places. It returns a NotFoundError if there is none; a
// broken one is an error, not passed over.
func Find() (*DB, error) { return find(Places()) }

func find(places []string) (*DB, error) {
	for _, path := range places {
		if isFile(path) || isFile(filepath.Join(path, probe)) {
			return Open(path)
		}
	}
	return nil, &NotFoundError{places}
}

// probe is the file whose presence tells a folder of WordNet: Debian's holds
// icons too, which may be there without the database.
const probe = "data.noun"

// Places returns the folders and archives that Find looks for, in order:
// nltk's search path, NLTK_DATA first; then WNSEARCHDIR, WNHOME and the usual
// folders of the system.
func Places() []string {
	var places []string
	nltk := func(dir string) {
		corpora := filepath.Join(dir, "corpora")
		places = append(places, filepath.Join(corpora, "wordnet"), filepath.Join(corpora, "wordnet.zip"))
	}
	for _, dir := range filepath.SplitList(os.Getenv("NLTK_DATA")) {
		if dir != "" {
			nltk(dir)
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		nltk(filepath.Join(home, "nltk_data"))
	}
	for _, prefix := range []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"), "/usr", "/usr/local"} {
		if prefix != "" {
			nltk(filepath.Join(prefix, "nltk_data"))
			nltk(filepath.Join(prefix, "share", "nltk_data"))
			nltk(filepath.Join(prefix, "lib", "nltk_data"))
		}
	}
	if roaming := os.Getenv("APPDATA"); roaming != "" { // Windows
		nltk(filepath.Join(roaming, "nltk_data"))
		nltk(`C:\nltk_data`)
		nltk(`D:\nltk_data`)
	}
	if dir := os.Getenv("WNSEARCHDIR"); dir != "" {
		places = append(places, dir)
	}
	if dir := os.Getenv("WNHOME"); dir != "" {
		places = append(places, filepath.Join(dir, "dict"))
	}
	return append(places, debian, "/usr/local/WordNet-3.0/dict")
}

// Open reads the database at path: a folder with data.noun and its siblings,
// a folder above such a one (nltk_data, its corpora, WordNet's home), or nltk's
// wordnet.zip. Errors name the file and the line or byte.
func Open(path string) (*DB, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, fmt.Errorf("%s: expected a WordNet folder or nltk's wordnet.zip: %w", path, err)
		}
		defer z.Close()
		return read(path, z)
	}
	for _, sub := range []string{".", "dict", "wordnet", "corpora/wordnet"} {
		dir := filepath.Join(path, filepath.FromSlash(sub))
		if isFile(filepath.Join(dir, probe)) {
			return read(dir, os.DirFS(dir))
		}
	}
	for _, file := range []string{"wordnet.zip", "corpora/wordnet.zip"} {
		if name := filepath.Join(path, filepath.FromSlash(file)); isFile(name) {
			return Open(name)
		}
	}
	return nil, fmt.Errorf("%s: expected WordNet's files (data.noun, index.noun, noun.exc, ...), found no data.noun", path)
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// read reads a database from a folder or an archive, which has it in a folder.
func read(path string, files fs.FS) (*DB, error) {
	if _, err := fs.Stat(files, probe); errors.Is(err, fs.ErrNotExist) {
		if sub, err := fs.Sub(files, "wordnet"); err == nil {
			files = sub
		}
	}
	db := &DB{Path: path, parts: partsOfSpeech()}
	var g errgroup.Group
	for i := range db.parts {
		g.Go(func() error { return db.parts[i].read(path, files) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	text, err := readText(files, "data.adj")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m := versionLine.FindStringSubmatch(text[:min(len(text), 4096)]); m != nil {
		db.Version = m[1]
	}
	return db, nil
}

// versionLine is a line of the license at the head of each file.
var versionLine = regexp.MustCompile(`WordNet ([0-9.]+) Copyright`)

func (p *part) read(path string, files fs.FS) error {
	for _, f := range []struct {
		name  string
		parse func(string) error
	}{{"data." + p.suffix, p.parseData}, {"index." + p.suffix, p.parseIndex}, {p.suffix + ".exc", p.parseExceptions}} {
		text, err := readText(files, f.name)
		if err == nil {
			err = f.parse(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, f.name, err)
		}
	}
	return nil
}

// maxFile bounds a file of the database; the largest, data.noun, has 15 MB.
const maxFile = 256 << 20

func readText(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if st.Size() > maxFile {
		return "", fmt.Errorf("expected at most %d bytes, found %d", maxFile, st.Size())
	}
	var b strings.Builder
	b.Grow(int(st.Size()))
	_, err = io.Copy(&b, io.LimitReader(f, maxFile))
	return b.String(), err
}
