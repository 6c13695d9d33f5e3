package eval

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk is a journal's file on a disk with so many bytes left.
type fullDisk struct {
	file
	left int
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.left {
		f.left -= len(p)
		return f.file.Write(p)
	}
	n, _ := f.file.Write(p[:f.left])
	f.left -= n
	return n, syscall.ENOSPC
}

// stuckDisk cannot cut its file either.
type stuckDisk struct{ fullDisk }

func (f *stuckDisk) Truncate(int64) error { return syscall.EIO }

// A disk that runs full loses the answers that did not fit, and nothing else.
func TestFullDisk(t *testing.T) {
	s, set := source(t, 30)
	want := whole(t, s, set)
	for _, stuck := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out.json")
		j, _, err := OpenJournal(JournalName(out), set, false)
		if err != nil {
			t.Fatal(err)
		}
		disk := fullDisk{j.f, 1000}
		if j.f = &disk; stuck {
			j.f = &stuckDisk{disk}
		}
		w := &window{a: &echo{window: 2}, j: j, set: set, size: 2, progress: func(int) {}}
		err = w.run(t.Context(), s, 0, 30)
		if !errors.Is(err, syscall.ENOSPC) || !contains(err.Error(), j.path, "is kept", "goes on") {
			t.Fatalf("error %v, want that of a full disk", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		text := readFile(t, j.path)
		n := strings.Count(text, "\n") - 1 // without the header
		if w.answered == 0 || n < w.answered || !stuck && (n > w.answered || !strings.HasSuffix(text, "\n")) {
			t.Errorf("the journal has %d answers, want %d and, unless it cannot be cut, no torn line: %s", n, w.answered, text)
		}
		r, err := Answers(t.Context(), &echo{window: 4}, set, s, out, Options{})
		if err != nil || r.Resumed != n || readFile(t, out) != want {
			t.Errorf("after the disk had room: %+v, %v, or other results", r, err)
		}
	}
}

func TestUnreadableJournal(t *testing.T) {
	s, set := source(t, 6)
	out := filepath.Join(t.TempDir(), "out.json")
	if _, err := Answers(t.Context(), &echo{window: 6}, set, s, out, Options{}); err != nil {
		t.Fatal(err)
	}
	path := JournalName(out)
	good := readFile(t, path)
	lines := strings.SplitAfter(good, "\n")
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"no header", strings.Join(lines[1:], ""), []string{"line 1", "header"}},
		{"another file", "{}\n", []string{"line 1", "header"}},
		{"another version", strings.Replace(good, "run 1", "run 99", 1), []string{"line 1", "header"}},
		{"impossible shard", strings.Replace(good, `"shard":1,`, `"shard":7,`, 1), []string{"line 1", "shard 7 of 1"}},
		{"broken line", lines[0] + lines[1] + "}{\n" + lines[3], []string{"line 3", "not an answer"}},
		{"line lost", lines[0] + lines[1] + lines[3], []string{"line 3", "item 2, want item 1", "lost or repeated"}},
		{"line repeated", lines[0] + lines[1] + lines[1] + lines[2], []string{"line 3", "item 0, want item 1"}},
		{"too many", good + strings.Replace(lines[6], `"item":5`, `"item":6`, 1), []string{"line 8", "item 6 of 6"}},
		{"no question", strings.Replace(good, `"pairs":[[`, `"more":[[`, 1), []string{"line 2", "without its question"}},
	} {
		write(t, path, c.text)
		_, err := Answers(t.Context(), &echo{window: 6}, set, s, out, Options{})
		if err == nil || !contains(err.Error(), append(c.want, path)...) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if readFile(t, path) != c.text {
			t.Errorf("%s: the journal was changed", c.name)
		}
	}
	// An empty journal, and a torn header, are a run that has just begun.
	for _, text := range []string{"", lines[0][:20]} {
		write(t, path, text)
		if r, err := Answers(t.Context(), &echo{window: 6}, set, s, out, Options{}); err != nil || r.Resumed != 0 || readFile(t, path) != good {
			t.Errorf("journal %q: %+v, %v", text, r, err)
		}
	}
	if _, err := ReadJournal(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no journal: error %v", err)
	}
}

// Two runs do not write one journal.
func TestJournalIsLocked(t *testing.T) {
	_, set := source(t, 3)
	path := filepath.Join(t.TempDir(), "j")
	j, _, err := OpenJournal(path, set, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenJournal(path, set, false); err == nil || !contains(err.Error(), path, "another run") {
		t.Errorf("error %v, want that another run writes it", err)
	}
	if err := j.Append(Entry{Item: 1}); err == nil || !contains(err.Error(), "item 1, want item 0") {
		t.Errorf("an answer out of order: error %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, _, err = OpenJournal(path, set, false); err != nil {
		t.Fatal(err)
	}
	j.Close()
}

// A cancelled context ends a run before the next window.
func TestCancelledRun(t *testing.T) {
	s, set := source(t, 20)
	ctx, cancel := context.WithCancel(t.Context())
	out := filepath.Join(t.TempDir(), "out.json")
	_, err := Answers(ctx, &echo{window: 3}, set, s, out, Options{Progress: func(done, total int) {
		if done == 9 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	n := 0
	if _, err := ReadJournal(JournalName(out), func(Entry) error { n++; return nil }); err != nil || n != 9 {
		t.Errorf("the journal has %d answers (%v), want 9", n, err)
	}
}

// FuzzJournal gives hostile journals to the reader: what it accepts is a
// sequence of answers without a gap.
func FuzzJournal(f *testing.F) {
	const head = `{"journal":"llana eval run 1","turns":"first","items":4,"shard":1,"shards":1}` + "\n"
	const line = `{"item":0,"pairs":[["q","a"]],"model_output":"x"}` + "\n"
	for _, text := range []string{"", head, head + line, head + line + line, head + line[:20], head + "\x00\x00\n", head + line + "\x00\n", "{}\n", "null\n", head + "[]\n",
		strings.Replace(head, `"items":4`, `"items":-1`, 1), strings.Replace(head, `"shards":1`, `"shards":9223372036854775807`, 1)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		next := -1
		s, size, err := scanJournal("f", bytes.NewReader(text), func(e Entry) error {
			if next >= 0 && e.Item != next {
				t.Errorf("item %d, want %d", e.Item, next)
			}
			next = e.Item + 1
			if len(e.Pairs) == 0 {
				t.Error("an answer without its question")
			}
			return nil
		})
		if err != nil {
			return
		}
		if lo, hi := s.part(); next > hi || lo > hi {
			t.Errorf("items up to %d of [%d, %d)", next, lo, hi)
		}
		if size < 0 || size > int64(len(text)) || size > 0 && text[size-1] != '\n' {
			t.Errorf("%d of %d bytes are whole lines", size, len(text))
		}
	})
}
