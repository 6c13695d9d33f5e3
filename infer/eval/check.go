package eval

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llana/models/checkpoint"
	"llana/models/conversation"
	"llana/models/nerf"
	"llana/models/spatialllana"
)

// Fault is something wrong with a data folder.
type Fault struct {
	File string `json:"file"`
	// Record is the number of the record in an annotation file, from 0, or -1.
	Record   int    `json:"record"`
	ObjectID string `json:"object_id,omitempty"`
	Problem  string `json:"problem"`
}

func (f Fault) String() string {
	s := f.File
	if f.Record >= 0 {
		s += fmt.Sprintf(": record %d", f.Record)
	}
	if f.ObjectID != "" {
		s += fmt.Sprintf(", object %q", f.ObjectID)
	}
	return s + ": " + f.Problem
}

// FileCount is what one annotation file holds.
type FileCount struct {
	Split   string         `json:"split"`
	File    string         `json:"file"`
	Records int            `json:"records"`
	Types   map[string]int `json:"types"` // records by conversation_type, "" for none
	// Objects counts different objects, Tokens those whose tokens are there and
	// well formed, and NeRFs those that have no tokens yet but a NeRF to make
	// them of.
	Objects  int `json:"objects"`
	Tokens   int `json:"tokens"`
	NeRFs    int `json:"nerfs_without_tokens"`
	TextOnly int `json:"text_only"` // records that do not show their object
	Faults   int `json:"faults"`
}

// CheckOptions say what Check looks for.
type CheckOptions struct {
	Splits []string // none: all that the layout has
	Shape  Shape    // of the tokens
	// Uniform takes the shape of the first file for that of all others.
	Uniform bool
	Fault   func(Fault) // is told every fault
	// Progress, if not nil, is told how many records are read.
	Progress func(records int)
}

// toySplits are the splits of a toy world.
var toySplits = []string{"train", "val", ShapeTest, Spatial}

// Check reads every annotation file of some splits and the header of every
// object's tokens. What is wrong goes to o.Fault; the error is that of a
// cancelled context or of a split that does not exist. Memory grows with the
// number of different objects (16 bytes each), not with that of records.
func (l Layout) Check(ctx context.Context, o CheckOptions) ([]FileCount, error) {
	names := o.Splits
	if len(names) == 0 {
		names = Splits()
		if l.ToyWorld() {
			names = toySplits
		}
	}
	c := &checker{Layout: l, CheckOptions: o, seed: maphash.MakeSeed()}
	for _, name := range names {
		for _, text := range filesOf(name) {
			t, err := NewTask(name, text)
			if err == nil {
				err = c.file(ctx, t)
			}
			if err != nil {
				return c.counts, err
			}
		}
	}
	return c.counts, nil
}

// filesOf names a kind of text for each annotation file of a split.
func filesOf(split string) []string {
	switch split {
	case "train", "val", ShapeTest:
		return []string{Brief, Detailed}
	case Spatial:
		return []string{Descriptions, MultiChoice}
	}
	return []string{""}
}

// checker checks one file after another.
type checker struct {
	Layout
	CheckOptions
	counts  []FileCount
	count   *FileCount // of the file that is read
	src     Source
	seed    maphash.Seed
	seen    map[uint64]struct{} // objects of this file, by hash
	total   int                 // records of all files
	hinted  bool                // that folders are to be flattened
	missing bool                // the split has no folder of tokens at all
}

func (c *checker) fault(f Fault) {
	c.count.Faults++
	if c.Fault != nil {
		c.Fault(f)
	}
}

// file checks an annotation file and the objects that it names.
func (c *checker) file(ctx context.Context, t Task) error {
	src, err := c.Source(t)
	src.Filter = ""
	c.src, c.seen, c.hinted = src, map[uint64]struct{}{}, false
	c.missing = !slices.ContainsFunc(src.Vecs, isDir)
	c.counts = append(c.counts, FileCount{Split: t.Split, File: src.Path, Types: map[string]int{}})
	c.count = &c.counts[len(c.counts)-1]
	if err != nil {
		c.fault(Fault{File: filepath.Join(c.Root, t.Split), Record: -1, Problem: err.Error()})
		return nil
	}
	f, err := os.Open(src.Path)
	if err != nil {
		c.fault(Fault{File: src.Path, Record: -1, Problem: err.Error()})
		return nil
	}
	defer f.Close()
	for rec, err := range records(src, f) {
		if c.total%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if c.Progress != nil {
				c.Progress(c.total)
			}
		}
		c.record(rec, err)
	}
	// The scenes of a small toy world may all have one solid: nothing to compare.
	if c.count.Records == 0 && c.count.Faults == 0 && !(src.Verdict && t.Text == MultiChoice) {
		c.fault(Fault{File: src.Path, Record: -1, Problem: "there are no records"})
	}
	return nil
}

// record is a record as far as the check needs it.
type record struct {
	n        int
	id, kind string
	shows    bool
	more     bool // another question of the record before
	problem  string
}

// records yields the records of a conversation file or of the multiple-choice
// questions. Errors are those of conversation.Scan.
func records(src Source, f *os.File) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if src.Text == MultiChoice {
			last := -1
			for item, err := range scanChoices(f, src.Path) {
				more := err == nil && item.Record == last
				if err == nil {
					last = item.Record
				}
				if !yield(record{item.Record, item.ObjectID, MultiChoice, true, more, choiceProblem(src, item)}, err) {
					return
				}
			}
			return
		}
		n := 0
		for rec, err := range conversation.Scan(f, src.Path) {
			if !yield(record{n, rec.ObjectID, rec.Type, rec.HasPoint(), false, problemOf(src, rec)}, err) {
				return
			}
			n++
		}
	}
}

// choiceProblem says what keeps a multiple-choice question from being scored
// as one.
func choiceProblem(src Source, item Item) string {
	if item.Choice != nil && len(item.Choice.Options) == 0 && !src.Verdict {
		return "the question embeds no options A, B, …"
	}
	return ""
}

// problemOf says what is wrong with a record that is read, if anything.
func problemOf(src Source, rec conversation.Record) string {
	item, err := newItem(rec)
	if err != nil {
		return err.Error()
	}
	for i, p := range item.Pairs {
		if p.Question == "" || p.Truth == "" {
			return fmt.Sprintf("question %d or its answer is empty", i)
		}
	}
	var want []string
	switch {
	case src.Split == HST || src.Split == Spatial || src.Split == PointLLM || src.Split == GPT4Point:
		return "" // the type is not looked at
	case filepath.Base(src.Path) == briefName:
		want = []string{Brief}
	default:
		want = []string{Detailed, Single, Multi}
	}
	// The test file may leave it out; training filters by it.
	if slices.Contains(want, rec.Type) || rec.Type == "" && src.Split == ShapeTest && want[0] == Brief {
		return ""
	}
	return fmt.Sprintf("conversation_type %q, want %s", rec.Type, strings.Join(want, ", "))
}

// record checks a record and, the first time, its object.
func (c *checker) record(rec record, err error) {
	var bad *conversation.RecordError
	switch {
	case errors.As(err, &bad):
		c.fault(Fault{c.src.Path, bad.Index, bad.ObjectID, bad.Err.Error()})
	case err != nil: // it names the file
		c.fault(Fault{c.src.Path, -1, "", strings.TrimPrefix(err.Error(), c.src.Path+": ")})
		return
	case rec.problem != "":
		c.fault(Fault{c.src.Path, rec.n, rec.id, rec.problem})
	}
	if rec.more {
		return
	}
	c.count.Records++
	c.total++
	if err != nil {
		return
	}
	c.count.Types[rec.kind]++
	if !rec.shows {
		c.count.TextOnly++
		return
	}
	h := maphash.String(c.seed, rec.id)
	if _, known := c.seen[h]; known {
		return
	}
	c.seen[h] = struct{}{}
	c.count.Objects++
	c.object(rec)
}

// object checks the tokens of an object.
func (c *checker) object(rec record) {
	path, err := c.src.VecPath(rec.id)
	if errors.Is(err, fs.ErrNotExist) {
		if c.missing && c.hasNeRF(rec.id) {
			c.count.NeRFs++
			return
		}
		err = c.flatten(err)
	}
	if err != nil {
		c.fault(Fault{c.src.Path, rec.n, rec.id, err.Error()})
		return
	}
	info, err := checkpoint.NPYInfo(path)
	if err == nil {
		err = c.Shape.Check(info)
	}
	if err != nil {
		problem := strings.TrimPrefix(err.Error(), path+": ")
		c.fault(Fault{c.src.Path, rec.n, rec.id, path + ": " + problem})
		return
	}
	c.count.Tokens++
	if c.Uniform {
		c.Uniform = false
		c.Shape = Shape{1, info.Shape[len(info.Shape)-1]}
		if len(info.Shape) == 2 {
			c.Shape.Tokens = info.Shape[0]
		}
	}
}

// hasNeRF reports whether an object's tokens can be made of a NeRF beside
// where they would be.
func (c *checker) hasNeRF(id string) bool {
	return slices.ContainsFunc(c.src.Vecs, func(vecs string) bool {
		path, err := spatialllana.ObjectPath(filepath.Join(filepath.Dir(vecs), "nerfs"), id)
		if err != nil {
			return false
		}
		_, err = os.Stat(filepath.Join(strings.TrimSuffix(path, ".npy"), nerf.WeightsName))
		return err == nil
	})
}

// flatten adds to the first error of a folder that its files lie one level
// deeper, as they are published for the training split.
func (c *checker) flatten(err error) error {
	if c.hinted {
		return err
	}
	c.hinted = true
	for _, dir := range c.src.Vecs {
		if inner, _ := filepath.Glob(filepath.Join(dir, "batch_*")); len(inner) > 0 {
			return fmt.Errorf("%w (move the files of %s and its siblings up into %s)", err, inner[0], dir)
		}
	}
	return err
}
