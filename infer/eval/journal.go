package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// JournalName returns the journal's name beside the results.
func JournalName(out string) string { return strings.TrimSuffix(out, ".json") + ".journal.jsonl" }

// Entry is an answered question: a line of the journal.
type Entry struct {
	Item     int         `json:"item"` // Item.Index
	Record   int         `json:"record"`
	ObjectID string      `json:"object_id"`
	Pairs    [][2]string `json:"pairs"` // question and true answer of what is written
	Output   string      `json:"model_output"`
	Tokens   int         `json:"tokens"`
	Ended    bool        `json:"ended"`              // false: cut off at the limit
	LeftOut  int         `json:"left_out,omitempty"` // later questions of the record
	Choice   *Scored     `json:"choice,omitempty"`
}

// Scored is a multiple-choice question with what was answered.
type Scored struct {
	Choice
	Given int  `json:"given"` // the option that was chosen, -1 for none
	Right bool `json:"right"`
}

// header is the first line of a journal.
type header struct {
	Journal string `json:"journal"`
	Settings
}

// journalFormat names the format and its version.
const journalFormat = "llana eval run 1"

// maxLine bounds a journal's line. Questions and answers are a few kilobytes.
const maxLine = 64 << 20

// file is what a journal needs of its file.
type file interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
	Close() error
}

// Journal is an append-only file with the answers of a run, in order. Only
// whole lines count: a torn one at the end is cut off when the journal is
// opened again.
type Journal struct {
	path   string
	f      file
	size   int64 // of the whole lines
	next   int   // item of the next entry
	synced time.Time
}

// OpenJournal opens the journal of a run, or begins one. done is how many of
// the shard's items it holds. A journal of other settings that holds answers,
// and one that cannot be read, is an error, unless it is to be overwritten.
func OpenJournal(path string, s Settings, overwrite bool) (j *Journal, done int, err error) {
	if err := s.validate(); err != nil {
		return nil, 0, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := lock(f); err != nil {
		return nil, 0, fmt.Errorf("%s: another run writes this journal: %w", path, err)
	}
	lo, _ := s.part()
	j = &Journal{path: path, f: f, next: lo, synced: time.Now()}
	if overwrite {
		return j, 0, j.begin(s)
	}
	have, size, err := scanJournal(path, f, func(e Entry) error { j.next++; return nil })
	if errors.Is(err, errNoJournal) {
		return j, 0, j.begin(s)
	}
	if err != nil {
		return nil, 0, err
	}
	diff := s.differ(have)
	if diff != "" && j.next == lo { // it failed before the first answer
		return j, 0, j.begin(s)
	}
	if diff != "" {
		return nil, 0, fmt.Errorf("%s: the journal of a run with other settings: %s; give another --out, or --overwrite", path, diff)
	}
	j.size = size
	return j, j.next - lo, f.Truncate(size)
}

// begin writes the header into an empty journal.
func (j *Journal) begin(s Settings) error {
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	return j.write(header{journalFormat, s})
}

// Append adds entries, which must follow one another. After an error the file
// is set back to what it held before; where the disk does not even allow that,
// the entries that came to it whole count.
func (j *Journal) Append(entries ...Entry) error {
	values := make([]any, len(entries))
	for i, e := range entries {
		if e.Item != j.next+i {
			return fmt.Errorf("%s: answer to item %d, want item %d", j.path, e.Item, j.next+i)
		}
		values[i] = e
	}
	if err := j.write(values...); err != nil {
		return err
	}
	j.next += len(entries)
	return nil
}

// syncEvery is how often entries are made to survive a loss of power.
const syncEvery = 5 * time.Second

func (j *Journal) write(values ...any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends each value with a newline
	enc.SetEscapeHTML(false)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	_, err := j.f.Write(b.Bytes())
	if err == nil && time.Since(j.synced) >= syncEvery {
		err = j.f.Sync()
		j.synced = time.Now()
	}
	if err != nil {
		// Without it, half a line might stay; opening the journal cuts that off.
		_ = j.f.Truncate(j.size)
		return fmt.Errorf("%s: %w; what was answered before is kept, the same command goes on from there", j.path, err)
	}
	j.size += int64(b.Len())
	return nil
}

// Close makes all entries durable.
func (j *Journal) Close() error {
	err := j.f.Sync()
	if e := j.f.Close(); err == nil {
		err = e
	}
	return err
}

// errNoJournal is that of an empty file, or of one that holds a part of a
// header only.
var errNoJournal = errors.New("no journal")

// ReadJournal reads a journal, one entry at a time, and returns its settings. A
// torn line at the end does not count.
func ReadJournal(path string, each func(Entry) error) (Settings, error) {
	f, err := os.Open(path)
	if err != nil {
		return Settings{}, err
	}
	defer f.Close()
	s, _, err := scanJournal(path, f, each)
	if errors.Is(err, errNoJournal) {
		err = fmt.Errorf("%s: an empty journal", path)
	}
	return s, err
}

// scanJournal reads a journal from its beginning and returns its settings and
// the size of its whole lines.
func scanJournal(path string, r io.Reader, each func(Entry) error) (s Settings, size int64, err error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	var next, end int
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if err == io.EOF { // what follows the last newline is torn
			if n == 1 {
				return s, 0, errNoJournal
			}
			return s, size, nil
		}
		if err == nil && n == 1 {
			if s, err = parseHeader(line); err == nil {
				next, end = s.part()
			}
		} else if err == nil {
			err = entry(line, next, end, each)
			next++
		}
		if err != nil {
			// A crash may leave a last line of the right length whose content
			// never came to the disk.
			if _, e := lines.Peek(1); e == io.EOF && n > 1 && bytes.IndexByte(line, 0) >= 0 {
				return s, size, nil
			}
			return s, 0, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		size += int64(len(line))
	}
}

// readLine reads a line with its newline. A line that has none is io.EOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
		if len(line) > maxLine {
			return line, fmt.Errorf("longer than %d bytes: not a journal", maxLine)
		}
	}
}

func parseHeader(line []byte) (Settings, error) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Journal != journalFormat {
		return Settings{}, fmt.Errorf("found %.60q, want the header of a journal (%q)", line, journalFormat)
	}
	if err := h.Settings.validate(); err != nil {
		return Settings{}, fmt.Errorf("header of a journal: %w", err)
	}
	return h.Settings, nil
}

// entry parses a line and checks that it is the answer to item next.
func entry(line []byte, next, end int, each func(Entry) error) error {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("not an answer: %w", err)
	}
	if e.Item != next || next >= end {
		return fmt.Errorf("answer to item %d, want item %d of %d: a line is lost or repeated", e.Item, next, end)
	}
	if len(e.Pairs) == 0 {
		return fmt.Errorf("answer to item %d without its question", e.Item)
	}
	return each(e)
}
