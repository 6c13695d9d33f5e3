package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"

	"llana/models/checkpoint/atomicfile"
)

// Prediction is an entry of the reference's result files.
type Prediction struct {
	ObjectID string `json:"object_id"`
	Question string `json:"question"`
	Truth    string `json:"ground_truth"`
	Output   string `json:"model_output"`
}

// WritePredictions writes result files as Python's json.dump(…, indent=2)
// does: keys in this order, ASCII only, no newline at the end.
func WritePredictions(path string, predictions iter.Seq2[Prediction, error]) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		n := 0
		for p, err := range predictions {
			if err != nil {
				return err
			}
			open := ",\n"
			if n == 0 {
				open = "[\n"
			}
			n++
			_, err = fmt.Fprintf(w, "%s  {\n    \"object_id\": %s,\n    \"question\": %s,\n    \"ground_truth\": %s,\n    \"model_output\": %s\n  }",
				open, ascii(p.ObjectID), ascii(p.Question), ascii(p.Truth), ascii(p.Output))
			if err != nil {
				return err
			}
		}
		end := "\n]"
		if n == 0 {
			end = "[]"
		}
		_, err := io.WriteString(w, end)
		return err
	})
}

// ascii is a text as a JSON string in ASCII, escaped as Python does.
func ascii(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case strings.ContainsRune("\n\r\t\f\b", r):
			q := strconv.QuoteRune(r) // '\n'
			b.WriteString(q[1 : len(q)-1])
		case r >= ' ' && r <= '~':
			b.WriteByte(byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ReadPredictions yields the entries of a result file one by one. The first
// error ends it; it names the file and the entry.
func ReadPredictions(path string) iter.Seq2[Prediction, error] {
	return func(yield func(Prediction, error) bool) {
		fail := func(err error) { yield(Prediction{}, fmt.Errorf("%s: %w", path, err)) }
		f, err := os.Open(path)
		if err != nil {
			yield(Prediction{}, err)
			return
		}
		defer f.Close()
		dec := json.NewDecoder(f)
		if t, err := dec.Token(); err != nil || t != json.Delim('[') {
			fail(fmt.Errorf("want an array of predictions, found %v: %w", t, orEOF(err)))
			return
		}
		for n := 0; dec.More(); n++ {
			var p struct {
				ObjectID *string `json:"object_id"`
				Question string  `json:"question"`
				Truth    *string `json:"ground_truth"`
				Output   *string `json:"model_output"`
			}
			err := dec.Decode(&p)
			if err == nil && (p.ObjectID == nil || p.Truth == nil || p.Output == nil) {
				err = errors.New(`want "object_id", "ground_truth" and "model_output"`)
			}
			if err != nil {
				fail(fmt.Errorf("entry %d: %w", n, orEOF(err)))
				return
			}
			if !yield(Prediction{*p.ObjectID, p.Question, *p.Truth, *p.Output}, nil) {
				return
			}
		}
		if _, err := dec.Token(); err != nil {
			fail(fmt.Errorf("after the last entry: %w", orEOF(err)))
		}
	}
}

// predictions yields what a journal's entries come to.
func predictions(journals ...string) iter.Seq2[Prediction, error] {
	return func(yield func(Prediction, error) bool) {
		stop := errors.New("stop")
		for _, path := range journals {
			_, err := ReadJournal(path, func(e Entry) error {
				for _, p := range e.Pairs {
					if !yield(Prediction{e.ObjectID, p[0], p[1], e.Output}, nil) {
						return stop
					}
				}
				return nil
			})
			switch {
			case errors.Is(err, stop):
				return
			case err != nil:
				yield(Prediction{}, err)
				return
			}
		}
	}
}
