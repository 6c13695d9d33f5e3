package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"llana/models/spatialllana"
)

// Layout is a data folder in the published layout.
type Layout struct {
	Root       string
	DataFolder string // of the object tokens in a split, "vecs"
	AnnoFolder string // of the annotations in a split, "texts"
}

// published is the data folder's name beside that of Spatial ObjaNeRF.
const published = "spatial_llana_dataset"

// Open returns the layout of a folder: that of the splits, or the one that
// holds it as "spatial_llana_dataset".
func Open(root string) (Layout, error) {
	info, err := os.Stat(root)
	if err != nil {
		return Layout{}, err
	}
	if !info.IsDir() {
		return Layout{}, fmt.Errorf("%s: want a data folder, found a file", root)
	}
	if inner := filepath.Join(root, published); isDir(inner) {
		root = inner
	}
	return Layout{Root: root, DataFolder: "vecs", AnnoFolder: "texts"}, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// toyWorldName is the file that says how a toy world was made.
const toyWorldName = "toyworld.json"

// ToyWorld reports whether the folder is one that toyworld.Generate made.
func (l Layout) ToyWorld() bool {
	_, err := os.Stat(filepath.Join(l.Root, toyWorldName))
	return err == nil
}

// Source is where a task's questions and objects lie.
type Source struct {
	Task
	Path string // of the annotations
	// Vecs are the folders that may hold an object's tokens, the likeliest
	// first.
	Vecs []string
	// Filter, if not "", is the only type of conversation that counts.
	Filter string
	// Verdict says that multiple-choice answers without options are compared
	// by what they come to, as the toy world's are.
	Verdict bool
}

// Source finds the files of a task. Spatial ObjaNeRF is looked for inside the
// data folder, where the reference's code reads it, and beside it, where its
// README puts it; its tokens are those of the GPT4Point test set where it has
// none of its own.
func (l Layout) Source(t Task) (Source, error) {
	s := Source{Task: t, Verdict: l.ToyWorld()}
	dir := filepath.Join(l.Root, t.Split)
	s.Vecs = []string{filepath.Join(dir, l.DataFolder)}
	candidates := []string{filepath.Join(dir, l.AnnoFolder, briefName)}
	switch t.Split {
	case HST:
		candidates = []string{filepath.Join(l.Root, hstName)}
		s.Vecs = []string{filepath.Join(l.Root, ShapeTest, l.DataFolder)}
	case Spatial:
		candidates, s.Vecs = l.spatial(map[string]string{Descriptions: descriptionsName, MultiChoice: choiceName}[t.Text])
	case PointLLM, GPT4Point: // all records of the brief file
	default:
		if t.Text != Brief {
			candidates = []string{filepath.Join(dir, l.AnnoFolder, complexName)}
			s.Filter = t.Text
		}
	}
	for _, path := range candidates {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsRegular():
			s.Path = path
			return s, nil
		case err == nil:
			return s, fmt.Errorf("%s: want the annotations of %s, found no regular file", path, t)
		case !errors.Is(err, fs.ErrNotExist):
			return s, err
		}
	}
	return s, fmt.Errorf("%s: the annotations of %s are missing: %w", strings.Join(candidates, " or "), t, fs.ErrNotExist)
}

// spatial returns where a file of Spatial ObjaNeRF and its tokens may lie. The
// toy world's questions are about scenes of its test split.
func (l Layout) spatial(file string) (annotations, vecs []string) {
	for _, dir := range []string{l.Root, filepath.Dir(filepath.Clean(l.Root))} {
		annotations = append(annotations, filepath.Join(dir, Spatial, l.AnnoFolder, file))
		vecs = append(vecs, filepath.Join(dir, Spatial, l.DataFolder))
	}
	for _, split := range []string{GPT4Point, ShapeTest} {
		vecs = append(vecs, filepath.Join(l.Root, split, l.DataFolder))
	}
	return annotations, vecs
}

// VecPath returns the file of an object's tokens: the first that exists. The
// error says where they were looked for.
func (s Source) VecPath(id string) (string, error) {
	var tried []string
	for _, dir := range s.Vecs {
		path, err := spatialllana.ObjectPath(dir, id)
		if err != nil {
			return "", err
		}
		_, err = os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		// Folders that do not exist say nothing about the object.
		if len(tried) == 0 || isDir(dir) {
			tried = append(tried, path)
		}
	}
	return "", fmt.Errorf("the object's tokens are missing: %s: %w", strings.Join(tried, " or "), fs.ErrNotExist)
}
