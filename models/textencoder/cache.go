package textencoder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// NotCachedError says that a model is in none of the folders where Hugging
// Face's libraries keep theirs.
type NotCachedError struct {
	Repository string
	Tried      []string
}

func (e *NotCachedError) Error() string {
	return fmt.Sprintf("%s was not found in %s", e.Repository, strings.Join(e.Tried, ", "))
}

// FindCached returns the folder of a model, "owner/name", in Hugging Face's
// cache: HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub. Of several
// snapshots it takes the first of revisions, then what refs/main names, then
// the newest one. It returns a NotCachedError if there is none.
func FindCached(repository string, revisions ...string) (string, error) {
	name := "models--" + strings.ReplaceAll(repository, "/", "--")
	var tried []string
	for _, cache := range hubCaches() {
		dir := filepath.Join(cache, name)
		tried = append(tried, dir)
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
	}
	return "", &NotCachedError{repository, tried}
}

// hubCaches returns the folders of Hugging Face's cache, in the order of its
// own rules.
func hubCaches() []string {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return []string{dir}
	}
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return []string{filepath.Join(dir, "hub")}
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache")
	}
	return []string{filepath.Join(cache, "huggingface", "hub")}
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
