package language

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"llana/models/conversation"
	"llana/models/spatialllana"
)

// dataset is what a training reads, in the order of the files.
type dataset struct {
	samples []sample
	vecs    string // folder of the objects' tokens
}

// sample is a conversation or a plain text.
type sample struct {
	record conversation.Record
	text   string // of a plain text, which has no record
	plain  bool
}

// openData reads the annotations of a stage and checks that every object's
// tokens exist.
func openData(s Stage, c *Config) (*dataset, error) {
	d := &dataset{vecs: filepath.Join(c.Root, c.Split, c.DataFolder)}
	if s == Text {
		for _, path := range c.TrainFiles {
			samples, err := readTexts(path)
			if err != nil {
				return nil, err
			}
			d.samples = append(d.samples, samples...)
		}
	} else if err := d.readAnnotations(c); err != nil {
		return nil, err
	}
	if len(d.samples) == 0 {
		return nil, errors.New("no training examples of the types asked for")
	}
	return d, d.checkObjects()
}

// readAnnotations reads the brief and the complex file, as far as the types
// asked for need them.
func (d *dataset) readAnnotations(c *Config) error {
	dir := filepath.Join(c.Root, c.Split, c.AnnoFolder)
	isBrief := func(t string) bool { return t == Brief }
	var files []string
	if slices.ContainsFunc(c.ConversationTypes, isBrief) {
		files = append(files, "conversations_brief.json")
	}
	if slices.ContainsFunc(c.ConversationTypes, func(t string) bool { return !isBrief(t) }) {
		files = append(files, "conversations_complex.json")
	}
	for _, f := range files {
		records, err := conversation.ReadFile(filepath.Join(dir, f))
		if err != nil {
			return err
		}
		for _, r := range records {
			if slices.Contains(c.ConversationTypes, r.Type) {
				d.samples = append(d.samples, sample{record: r})
			}
		}
	}
	return nil
}

// checkObjects looks for the token files before training starts.
func (d *dataset) checkObjects() error {
	seen := map[string]bool{}
	missing, first := 0, error(nil)
	for _, s := range d.samples {
		id := s.record.ObjectID
		if s.plain || !s.record.HasPoint() || seen[id] {
			continue
		}
		seen[id] = true
		path, err := spatialllana.ObjectPath(d.vecs, id)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			if missing++; missing == 1 {
				first = err
			}
		}
	}
	if missing > 0 {
		return fmt.Errorf("the tokens of %d of %d objects are missing, the first: %w", missing, len(seen), first)
	}
	return nil
}

// firstObject returns the path of the first object's tokens, "" if there is
// none.
func (d *dataset) firstObject() (string, error) {
	for _, s := range d.samples {
		if !s.plain && s.record.HasPoint() {
			return spatialllana.ObjectPath(d.vecs, s.record.ObjectID)
		}
	}
	return "", nil
}

// permutation returns the order of n things in an epoch.
func permutation(c *Config, epoch, n int) []int {
	if c.Shuffle {
		return rand.New(rand.NewPCG(c.Seed, uint64(epoch))).Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
