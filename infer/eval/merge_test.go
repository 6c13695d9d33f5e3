package eval

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Shards put together are the whole run.
func TestShardsAndMerge(t *testing.T) {
	const n, shards = 23, 4
	s, set := source(t, n)
	want := whole(t, s, set)
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	run := func(i, of int, change func(*Settings)) string {
		set := set
		set.Shard, set.Shards = i, of
		if change != nil {
			change(&set)
		}
		name := ShardName(out, i, of)
		if _, err := Answers(t.Context(), &echo{window: 3}, set, s, name, Options{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var names []string
	for _, i := range []int{3, 1, 4, 2} {
		names = append(names, run(i, shards, nil))
	}
	found, err := FindShards(out)
	if err != nil || len(found) != shards {
		t.Fatalf("found %q, %v", found, err)
	}
	for _, list := range [][]string{names, found} {
		r, err := Merge(out, list, true)
		if err != nil || r.Questions != n || r.Shards != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if readFile(t, out) != want {
			t.Errorf("merged results %s differ from those of one run", readFile(t, out))
		}
	}
	// The merged journal is one that a run can go on from.
	if r, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err != nil || r.Resumed != n {
		t.Errorf("going on from merged shards: %+v, %v", r, err)
	}
	if _, err := Merge(out, names, false); err == nil || !contains(err.Error(), out[:len(out)-5], "there already") {
		t.Errorf("merging over results: error %v", err)
	}

	other := filepath.Join(dir, "other.json")
	for name, c := range map[string]struct {
		list []string
		want []string
	}{
		"missing":  {names[:3], []string{"shard 2 of 4 is missing"}},
		"twice":    {append([]string{names[0]}, names...), []string{"shard 3 of 4", "twice"}},
		"none":     {nil, []string{"no shards"}},
		"no file":  {[]string{other}, []string{"other.journal.jsonl", "no such file"}},
		"of three": {[]string{names[0], run(1, 3, nil)}, []string{"another run", "shards is 3, not 4"}},
	} {
		if _, err := Merge(other, c.list, false); err == nil || !contains(err.Error(), c.want...) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(other); err == nil {
			t.Errorf("%s: a failed merge left results", name)
		}
	}
	run(2, shards, func(s *Settings) { s.Temperature = 1 })
	if _, err := Merge(other, names, false); err == nil || !contains(err.Error(), "another run", "temperature is 1, not 0") {
		t.Errorf("other settings: error %v", err)
	}
	half := set
	half.Shard, half.Shards = 2, shards
	if _, err := Answers(t.Context(), &echo{window: 1, stop: 2, err: errors.New("stop")}, half, s, ShardName(out, 2, shards), Options{Overwrite: true}); err == nil {
		t.Fatal("no error")
	}
	if _, err := Merge(other, names, false); err == nil || !contains(err.Error(), "shard 2 of 4 has 2 answers, want 6", "not finished") {
		t.Errorf("unfinished shard: error %v", err)
	}
}

// Shards cover every item once.
func TestParts(t *testing.T) {
	for _, items := range []int{0, 1, 5, 97} {
		for shards := 1; shards < 9; shards++ {
			next := 0
			for i := range shards {
				lo, hi := (&Settings{Items: items, Shard: i + 1, Shards: shards}).part()
				if lo != next || hi < lo {
					t.Errorf("shard %d of %d of %d items is [%d, %d), want it to begin at %d", i+1, shards, items, lo, hi, next)
				}
				next = hi
			}
			if next != items {
				t.Errorf("%d shards end at %d of %d items", shards, next, items)
			}
		}
	}
}
