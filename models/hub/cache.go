package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
)

// snapshot is one commit of a repository in the cache.
type snapshot struct {
	*Client
	ref    Reference
	commit string

	sizes    map[string]int64 // of files, where the list has them
	progress progress
	files    map[string]remote // those that are not in the folder yet
	fresh    fresh
}

// folderName is the name of a repository's folder in the cache.
func (s *snapshot) folderName() string { return "models--" + s.ref.Owner + "--" + s.ref.Name }

func (s *snapshot) root() string { return filepath.Join(s.Cache, s.folderName()) }

// folder is where the commit's files are.
func (s *snapshot) folder() string { return filepath.Join(s.root(), "snapshots", s.commit) }

func (s *snapshot) file(name string) string {
	return filepath.Join(s.folder(), filepath.FromSlash(name))
}

func (s *snapshot) blob(etag string) string { return filepath.Join(s.root(), "blobs", etag) }

func (s *snapshot) refPath() string {
	return filepath.Join(s.root(), "refs", filepath.FromSlash(s.ref.Revision))
}

// find sets the commit that the cache knows for the revision.
func (s *snapshot) find() error {
	if isCommit(s.ref.Revision) {
		s.commit = s.ref.Revision
		return nil
	}
	b, err := os.ReadFile(s.refPath())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no revision %q of it", s.root(), s.ref.Revision)
	}
	if err != nil {
		return err
	}
	s.commit = strings.TrimSpace(string(b))
	if !isCommit(s.commit) {
		return fmt.Errorf("%s: want a commit, found %q", s.refPath(), s.commit)
	}
	return nil
}

// saveRef makes the revision point to the commit.
func (s *snapshot) saveRef() error {
	old, err := os.ReadFile(s.refPath())
	if isCommit(s.ref.Revision) || err == nil && string(old) == s.commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.refPath()), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteBytes(s.refPath(), []byte(s.commit))
}

// cached returns what the cache holds of a part, or an error that says what is
// missing.
func (c *Client) cached(r Reference, p Part) (*Snapshot, error) {
	s := &snapshot{Client: c, ref: r}
	if err := s.find(); err != nil {
		return nil, err
	}
	sel, err := p.choose(r, s.present())
	if err != nil {
		return nil, fmt.Errorf("%s has %w", s.folder(), err)
	}
	if sel.index != "" {
		shards, err := checkpoint.Shards(s.file(sel.index))
		if err != nil {
			return nil, err
		}
		for _, n := range shards {
			if !exists(s.file(n)) {
				return nil, fmt.Errorf("%s has no %s", s.folder(), n)
			}
		}
		sel.files = append(sel.files, shards...)
	}
	return s.result(sel), nil
}

// present returns the names of the files in the folder that a part may ask for:
// those at its top, and those beside the reference's own file.
func (s *snapshot) present() []string {
	var names []string
	add := func(dir string) {
		entries, _ := os.ReadDir(s.file(dir)) // no folder, no files
		for _, e := range entries {
			if name := path.Join(dir, e.Name()); exists(s.file(name)) {
				names = append(names, name)
			}
		}
	}
	add(".")
	if dir := path.Dir(s.ref.File); s.ref.File != "" && dir != "." {
		add(dir)
	}
	return names
}

// exists reports whether a path leads to a file.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// tagCache marks the cache for backup programs (https://bford.info/cachedir/), as
// huggingface_hub does. It does not matter if that fails.
func (c *Client) tagCache() {
	path := filepath.Join(c.Cache, "CACHEDIR.TAG")
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		_ = atomicfile.WriteBytes(path, []byte("Signature: 8a477f597d28d172789f06886806bc55\n# A cache of the Hugging Face Hub.\n"))
	}
}
