package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"llana/models/checkpoint/atomicfile"
)

// Values of Turn.From.
const (
	Human = "human"
	GPT   = "gpt"
)

// Record is one conversation about one object.
type Record struct {
	ObjectID string `json:"object_id"`
	// Type is brief_description, detailed_description, single_round or
	// multi_round; evaluation files may leave it out.
	Type  string `json:"conversation_type,omitempty"`
	Turns []Turn `json:"conversations"`
}

// Turn is what one side says.
type Turn struct {
	From  string `json:"from"` // Human or GPT
	Value string `json:"value"`
}

// HasPoint reports whether the first question shows the object. A record
// without is text only: its NeRF is not used and no PointMark is replaced.
func (r Record) HasPoint() bool {
	for _, turn := range r.Turns {
		if turn.From == Human {
			return strings.Contains(turn.Value, PointMark)
		}
	}
	return false
}

// ExpandedTurns returns the turns from the first question on, with PointMark
// expanded to nPatch tokens in all of them. Roles that do not alternate are
// an error.
func (r Record) ExpandedTurns(nPatch int) ([]Turn, error) {
	turns, err := alternating(r.Turns)
	if err != nil {
		return nil, fmt.Errorf("object %q: %w", r.ObjectID, err)
	}
	if !r.HasPoint() {
		return turns, nil
	}
	expanded := make([]Turn, len(turns))
	for i, turn := range turns {
		expanded[i] = Turn{From: turn.From, Value: ExpandPoint(turn.Value, nPatch)}
	}
	return expanded, nil
}

// Dialogue returns the turns from the first question on. Roles that do not
// alternate are an error.
func (r Record) Dialogue() ([]Turn, error) { return alternating(r.Turns) }

// alternating drops a first turn that is not a question and checks that the
// others are question, answer, question, …
func alternating(turns []Turn) ([]Turn, error) {
	if len(turns) > 0 && turns[0].From == GPT {
		turns = turns[1:]
	}
	if len(turns) == 0 {
		return nil, errors.New("the conversation has no question")
	}
	for i, turn := range turns {
		want := Human
		if i%2 == 1 {
			want = GPT
		}
		if turn.From != want {
			return nil, fmt.Errorf("turn %d of the conversation is from %q, want %q", i, turn.From, want)
		}
	}
	return turns, nil
}

// RecordError is what is wrong with one record of a file.
type RecordError struct {
	Index    int    // of the record, from 0
	ObjectID string // "" if it has none
	Err      error
}

func (e *RecordError) Error() string { return fmt.Sprintf("record %d: %v", e.Index, e.Err) }

func (e *RecordError) Unwrap() error { return e.Err }

// Read yields the records of a JSON array one by one, holding one at a time.
// The first error ends it; it says name, the index of the record from 0, and
// the field. Unknown fields are skipped.
func Read(r io.Reader, name string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for rec, err := range Scan(r, name) {
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Scan is Read that goes on behind a record that is JSON but not a
// conversation: its error, a RecordError, is yielded in its place. An error of
// another kind ends it.
func Scan(r io.Reader, name string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		fail := func(err error) bool { return yield(Record{}, fmt.Errorf("%s: %w", name, err)) }
		dec := json.NewDecoder(r)
		if err := openArray(dec); err != nil {
			fail(err)
			return
		}
		for i := 0; dec.More(); i++ {
			rec, id, whole, err := readRecord(dec)
			switch {
			case err == nil:
				if !yield(rec, nil) {
					return
				}
			case !whole:
				fail(fmt.Errorf("record %d: %w", i, err))
				return
			case !fail(&RecordError{i, id, err}):
				return
			}
		}
		if err := closeArray(dec); err != nil {
			fail(err)
		}
	}
}

func openArray(dec *json.Decoder) error {
	first, err := dec.Token()
	if err != nil {
		return fmt.Errorf("want an array of records: %w", unexpectedEOF(err))
	}
	if first != json.Delim('[') {
		return fmt.Errorf("want an array of records, found %v", first)
	}
	return nil
}

func closeArray(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("after the last record: %w", unexpectedEOF(err))
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("the file goes on after the array, at byte %d", dec.InputOffset())
	}
	return nil
}

// unexpectedEOF tells a file that ends too early from one that was read.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readRecord decodes one record and checks that its fields are there. whole
// says whether an error leaves the decoder behind the record; id is then its
// object, if it names one.
func readRecord(dec *json.Decoder) (rec Record, id string, whole bool, err error) {
	var raw struct {
		ObjectID *string `json:"object_id"`
		Type     string  `json:"conversation_type"`
		Turns    []struct {
			From  *string `json:"from"`
			Value *string `json:"value"`
		} `json:"conversations"`
	}
	err = dec.Decode(&raw)
	if raw.ObjectID != nil {
		id = *raw.ObjectID
	}
	if err != nil {
		var typed *json.UnmarshalTypeError
		if errors.As(err, &typed) {
			return rec, id, true, fmt.Errorf("field %q: want a %s, found a %s", typed.Field, typed.Type, typed.Value)
		}
		return rec, id, false, unexpectedEOF(err)
	}
	if raw.ObjectID == nil {
		return rec, id, true, errors.New("field \"object_id\" is missing")
	}
	if len(raw.Turns) == 0 {
		return rec, id, true, errors.New("field \"conversations\" is missing or empty")
	}
	rec = Record{ObjectID: id, Type: raw.Type, Turns: make([]Turn, len(raw.Turns))}
	for i, turn := range raw.Turns {
		if turn.From == nil {
			return rec, id, true, fmt.Errorf("field \"conversations\": turn %d: field \"from\" is missing", i)
		}
		if turn.Value == nil {
			return rec, id, true, fmt.Errorf("field \"conversations\": turn %d: field \"value\" is missing", i)
		}
		rec.Turns[i] = Turn{From: *turn.From, Value: *turn.Value}
	}
	return rec, id, true, nil
}

// ReadFile reads all records of a file; see Read.
func ReadFile(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var records []Record
	for rec, err := range Read(f, path) {
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, nil
}

// WriteFile writes records as a JSON array, one record a line.
func WriteFile(path string, records []Record) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false) // "<point>" stays readable
		if _, err := io.WriteString(w, "["); err != nil {
			return err
		}
		for i, rec := range records {
			if i > 0 {
				if _, err := io.WriteString(w, ","); err != nil {
					return err
				}
			}
			if err := enc.Encode(rec); err != nil { // ends the line
				return err
			}
		}
		_, err := io.WriteString(w, "]\n")
		return err
	})
}
