package eval

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"llana/models/nerf"
)

// check runs Check and returns the faults as text.
func check(t *testing.T, root string, o CheckOptions) ([]FileCount, []string) {
	t.Helper()
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	var faults []string
	o.Fault = func(f Fault) { faults = append(faults, f.String()) }
	counts, err := l.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range counts {
		n += c.Faults
	}
	if n != len(faults) {
		t.Errorf("the counts have %d faults, %d were told", n, len(faults))
	}
	return counts, faults
}

func TestCheckWhole(t *testing.T) {
	root := world(t)
	for _, given := range []string{root, filepath.Dir(root)} {
		counts, faults := check(t, given, CheckOptions{Shape: PublishedShape})
		if len(faults) > 0 {
			t.Fatalf("faults in a whole folder: %q", faults)
		}
		got := map[string]FileCount{}
		for _, c := range counts {
			got[c.Split+" "+filepath.Base(c.File)] = c
		}
		if len(got) != 11 {
			t.Errorf("%d files, want 11", len(got))
		}
		c := got["train "+complexName]
		if want := map[string]int{Detailed: 2, Single: 2, Multi: 2}; !reflect.DeepEqual(c.Types, want) || c.Records != 6 || c.Objects != 2 || c.Tokens != 2 {
			t.Errorf("counts %+v, want 6 records of types %v about 2 objects", c, want)
		}
		if c := got["hst "+hstName]; c.Records != 2 || c.Objects != 1 || c.Types[""] != 2 {
			t.Errorf("counts of HST %+v, want 2 records without type about 1 object", c)
		}
		if c := got["spatial_objanerf "+choiceName]; c.Records != 1 || c.Tokens != 1 {
			t.Errorf("counts of the multiple-choice questions %+v, want 1 record", c)
		}
	}
}

// Spatial ObjaNeRF may lie inside the data folder, with tokens of its own.
func TestCheckSpatialInside(t *testing.T) {
	root := world(t)
	if err := os.Rename(at(root, "..", Spatial), at(root, Spatial)); err != nil {
		t.Fatal(err)
	}
	if _, faults := check(t, root, CheckOptions{Shape: PublishedShape}); len(faults) > 0 {
		t.Errorf("faults %q", faults)
	}
	writeVec(t, at(root, Spatial, "vecs", "4-b.npy"), "<f4", 1, 1024)
	if _, faults := check(t, root, CheckOptions{Shape: PublishedShape, Splits: []string{Spatial}}); len(faults) != 2 || !contains(faults[0], "global vector of LLaNA", "(1, 1024)") {
		t.Errorf("faults %q, want the global vector of its own folder, for both files", faults)
	}
}

func TestCheckFaults(t *testing.T) {
	brief := func(root string) string { return at(root, "val", "texts", briefName) }
	vec := func(root string) string { return at(root, "val", "vecs", "1-b.npy") }
	for _, c := range []struct {
		name   string
		change func(root string)
		want   []string // parts of the first fault
		faults int
	}{
		{"split missing", func(r string) { remove(t, at(r, "val")) }, []string{"val", "conversations_brief.json", "missing"}, 2},
		{"annotations missing", func(r string) { remove(t, brief(r)) }, []string{"annotations of val", briefName}, 1},
		{"HST missing", func(r string) { remove(t, at(r, hstName)) }, []string{hstName, "missing"}, 1},
		{"Spatial missing", func(r string) { remove(t, at(r, "..", Spatial)) }, []string{descriptionsName, " or ", "missing"}, 2},
		{"tokens missing", func(r string) { remove(t, vec(r)) }, []string{"record 1", `"1-b"`, vec("")[1:], "missing"}, 2},
		{"folder of tokens missing", func(r string) { remove(t, at(r, "val", "vecs")) }, []string{"record 0", `"1-a"`, "missing"}, 4},
		{"tokens in batches", func(r string) {
			if err := os.MkdirAll(at(r, "val", "vecs", "batch_0"), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(vec(r), at(r, "val", "vecs", "batch_0", "1-b.npy")); err != nil {
				t.Fatal(err)
			}
		}, []string{"missing", "batch_0", "up into"}, 2},
		{"global vector", func(r string) { writeVec(t, vec(r), "<f4", 1024) }, []string{"record 1", `"1-b"`, "1-b.npy", "global vector of LLaNA", "(1024,)", "(3072, 516)"}, 2},
		{"global vector, one row", func(r string) { writeVec(t, vec(r), "<f4", 1, 1024) }, []string{"global vector of LLaNA", "(1, 1024)"}, 2},
		{"planes", func(r string) { writeVec(t, vec(r), "<f4", 3, 516, 32, 32) }, []string{"planes", "(3, 516, 32, 32)"}, 2},
		{"turned", func(r string) { writeVec(t, vec(r), "<f4", 516, 3072) }, []string{"second axis"}, 2},
		{"too few", func(r string) { writeVec(t, vec(r), "<f4", 3071, 516) }, []string{"(3071, 516)", "want (3072, 516)"}, 2},
		{"integers", func(r string) { writeVec(t, vec(r), "<i4", 3072, 516) }, []string{"want float32 or float16"}, 2},
		{"tokens cut short", func(r string) {
			if err := os.Truncate(vec(r), 4000); err != nil {
				t.Fatal(err)
			}
		}, []string{"1-b.npy", "does not fill"}, 2},
		{"not an array", func(r string) { write(t, vec(r), "version https://git-lfs") }, []string{"not a NumPy array"}, 2},
		{"object id leads out", func(r string) { writeRecords(t, brief(r), rec("../../1-b", Brief, "What?", "A.")) }, []string{"record 0", `"../../1-b"`, "not a file name"}, 1},
		{"JSON cut short", func(r string) {
			b, _ := os.ReadFile(brief(r))
			write(t, brief(r), string(b[:len(b)-30]))
		}, []string{brief(""), "record 1", "EOF"}, 1},
		{"not JSON", func(r string) { write(t, brief(r), "<html>") }, []string{brief(""), "array of records"}, 1},
		{"records of other kinds", func(r string) {
			write(t, brief(r), `[{"object_id": 3, "conversations": []}, null, {"object_id": "1-a"}, {"object_id": "1-a", "conversation_type": "brief_description", "conversations": [{"from": "human", "value": "<point>\nx"}, {"from": "gpt", "value": "y"}]}]`)
		}, []string{"record 0", "object_id", "string"}, 3},
		{"no answer", func(r string) { writeRecords(t, brief(r), rec("1-a", Brief, "What?")) }, []string{"record 0", `"1-a"`, "no answer"}, 1},
		{"empty answer", func(r string) { writeRecords(t, brief(r), rec("1-a", Brief, "What?", " \n")) }, []string{"record 0", "empty"}, 1},
		{"two questions in a row", func(r string) {
			x := rec("1-a", Brief, "What?", "A.")
			x.Turns[1].From = "human"
			writeRecords(t, brief(r), x)
		}, []string{"record 0", `"1-a"`, `turn 1`, `want "gpt"`}, 1},
		{"type of another file", func(r string) { writeRecords(t, brief(r), rec("1-a", Single, "What?", "A.")) }, []string{"record 0", "single_round", "want brief_description"}, 1},
		{"no records", func(r string) { write(t, brief(r), "[]") }, []string{"no records"}, 1},
		{"question without options", func(r string) {
			writeRecords(t, at(r, "..", Spatial, "texts", choiceName), rec("4-b", "", "Where are the legs?", "below"))
		}, []string{choiceName, "record 0", `"4-b"`, "no options"}, 1},
		{"answer that is no option", func(r string) {
			writeRecords(t, at(r, "..", Spatial, "texts", choiceName), rec("4-b", "", "Where?\nA. up\nB. down", "C"))
		}, []string{choiceName, "record 0", `"4-b"`, `"C"`, "none of the options"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := world(t)
			c.change(root)
			_, faults := check(t, root, CheckOptions{Shape: PublishedShape})
			if len(faults) != c.faults || len(faults) > 0 && !contains(faults[0], c.want...) {
				t.Errorf("%d faults %q, want %d, the first saying %q", len(faults), faults, c.faults, c.want)
			}
		})
	}
}

// A toy world has tokens of its own size, and none before they are made.
func TestCheckToyWorld(t *testing.T) {
	root := t.TempDir()
	write(t, at(root, toyWorldName), "{}")
	for _, split := range []string{"train", "val", ShapeTest} {
		writeRecords(t, at(root, split, "texts", briefName), rec("x", Brief, "what?", "a box."))
		writeRecords(t, at(root, split, "texts", complexName), rec("x", Single, "which?", "so the box."))
		write(t, at(root, split, "nerfs", "x", nerf.WeightsName), "")
	}
	for _, name := range []string{descriptionsName, choiceName} {
		writeRecords(t, at(root, Spatial, "texts", name), rec("x", Single, "left or right?", "so left."))
	}
	counts, faults := check(t, root, CheckOptions{Uniform: true})
	if len(faults) > 0 || counts[0].NeRFs != 1 || len(counts) != 8 {
		t.Fatalf("faults %q, counts %+v, want objects to encode", faults, counts)
	}
	writeVec(t, at(root, "train", "vecs", "x.npy"), "<f4", 108, 64)
	writeVec(t, at(root, "val", "vecs", "x.npy"), "<f4", 108, 65)
	if _, faults = check(t, root, CheckOptions{Uniform: true}); len(faults) != 2 || !contains(faults[0], "(108, 65)", "want (108, 64)") {
		t.Errorf("faults %q, want the split whose tokens differ from the first", faults)
	}
}

func TestCheckStops(t *testing.T) {
	l, err := Open(world(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Check(ctx, CheckOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if _, err := l.Check(t.Context(), CheckOptions{Splits: []string{"pointllm_test"}}); err == nil || !contains(err.Error(), append(Splits(), "pointllm_test")...) {
		t.Errorf("error %v, want one that lists the splits", err)
	}
}

// Memory does not grow with the number of records.
func TestCheckMemory(t *testing.T) {
	root := t.TempDir()
	path := at(root, "val", "texts", briefName)
	line := `{"object_id":"a","conversation_type":"brief_description","conversations":[{"from":"human","value":"<point>\nWhat is this?"},{"from":"gpt","value":"` + strings.Repeat("A chair. ", 20) + `"}]}`
	write(t, path, "["+strings.Repeat(line+",\n", 20000)+line+"]")
	writeRecords(t, at(root, "val", "texts", complexName), rec("a", Single, "What?", "A."))
	writeVec(t, at(root, "val", "vecs", "a.npy"), "<f2", 3072, 516)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	var live []uint64
	measure := func(records int) {
		if records%5120 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live = append(live, m.HeapAlloc)
		}
	}
	counts, err := l.Check(t.Context(), CheckOptions{Splits: []string{"val"}, Shape: PublishedShape, Progress: measure})
	if err != nil || counts[0].Records != 20001 || counts[0].Faults != 0 {
		t.Fatalf("counts %+v, error %v", counts, err)
	}
	if n := len(live); n < 4 || live[n-1] > live[1]+(1<<18) {
		t.Errorf("live bytes %v grow with the records", live)
	}
}
