//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"llana/kernels"
)

// choices are the variants of kernels that were fastest on an adapter, by
// operation and class of shapes. They are kept in a file, so that an adapter's
// results are the same from run to run.
type choices struct {
	path string // empty if there is nowhere to keep them
	by   map[string]string
	// untried are classes whose trial failed: for this run they have their
	// presets, and the next one tries again.
	untried map[string]bool
}

// choicesFile is what the file holds. It belongs to an adapter, a driver and
// the kernels' text.
type choicesFile struct {
	Adapter string            `json:"adapter"`
	Driver  string            `json:"driver"`
	Choices map[string]string `json:"choices"`
}

// openChoices reads the choices for an adapter from dir. A file that is missing
// or damaged counts as empty: choices are made again.
func openChoices(dir string, info kernels.Info) *choices {
	c := &choices{by: map[string]string{}, untried: map[string]bool{}}
	if dir == "" {
		return c
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", info.Name, info.Driver, kernels.TextHash()))
	c.path = filepath.Join(dir, fmt.Sprintf("tuning-%x.json", id[:8]))
	c.load()
	return c
}

// load adds what the file holds to the choices. Those that were made stay, even
// if another process has written others: a run does not change its mind.
func (c *choices) load() {
	raw, err := os.ReadFile(c.path)
	if err != nil {
		return
	}
	var f choicesFile
	if json.Unmarshal(raw, &f) != nil {
		return
	}
	for key, choice := range f.Choices {
		if _, made := c.by[key]; !made {
			c.by[key] = choice
		}
	}
}

// keep remembers a choice among variants. If another process made one meanwhile,
// that stays, and is returned. A file that cannot be written does no harm: the
// next run measures again.
func (c *choices) keep(info kernels.Info, key, choice string, variants []string) string {
	if c.path != "" {
		c.load()
	}
	if theirs := c.by[key]; slices.Contains(variants, theirs) {
		return theirs
	}
	c.by[key] = choice
	if c.path != "" {
		_ = c.write(choicesFile{info.Name, info.Driver, c.by})
	}
	return choice
}

// write replaces the file in one step.
func (c *choices) write(f choicesFile) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "tuning-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(raw, '\n'))
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), c.path)
}

// cacheDir is where choices are kept; empty if the user has no such place.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "llana")
}
