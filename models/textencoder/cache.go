package textencoder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llana/models/hub"
)

// NotCachedError says that a model is not in the folder where Hugging Face's
// libraries would keep it.
type NotCachedError struct {
	Repository string
	Folder     string
}

func (e *NotCachedError) Error() string {
	return fmt.Sprintf("%s was not found in %s", e.Repository, e.Folder)
}

// FindCached returns the folder of a model, "owner/name", in Hugging Face's
// cache (see hub.FromEnv). Of several snapshots it takes the first of revisions,
// then what refs/main names, then the newest one. It returns a NotCachedError if
// there is none.
func FindCached(repository string, revisions ...string) (string, error) {
	cache, err := hub.CacheFolder()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "models--"+strings.ReplaceAll(repository, "/", "--"))
	wanted := revisions
	if main, err := os.ReadFile(filepath.Join(dir, "refs", "main")); err == nil {
		wanted = append(wanted[:len(wanted):len(wanted)], strings.TrimSpace(string(main)))
	}
	for _, r := range append(wanted, snapshots(dir)...) {
		path := filepath.Join(dir, "snapshots", filepath.Base(r))
		if _, err := os.Stat(filepath.Join(path, "config.json")); err == nil {
			return path, nil
		}
	}
	return "", &NotCachedError{repository, dir}
}

// snapshots returns the revisions in a cached model, newest first.
func snapshots(dir string) []string {
	entries, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil {
		return nil
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		x, errX := a.Info()
		y, errY := b.Info()
		if errX != nil || errY != nil {
			return 0
		}
		return y.ModTime().Compare(x.ModTime())
	})
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
