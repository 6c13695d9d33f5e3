package metrics

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Names of the scores, in the order of the reference's table.
const (
	BLEU1  = "bleu-1"
	BLEU2  = "bleu-2"
	BLEU3  = "bleu-3"
	BLEU4  = "bleu-4"
	ROUGE1 = "rouge-1"
	ROUGE2 = "rouge-2"
	ROUGEL = "rouge-l"
	Meteor = "meteor"
	SBERT  = "sbert_similarity"
	SimCSE = "simcse_similarity"
)

// Names returns the names of all scores, in the order of the reference's
// table.
func Names() []string {
	return []string{BLEU1, BLEU2, BLEU3, BLEU4, ROUGE1, ROUGE2, ROUGEL, Meteor, SBERT, SimCSE}
}

// Scores are the scores of one answer by name, from 0 to 100 (similarities
// from -100).
type Scores map[string]float64

// Similarity compares texts pair by pair: the cosine of the angle between
// their embeddings, from -1 to 1. progress, which may be nil, is told how many
// pairs are done.
type Similarity interface {
	Similarities(ctx context.Context, a, b []string, progress func(done int)) ([]float64, error)
}

// Options of Evaluate: which metrics, and how. The zero value scores nothing.
type Options struct {
	BLEU, ROUGE bool
	METEOR      *METEOR    // nil: not scored
	SBERT       Similarity // nil: not scored
	SimCSE      Similarity // nil: not scored
	// FullText scores whole answers. Without it they are cut to CutAt code
	// points, as the reference does.
	FullText bool
	// Progress, if not nil, is told how many of the records an encoder has
	// compared; name is that of its score. The other metrics take no time.
	Progress func(name string, done, total int)
}

// CutAt is how many code points of an answer the reference scores.
const CutAt = 200

// emptyAnswer stands for an answer without any text.
const emptyAnswer = "##"

// Result is the evaluation of one prediction.
type Result struct {
	ObjectID    string
	GroundTruth string
	ModelOutput string // as it was scored: cut, and "##" if it was empty
	Scores      Scores
}

// Evaluation holds the results of all predictions, in their order.
type Evaluation struct {
	Results  []Result
	FullText bool // whole answers were scored
	Cut      int  // answers that lost their end
	Empty    int  // answers without any text
}

// Evaluate scores predictions. Records are scored by as many goroutines as
// there are processors; neither order nor scores depend on their number.
func Evaluate(ctx context.Context, predictions []Prediction, o Options) (*Evaluation, error) {
	e := &Evaluation{Results: make([]Result, len(predictions)), FullText: o.FullText}
	for i, p := range predictions {
		answer := p.ModelOutput
		if !o.FullText {
			answer = Cut(answer, CutAt)
			if len(answer) < len(p.ModelOutput) {
				e.Cut++
			}
		}
		if answer == "" {
			answer = emptyAnswer
			e.Empty++
		}
		e.Results[i] = Result{p.ObjectID, p.GroundTruth, answer, Scores{}}
	}
	if err := forEach(ctx, len(predictions), func(i int) { e.Results[i].scoreWords(o) }); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		name string
		by   Similarity
	}{{SBERT, o.SBERT}, {SimCSE, o.SimCSE}} {
		if s.by == nil {
			continue
		}
		if err := e.scoreSimilarity(ctx, s.name, s.by, o.Progress); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// scoreWords sets the scores that compare words.
func (r *Result) scoreWords(o Options) {
	var answer, truth []string
	if o.BLEU || o.METEOR != nil {
		answer, truth = Words(r.ModelOutput), Words(r.GroundTruth)
	}
	if o.BLEU {
		b := BLEU(answer, truth)
		for n, name := range []string{BLEU1, BLEU2, BLEU3, BLEU4} {
			r.Scores[name] = b[n] * 100
		}
	}
	if o.ROUGE {
		one, two, l := ROUGE(r.ModelOutput, r.GroundTruth)
		r.Scores[ROUGE1], r.Scores[ROUGE2], r.Scores[ROUGEL] = one*100, two*100, l*100
	}
	if o.METEOR != nil {
		r.Scores[Meteor] = o.METEOR.Score(answer, truth) * 100
	}
}

func (e *Evaluation) scoreSimilarity(ctx context.Context, name string, by Similarity, progress func(string, int, int)) error {
	answers, truths := make([]string, len(e.Results)), make([]string, len(e.Results))
	for i, r := range e.Results {
		answers[i], truths[i] = r.ModelOutput, r.GroundTruth
	}
	cos, err := by.Similarities(ctx, truths, answers, func(done int) {
		if progress != nil {
			progress(name, done, len(answers))
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, c := range cos {
		if math.IsNaN(c) {
			return fmt.Errorf("%s of record %d (%s) is not a number: the encoder's weights are broken", name, i, e.Results[i].ObjectID)
		}
		e.Results[i].Scores[name] = c * 100
	}
	return nil
}

// forEach calls f for 0 to n-1 from as many goroutines as there are
// processors.
func forEach(ctx context.Context, n int, f func(i int)) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				f(i)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// Names returns the names of the scores that there are, in the order of the
// reference's table.
func (e *Evaluation) Names() []string {
	var names []string
	if len(e.Results) > 0 {
		for _, n := range Names() {
			if _, ok := e.Results[0].Scores[n]; ok {
				names = append(names, n)
			}
		}
	}
	return names
}

// Keep takes over the scores that only an earlier evaluation of the same texts
// has, and returns their names: encoders may be run at another time than the
// rest. If any text differs, or the mode, it takes nothing.
func (e *Evaluation) Keep(earlier *Evaluation) []string {
	if e.FullText != earlier.FullText || len(e.Results) != len(earlier.Results) {
		return nil
	}
	for i, r := range e.Results {
		o := earlier.Results[i]
		if r.ObjectID != o.ObjectID || r.GroundTruth != o.GroundTruth || r.ModelOutput != o.ModelOutput {
			return nil
		}
	}
	have := e.Names()
	kept := slices.DeleteFunc(earlier.Names(), func(n string) bool { return slices.Contains(have, n) })
	for i, r := range e.Results {
		for _, name := range kept {
			r.Scores[name] = earlier.Results[i].Scores[name]
		}
	}
	return kept
}

// Scores returns the scores of one name, in the order of the predictions.
func (e *Evaluation) Scores(name string) []float64 {
	out := make([]float64, len(e.Results))
	for i, r := range e.Results {
		out[i] = r.Scores[name]
	}
	return out
}

// Mean returns the mean of the scores of one name.
func (e *Evaluation) Mean(name string) float64 { return mean(e.Scores(name)) }

// Intervals returns the mean of each score with its bootstrap interval.
func (e *Evaluation) Intervals(o Resampling) map[string]Interval {
	names := e.Names()
	columns := make([][]float64, len(names))
	for k, name := range names {
		columns[k] = e.Scores(name)
	}
	out := map[string]Interval{}
	for k, i := range MeanIntervals(columns, o) {
		out[names[k]] = i
	}
	return out
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
