package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

// Prediction is one answer of a model, as the reference's evaluation runs
// write it.
type Prediction struct {
	ObjectID    string `json:"object_id"`
	Question    string `json:"question"` // not needed by any metric
	GroundTruth string `json:"ground_truth"`
	ModelOutput string `json:"model_output"`
}

// ReadPredictions reads a file of predictions: a JSON array of objects with at
// least the texts object_id, ground_truth and model_output, in any order.
// Errors name the file and the record.
func ReadPredictions(path string) ([]Prediction, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := ParsePredictions(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ParsePredictions is ReadPredictions for a file's content.
func ParsePredictions(b []byte) ([]Prediction, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("expected JSON in UTF-8, found other bytes")
	}
	var records []json.RawMessage
	if err := unmarshal(b, &records, "an array of predictions"); err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, errors.New("expected predictions, found an empty array")
	}
	out := make([]Prediction, len(records))
	for i, r := range records {
		if err := out[i].parse(r); err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
	}
	return out, nil
}

func (p *Prediction) parse(b []byte) error {
	var fields map[string]json.RawMessage
	if err := unmarshal(b, &fields, "an object"); err != nil {
		return err
	}
	for _, f := range []struct {
		name     string
		into     *string
		required bool
	}{{"object_id", &p.ObjectID, true}, {"question", &p.Question, false},
		{"ground_truth", &p.GroundTruth, true}, {"model_output", &p.ModelOutput, true}} {
		raw, ok := fields[f.name]
		if !ok {
			if f.required {
				return fmt.Errorf("%s is missing", f.name)
			}
			continue
		}
		if len(raw) == 0 || raw[0] != '"' {
			return fmt.Errorf("%s: expected a text, found %s", f.name, kind(raw))
		}
		if err := json.Unmarshal(raw, f.into); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// unmarshal decodes JSON and says what was expected where it fails.
func unmarshal(b []byte, into any, want string) error {
	err := json.Unmarshal(b, into)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil && kind(b) == "null":
		return fmt.Errorf("expected %s, found null", want)
	case errors.As(err, &syntax) && len(bytes.TrimSpace(b)) == 0:
		return fmt.Errorf("expected %s, found an empty file", want)
	case errors.As(err, &syntax):
		return fmt.Errorf("expected %s in JSON: byte %d: %w", want, syntax.Offset, err)
	case errors.As(err, &typ):
		return fmt.Errorf("expected %s, found %s", want, kind(b))
	}
	return err
}

// kind names the kind of a JSON value.
func kind(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return "nothing"
	}
	switch b[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
