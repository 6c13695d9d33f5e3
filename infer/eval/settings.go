package eval

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"llana/infer"
	"llana/models/spatialllana"
	"llana/tensor"
)

// Settings are what a run's predictions depend on. A journal begins with them:
// a run goes on only where they are the same.
type Settings struct {
	Split string `json:"split"`
	Text  string `json:"text_data"`
	// Annotations and Model are digests of the annotation file and the model
	// folder; ModelName is the folder's name, for people.
	Annotations string `json:"annotations"`
	Items       int    `json:"items"` // questions of all shards
	ModelName   string `json:"model"`
	Model       string `json:"model_digest"`

	Weights string `json:"weights"` // how the model's matrices are stored
	Cache   string `json:"cache"`   // how keys and values are stored

	Turns             string  `json:"turns"`
	MaxNewTokens      int     `json:"max_new_tokens"`
	Context           int     `json:"context"` // 0: the model's own
	RepetitionPenalty float64 `json:"repetition_penalty"`
	Temperature       float64 `json:"temperature"`
	TopK              int     `json:"top_k"`
	TopP              float64 `json:"top_p"`
	Seed              uint64  `json:"seed"`

	Shard  int `json:"shard"` // from 1
	Shards int `json:"shards"`
	// Verdict is Source's.
	Verdict bool `json:"verdict,omitempty"`
}

// What is written of a record of several questions.
const (
	TurnsFirst = "first" // its first question
	// TurnsCopy writes them all, each with the answer to the first: what the
	// reference does.
	TurnsCopy = "copy"
)

// setSampling takes over how answers are drawn. A greedy run does not depend
// on the other values.
func (s *Settings) setSampling(o infer.Options) {
	s.MaxNewTokens = o.MaxNewTokens
	if s.MaxNewTokens == 0 {
		s.MaxNewTokens = infer.DefaultNewTokens
	}
	s.Cache = cmp.Or(o.CacheType, tensor.F32).String()
	s.Context, s.RepetitionPenalty = o.Context, o.RepetitionPenalty
	if s.RepetitionPenalty == 0 {
		s.RepetitionPenalty = 1
	}
	if s.Temperature = o.Temperature; s.Temperature > 0 {
		s.TopK, s.TopP, s.Seed = o.TopK, o.TopP, o.Seed
	}
}

// MaxShards bounds the parts of a run, maxItems its questions.
const (
	MaxShards = 1 << 16
	maxItems  = 1 << 40
)

func (s *Settings) validate() error {
	switch {
	case s.Turns != TurnsFirst && s.Turns != TurnsCopy:
		return fmt.Errorf("turns %q, want %s or %s", s.Turns, TurnsFirst, TurnsCopy)
	case s.Shards < 1 || s.Shards > MaxShards || s.Shard < 1 || s.Shard > s.Shards:
		return fmt.Errorf("shard %d of %d, want 1 to the number of shards, which is at most %d", s.Shard, s.Shards, MaxShards)
	case s.Items < 0 || s.Items > maxItems:
		return fmt.Errorf("%d items, want 0 to %d", s.Items, maxItems)
	}
	return nil
}

// part returns the items [lo, hi) of the shard. Shards are contiguous, so that
// questions about one object stay together.
func (s *Settings) part() (lo, hi int) {
	return int(int64(s.Items) * int64(s.Shard-1) / int64(s.Shards)), int(int64(s.Items) * int64(s.Shard) / int64(s.Shards))
}

// differ says in what found settings differ from s, "" if in nothing that
// matters. ignore names fields, by their JSON names, that may differ.
func (s Settings) differ(found Settings, ignore ...string) string {
	var parts []string
	a, b := reflect.ValueOf(s), reflect.ValueOf(found)
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if name == "model" || slices.Contains(ignore, name) {
			continue
		}
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			parts = append(parts, fmt.Sprintf("%s is %v, not %v", name, y, x))
		}
	}
	return strings.Join(parts, "; ")
}

// ModelID tells models apart.
type ModelID struct {
	Name   string // for people
	Digest string // of what the model is made of
	// Weights says how its matrices are stored, where that is not as in the
	// files: other storage gives other answers.
	Weights string
}

// digestEnds is how much of a weight file's beginning and end enters the
// digest of a model; with its size that tells models apart without reading
// them whole.
const digestEnds = 1 << 20

// Identify returns the name of a model folder and a digest that does not depend
// on where it lies: of the whole content of small files, and of the size,
// beginning and end of the others.
func Identify(dir string) (ModelID, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return ModelID{}, err
	}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return ModelID{}, err
	}
	h := sha256.New()
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".json", ".model", ".yaml", ".bin", ".safetensors", ".pt":
		default:
			continue
		}
		if err := digestFile(h, filepath.Join(dir, e.Name())); err != nil {
			return ModelID{}, err
		}
	}
	return ModelID{Name: filepath.Base(whole), Digest: hex.EncodeToString(h.Sum(nil)[:16])}, nil
}

func digestFile(h hash.Hash, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	size := info.Size()
	fmt.Fprintf(h, "%q %d\n", filepath.Base(path), size)
	if size <= 2*digestEnds {
		_, err = io.Copy(h, f)
		return err
	}
	if _, err := io.CopyN(h, f, digestEnds); err != nil {
		return err
	}
	if _, err := f.Seek(-digestEnds, io.SeekEnd); err != nil {
		return err
	}
	_, err = io.Copy(h, f)
	return err
}

// survey counts the items of a source, digests its annotations, and checks that
// every object's tokens are there and as the model reads them, so that a run of
// hours does not end for want of one.
func (s Source) survey(ctx context.Context, p *spatialllana.Projector) (items int, digest string, err error) {
	shape := Shape{}
	if p != nil {
		if shape = (Shape{p.Tokens, p.Width}); p.Pool != "" {
			shape.Tokens = 0
		}
	}
	objects := objectSet{src: s, shape: shape}
	for item, err := range s.Items() {
		if err != nil {
			return 0, "", err
		}
		if items++; items%256 == 0 && ctx.Err() != nil {
			return 0, "", ctx.Err()
		}
		if item.Object && p == nil {
			return 0, "", fmt.Errorf("%s: record %d shows object %q, but the model has no projector: it reads no objects", s.Path, item.Record, item.ObjectID)
		}
		if item.Object {
			if err := objects.add(item); err != nil {
				return 0, "", err
			}
		}
	}
	if items == 0 {
		return 0, "", fmt.Errorf("%s: no questions of %s", s.Path, s.Task)
	}
	if err := objects.err(); err != nil {
		return 0, "", err
	}
	h := sha256.New()
	f, err := os.Open(s.Path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return 0, "", err
	}
	return items, hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// notFound reports whether an error is that of a missing file.
func notFound(err error) bool { return errors.Is(err, fs.ErrNotExist) }
