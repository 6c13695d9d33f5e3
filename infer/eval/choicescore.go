package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"llana/infer/metrics"
	"llana/models/checkpoint/atomicfile"
)

// ChoiceProtocol describes how multiple-choice questions are scored; every
// score carries it, because it is this project's own.
const ChoiceProtocol = "llana's own protocol, the release has none: one answer to each question; " +
	"right if its text equals the right option, or else if the first option letter that stands alone is the right one"

// verdictProtocol is that of the toy world's questions, which embed no
// options.
const verdictProtocol = "llana's own protocol for the toy world: right if the answer comes to the same verdict, which is what follows its last \"so\""

// Accuracy is a share of right answers with its bootstrap interval, from 0 to
// 100.
type Accuracy struct {
	Questions int `json:"questions"`
	Right     int `json:"right"`
	metrics.Interval
}

// ChoiceScore is the score of a run of multiple-choice questions.
type ChoiceScore struct {
	Protocol string `json:"protocol"`
	Model    string `json:"model"`
	// Greedy is false if answers were sampled.
	Greedy bool `json:"greedy"`
	Accuracy
	NoOption   int                 `json:"no_option"` // answers that choose none of the options
	ByRelation map[string]Accuracy `json:"by_relation"`
	// Results are the questions one by one. Only ReadChoiceScore sets them: a
	// run does not keep them.
	Results []ChoiceResult `json:"results,omitempty"`
}

// ChoiceResult is one question with its answer.
type ChoiceResult struct {
	ObjectID string `json:"object_id"`
	Question string `json:"question"`
	Truth    string `json:"ground_truth"`
	Output   string `json:"model_output"`
	Relation string `json:"relation"`
	Given    string `json:"given"` // letter of the chosen option, "" for none
	Right    bool   `json:"right"`
}

// write writes the score as JSON, with the results that journals hold, one at
// a time.
func (s *ChoiceScore) write(path string, journals []string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		head, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		// The object is left open: its last member follows.
		if _, err := fmt.Fprintf(w, "%s,\n  \"results\": [", bytes.TrimSuffix(head, []byte("\n}"))); err != nil {
			return err
		}
		comma := ""
		for _, from := range journals {
			_, err := ReadJournal(from, func(e Entry) error {
				b, err := json.Marshal(e.choiceResult())
				if err == nil {
					_, err = fmt.Fprintf(w, "%s\n    %s", comma, b)
				}
				comma = ","
				return err
			})
			if err != nil {
				return err
			}
		}
		_, err = io.WriteString(w, "\n  ]\n}\n")
		return err
	})
}

func (e Entry) choiceResult() ChoiceResult {
	r := ChoiceResult{ObjectID: e.ObjectID, Question: e.Pairs[0][0], Truth: e.Pairs[0][1], Output: e.Output}
	if c := e.Choice; c != nil {
		r.Relation, r.Given, r.Right = c.Relation, Letter(c.Given), c.Right
	}
	return r
}

// ReadChoiceScore reads the score that a run wrote.
func ReadChoiceScore(path string) (*ChoiceScore, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s ChoiceScore
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s: not a score of multiple-choice questions: %w", path, err)
	}
	if s.Protocol == "" || s.Questions < 1 || len(s.Results) != s.Questions {
		return nil, fmt.Errorf("%s: not a score of multiple-choice questions: want \"protocol\", \"questions\" and so many \"results\"", path)
	}
	return &s, nil
}

// ChoiceSuffix is what the file of a score ends in, in place of ".json" of the
// results.
const ChoiceSuffix = "_evaluated_multi_choice.json"

// choiceCounter counts right answers. It keeps a count for each relation, not
// the answers.
type choiceCounter struct {
	all        tally
	noOption   int
	byRelation map[string]*tally
}

type tally struct{ right, all int }

func (t *tally) add(right bool) {
	if t.all++; right {
		t.right++
	}
}

// accuracy bootstraps the mean of the tally's zeros and ones.
func (t *tally) accuracy(seed uint64) Accuracy {
	scores := make([]float64, t.all)
	for i := range t.right {
		scores[i] = 100
	}
	return Accuracy{t.all, t.right, metrics.MeanInterval(scores, metrics.Resampling{Seed: seed})}
}

func (c *choiceCounter) add(s *Scored) {
	if s == nil {
		return
	}
	if c.byRelation == nil {
		c.byRelation = map[string]*tally{}
	}
	t := c.byRelation[s.Relation]
	if t == nil {
		t = &tally{}
		c.byRelation[s.Relation] = t
	}
	t.add(s.Right)
	c.all.add(s.Right)
	if s.Given < 0 && len(s.Options) > 0 {
		c.noOption++
	}
}

func (c *choiceCounter) score(s Settings) *ChoiceScore {
	out := &ChoiceScore{Protocol: ChoiceProtocol, Model: s.ModelName, Greedy: s.Temperature == 0 || s.TopK == 1,
		NoOption: c.noOption, ByRelation: map[string]Accuracy{}}
	if s.Verdict {
		out.Protocol = verdictProtocol
	}
	out.Accuracy = c.all.accuracy(s.Seed)
	for _, name := range slices.Sorted(maps.Keys(c.byRelation)) {
		out.ByRelation[name] = c.byRelation[name].accuracy(s.Seed)
	}
	return out
}
