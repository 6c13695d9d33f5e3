package eval

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// shardName matches what ShardName makes.
var shardName = regexp.MustCompile(`\.shard([0-9]+)of([0-9]+)\.json$`)

// FindShards returns the results of the shards of out that are there. All must
// be of one number of shards.
func FindShards(out string) ([]string, error) {
	// The name may have characters that Glob reads as a pattern.
	entries, err := os.ReadDir(filepath.Dir(out))
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(filepath.Base(out), ".json")
	var found []string
	of := map[string]bool{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".journal.jsonl")
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || name == e.Name() {
			continue
		}
		if m := shardName.FindStringSubmatch(rest + ".json"); m != nil && m[0] == rest+".json" {
			found = append(found, filepath.Join(filepath.Dir(out), name+".json"))
			of[m[2]] = true
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("%s: no shards of it beside it (%s)", out, filepath.Base(ShardName(out, 1, 2)))
	case len(of) > 1:
		return nil, fmt.Errorf("%s: the shards beside it are of several runs; name those to merge", out)
	}
	return found, nil
}

// Merge puts the shards of a run together: their results, or the journals
// beside them. Every shard must be there once, complete and of the same
// settings. The results, and a journal of the whole run, go to out.
func Merge(out string, shards []string, overwrite bool) (Result, error) {
	r := Result{Out: out, Journal: JournalName(out)}
	if err := checkOut(out, r.Journal); err != nil && !overwrite {
		return r, err
	}
	if _, err := os.Stat(r.Journal); err == nil && !overwrite {
		return r, fmt.Errorf("%s is there already; give another --out, or --overwrite", r.Journal)
	}
	journals, err := r.order(shards)
	if err != nil {
		return r, err
	}
	whole := r.Settings
	whole.Shard, whole.Shards = 1, 1
	r.Settings = whole
	if err := writeWhole(r.Journal, whole, journals); err != nil {
		return r, err
	}
	err = r.finish([]string{r.Journal})
	return r, err
}

// order reads the shards and returns their journals in the order of their
// numbers. The settings of the first stay in r.
func (r *Result) order(shards []string) ([]string, error) {
	var journals []string
	for i, path := range shards {
		if !strings.HasSuffix(path, ".journal.jsonl") {
			path = JournalName(path)
		}
		answered := 0
		s, err := ReadJournal(path, func(Entry) error { answered++; return nil })
		if err != nil {
			return nil, err
		}
		if i == 0 {
			r.Settings = s
			journals = make([]string, s.Shards)
		}
		if diff := r.Settings.differ(s, "shard"); diff != "" {
			return nil, fmt.Errorf("%s: the shard of another run than %s: %s", path, shards[0], diff)
		}
		if other := journals[s.Shard-1]; other != "" {
			return nil, fmt.Errorf("%s: shard %d of %d is there twice, %s is it too", path, s.Shard, s.Shards, other)
		}
		if lo, hi := s.part(); answered != hi-lo {
			return nil, fmt.Errorf("%s: shard %d of %d has %d answers, want %d: it is not finished", path, s.Shard, s.Shards, answered, hi-lo)
		}
		journals[s.Shard-1] = path
	}
	var missing []string
	for i, path := range journals {
		if path == "" {
			missing = append(missing, strconv.Itoa(i+1))
		}
	}
	if len(journals) == 0 {
		return nil, errors.New("no shards to merge")
	}
	if missing != nil {
		return nil, fmt.Errorf("shard %s of %d is missing", strings.Join(missing, ", "), len(journals))
	}
	return journals, nil
}

// writeWhole writes the journal of a whole run. It has its name only when it is
// complete.
func writeWhole(path string, s Settings, journals []string) error {
	part := path + ".part"
	j, _, err := OpenJournal(part, s, true)
	if err != nil {
		return err
	}
	for _, from := range journals {
		if _, err = ReadJournal(from, func(e Entry) error { return j.Append(e) }); err != nil {
			break
		}
	}
	if e := j.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}
