package metrics

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"llana/models/checkpoint/atomicfile"
)

// EvaluatedName returns the file that the evaluation of a file of predictions
// goes to: F.json becomes F_evaluated_traditional.json, as in the reference.
// Scores of whole answers go to F_evaluated_full_text.json.
func EvaluatedName(results string, fullText bool) string {
	suffix := "_evaluated_traditional.json"
	if fullText {
		suffix = "_evaluated_full_text.json"
	}
	dir, base := filepath.Split(results)
	if name := strings.ReplaceAll(base, ".json", suffix); name != base {
		return dir + name
	}
	return results + suffix
}

// recordOrder is the order of the scores in a record of the reference's file.
var recordOrder = []string{BLEU1, BLEU2, BLEU3, BLEU4, ROUGEL, ROUGE1, ROUGE2, Meteor, SBERT, SimCSE}

// Write writes the evaluation in the reference's format, character by
// character but for the last digits of the scores: {"overall_scores": means as
// texts of 4 decimals, "results": one object a prediction}. With FullText there
// is a key "full_text": true before them. The file is complete or absent.
func (e *Evaluation) Write(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		e.encode(b)
		return b.Flush()
	})
}

// encode writes to b, whose errors stick.
func (e *Evaluation) encode(b *bufio.Writer) {
	b.WriteString("{\n")
	if e.FullText {
		b.WriteString("  \"full_text\": true,\n")
	}
	b.WriteString("  \"overall_scores\": {")
	for i, name := range e.Names() {
		fmt.Fprintf(b, "%s\n    %s: \"%.4f\"", comma(i), pyString(name), e.Mean(name))
	}
	b.WriteString("\n  },\n  \"results\": [")
	for i, r := range e.Results {
		r.encode(b, i)
	}
	b.WriteString("\n  ]\n}")
}

// encode writes the i-th result.
func (r *Result) encode(b *bufio.Writer, i int) {
	b.WriteString(comma(i) + "\n    {\n      \"object_id\": " + pyString(r.ObjectID))
	b.WriteString(",\n      \"ground_truth\": " + pyString(r.GroundTruth))
	b.WriteString(",\n      \"model_output\": " + pyString(r.ModelOutput))
	b.WriteString(",\n      \"scores\": {")
	n := 0
	for _, name := range recordOrder {
		if s, ok := r.Scores[name]; ok {
			b.WriteString(comma(n) + "\n        \"" + name + "\": " + number(name, s))
			n++
		}
	}
	b.WriteString("\n      }\n    }")
}

// number formats a score. nltk's BLEU of an answer without a common word is an
// integer.
func number(name string, s float64) string {
	if s == 0 && strings.HasPrefix(name, "bleu-") {
		return "0"
	}
	return pyFloat(s)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// ReadEvaluation reads a file that Write or the reference's evaluator wrote.
// Cut and Empty are not known from it.
func ReadEvaluation(path string) (*Evaluation, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e, err := parseEvaluation(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

func parseEvaluation(b []byte) (*Evaluation, error) {
	var file struct {
		FullText bool              `json:"full_text"`
		Results  []json.RawMessage `json:"results"`
	}
	if err := unmarshal(b, &file, "an evaluation"); err != nil {
		return nil, err
	}
	if len(file.Results) == 0 {
		return nil, fmt.Errorf("expected results, found none")
	}
	e := &Evaluation{FullText: file.FullText, Results: make([]Result, len(file.Results))}
	for i, raw := range file.Results {
		var p Prediction
		err := p.parse(raw)
		var scores struct {
			Scores Scores `json:"scores"`
		}
		if err == nil {
			err = unmarshal(raw, &scores, "scores that are numbers")
		}
		if err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
		e.Results[i] = Result{p.ObjectID, p.GroundTruth, p.ModelOutput, scores.Scores}
		for _, name := range e.Names() {
			if _, ok := scores.Scores[name]; !ok {
				return nil, fmt.Errorf("result %d (%s): expected the scores of result 0, %s is missing", i, p.ObjectID, name)
			}
		}
	}
	if len(e.Names()) == 0 {
		return nil, fmt.Errorf("result 0: expected scores, found none that is known")
	}
	return e, nil
}
