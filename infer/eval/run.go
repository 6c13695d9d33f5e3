package eval

import (
	"context"
	"fmt"
	"os"
	"strings"

	"llana/infer"
	"llana/infer/metrics"
	"llana/models/spatialllana"
)

// Options of a run.
type Options struct {
	infer.Options
	Turns  string // TurnsFirst or TurnsCopy; "": TurnsFirst
	Batch  int    // prompts read together at most; 0: see NewAnswerer
	Shard  int    // from 1
	Shards int    // 0: one
	// Overwrite begins anew where there are results or a journal already.
	Overwrite bool
	// Progress, if not nil, is told how many of the shard's questions are
	// answered, those of earlier runs included.
	Progress func(done, total int)
}

// Result is what a run came to.
type Result struct {
	Settings
	Out       string `json:"out"`
	Journal   string `json:"journal"`
	Questions int    `json:"questions"`
	Resumed   int    `json:"resumed"`  // questions that earlier runs had answered
	CutOff    int    `json:"cut_off"`  // answers that reached the limit
	LeftOut   int    `json:"left_out"` // later questions of records of several turns
	// Choice is the score of multiple-choice questions; ChoiceOut its file.
	Choice    *ChoiceScore `json:"multi_choice,omitempty"`
	ChoiceOut string       `json:"multi_choice_out,omitempty"`
}

// ShardName returns where a shard's results go: "F.shard2of4.json" of F.json.
func ShardName(out string, shard, shards int) string {
	if shards <= 1 {
		return out
	}
	return fmt.Sprintf("%s.shard%dof%d.json", strings.TrimSuffix(out, ".json"), shard, shards)
}

// Run asks a model all questions of a task and writes the results to out. A
// journal beside out has every answer as soon as it is given; Run goes on
// behind what it holds, and makes out of it at the end. When ctx is cancelled
// it returns the context's error; the journal stays.
func Run(ctx context.Context, m *spatialllana.Model, id ModelID, s Source, out string, o Options) (Result, error) {
	set, err := settingsOf(ctx, m, id, s, o)
	if err != nil {
		return Result{}, err
	}
	a, stop := NewAnswerer(m, s, o.Options, o.Batch)
	defer stop()
	return Answers(ctx, a, set, s, ShardName(out, set.Shard, set.Shards), o)
}

// settingsOf returns the settings of a run. It reads the annotations once and
// the headers of all objects' tokens; what is missing or malformed is an error.
func settingsOf(ctx context.Context, m *spatialllana.Model, id ModelID, s Source, o Options) (Settings, error) {
	set := Settings{Split: s.Split, Text: s.Text, Turns: o.Turns, Shard: max(1, o.Shard), Shards: max(1, o.Shards), Verdict: s.Verdict,
		ModelName: id.Name, Model: id.Digest, Weights: id.Weights}
	if set.Turns == "" {
		set.Turns = TurnsFirst
	}
	set.setSampling(o.Options)
	var err error
	if set.Items, set.Annotations, err = s.survey(ctx, m.Projector); err != nil {
		return set, err
	}
	return set, set.validate()
}

// Answers is Run with any Answerer.
func Answers(ctx context.Context, a Answerer, set Settings, s Source, out string, o Options) (r Result, err error) {
	journal := JournalName(out)
	if err := checkOut(out, journal); err != nil && !o.Overwrite {
		return r, err
	}
	j, done, err := OpenJournal(journal, set, o.Overwrite)
	if err != nil {
		return r, err
	}
	if o.Overwrite {
		// Results beside a journal that does not hold them would mislead.
		if err := os.Remove(out); err != nil && !notFound(err) {
			j.Close()
			return r, err
		}
	}
	r = Result{Settings: set, Out: out, Journal: journal, Resumed: done}
	lo, hi := set.part()
	w := &window{a: a, j: j, set: set, size: max(1, a.Window()), progress: func(n int) {
		if o.Progress != nil {
			o.Progress(done+n, hi-lo)
		}
	}}
	err = w.run(ctx, s, lo+done, hi)
	if e := j.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = r.finish([]string{journal})
	}
	return r, err
}

// checkOut keeps results that no journal belongs to from being overwritten.
func checkOut(out, journal string) error {
	_, err := os.Stat(journal)
	if _, there := os.Stat(out); there == nil && notFound(err) {
		return fmt.Errorf("%s is there already, and no journal to go on from; give another --out, or --overwrite", out)
	}
	return nil
}

// window answers items some at a time and appends the answers to the journal.
type window struct {
	a        Answerer
	j        *Journal
	set      Settings
	size     int
	progress func(answered int)

	items    []Item
	answered int
}

// run answers the items [from, to).
func (w *window) run(ctx context.Context, s Source, from, to int) error {
	w.progress(0)
	if from >= to {
		return nil
	}
	for item, err := range s.Items() {
		if err != nil {
			return err
		}
		if item.Index < from {
			continue
		}
		if w.items = append(w.items, item); len(w.items) == w.size || item.Index == to-1 {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
		if item.Index == to-1 {
			return nil
		}
	}
	return fmt.Errorf("%s: it has fewer questions than before: want item %d", s.Path, to-1)
}

func (w *window) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answers, err := w.a.Answer(ctx, w.items)
	if err != nil {
		return err
	}
	entries := make([]Entry, len(answers))
	for i, a := range answers {
		entries[i] = w.entry(w.items[i], a)
	}
	if err := w.j.Append(entries...); err != nil {
		return err
	}
	w.answered += len(entries)
	w.items = w.items[:0]
	w.progress(w.answered)
	return nil
}

// entry is an answered item as it is written.
func (w *window) entry(item Item, a infer.Answer) Entry {
	e := Entry{Item: item.Index, Record: item.Record, ObjectID: item.ObjectID,
		Output: strip(a.Text), Tokens: len(a.TokenIDs), Ended: a.Ended}
	pairs := item.Pairs
	if w.set.Turns == TurnsFirst {
		pairs = pairs[:1]
	}
	for _, p := range pairs {
		e.Pairs = append(e.Pairs, [2]string{p.Question, p.Truth})
	}
	if c := item.Choice; c != nil {
		e.Choice = &Scored{Choice: *c, Given: c.Pick(e.Output), Right: c.Right(e.Output, item.Pairs[0].Truth, w.set.Verdict)}
	}
	e.LeftOut = len(item.Pairs) - len(pairs)
	return e
}

// finish makes the results of journals, and their sums.
func (r *Result) finish(journals []string) error {
	var choice choiceCounter
	for _, path := range journals {
		_, err := ReadJournal(path, func(e Entry) error {
			r.Questions++
			r.LeftOut += e.LeftOut
			if !e.Ended {
				r.CutOff++
			}
			choice.add(e.Choice)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := metrics.WritePredictions(r.Out, predictions(journals...)); err != nil {
		return err
	}
	if r.Text != MultiChoice {
		return nil
	}
	r.Choice = choice.score(r.Settings)
	r.ChoiceOut = strings.TrimSuffix(r.Out, ".json") + ChoiceSuffix
	return r.Choice.write(r.ChoiceOut, journals)
}
