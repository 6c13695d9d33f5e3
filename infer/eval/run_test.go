package eval

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"llana/infer"
	"llana/infer/metrics"
	"llana/models/conversation"
)

// echo answers with the question and its number. After stop answers it fails
// with err.
type echo struct {
	window, answered, stop int
	err                    error
}

func (e *echo) Window() int { return e.window }

func (e *echo) Answer(_ context.Context, items []Item) ([]infer.Answer, error) {
	answers := make([]infer.Answer, len(items))
	for i, item := range items {
		if e.err != nil && e.answered == e.stop {
			return nil, e.err
		}
		e.answered++
		answers[i] = infer.Answer{Text: fmt.Sprintf(" %d: %s\n", item.Index, item.Pairs[0].Question), TokenIDs: []int32{1, 2}, Ended: item.Index%5 != 0}
	}
	return answers, nil
}

// source makes a task of n questions.
func source(t testing.TB, n int) (Source, Settings) {
	t.Helper()
	root := t.TempDir()
	var records []conversation.Record
	for i := range n {
		records = append(records, rec(fmt.Sprintf("o%03d", i/3), Single, fmt.Sprintf("Question %d?", i), "Yes."))
	}
	writeRecords(t, at(root, ShapeTest, "texts", complexName), records...)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{ShapeTest, Single})
	if err != nil {
		t.Fatal(err)
	}
	return s, Settings{Split: s.Split, Text: s.Text, Annotations: "x", Items: n, Model: "m", Turns: TurnsFirst, MaxNewTokens: 512, Shard: 1, Shards: 1}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// whole runs a task without interruption and returns its results.
func whole(t testing.TB, s Source, set Settings) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "whole.json")
	if _, err := Answers(t.Context(), &echo{window: 7}, set, s, out, Options{}); err != nil {
		t.Fatal(err)
	}
	return readFile(t, out)
}

// The results are the reference's, character by character.
func TestResults(t *testing.T) {
	root := t.TempDir()
	writeRecords(t, at(root, ShapeTest, "texts", briefName),
		rec("a\"b", "", "  What is this? ", " A \"chair\".\n"),
		rec("ü", Single, "Wie heißt 椅子 \U0001f600?\t", "Stuhl\\"),
		rec("c", Multi, "First?", "One.", "Second?", "Two."))
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{ShapeTest, Brief})
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{Split: s.Split, Text: s.Text, Items: 3, Turns: TurnsFirst, Shard: 1, Shards: 1}
	const first = `[
  {
    "object_id": "a\"b",
    "question": "What is this?",
    "ground_truth": "A \"chair\".",
    "model_output": "0: What is this?"
  },
  {
    "object_id": "\u00fc",
    "question": "Wie hei\u00dft \u6905\u5b50 \ud83d\ude00?",
    "ground_truth": "Stuhl\\",
    "model_output": "1: Wie hei\u00dft \u6905\u5b50 \ud83d\ude00?"
  },
  {
    "object_id": "c",
    "question": "First?",
    "ground_truth": "One.",
    "model_output": "2: First?"
  }`
	const second = `,
  {
    "object_id": "c",
    "question": "Second?",
    "ground_truth": "Two.",
    "model_output": "2: First?"
  }`
	for turns, want := range map[string]string{TurnsFirst: first + "\n]", TurnsCopy: first + second + "\n]"} {
		out := filepath.Join(t.TempDir(), "out.json")
		set.Turns = turns
		r, err := Answers(t.Context(), &echo{window: 2}, set, s, out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, out); got != want {
			t.Errorf("turns %s: results %s, want %s", turns, got, want)
		}
		if left := map[string]int{TurnsFirst: 1}[turns]; r.Questions != 3 || r.LeftOut != left || r.CutOff != 1 {
			t.Errorf("turns %s: %+v, want 3 questions, %d left out, 1 cut off", turns, r, left)
		}
	}
}

// However often a run is interrupted, and wherever the journal was torn, the
// results are those of one that was not: no record is lost or repeated.
func TestInterruptedRun(t *testing.T) {
	const n = 40
	s, set := source(t, n)
	want := whole(t, s, set)
	for _, window := range []int{1, 4, 100} {
		for stop := 0; stop < 12; stop += 3 {
			out := filepath.Join(t.TempDir(), "out.json")
			runs, answered := 0, 0
			for {
				a := &echo{window: window, stop: stop + runs, err: context.Canceled}
				if runs > 3 {
					a.err = nil
				}
				r, err := Answers(t.Context(), a, set, s, out, Options{})
				answered += a.answered
				if err == nil {
					if r.Questions != n {
						t.Errorf("%d questions, want %d", r.Questions, n)
					}
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if _, err := os.Stat(out); err == nil {
					t.Fatal("an interrupted run has results")
				}
				tear(t, JournalName(out), runs)
				runs++
			}
			if got := readFile(t, out); got != want {
				t.Errorf("window %d, stop %d: the results after %d interruptions differ", window, stop, runs)
			}
			if window == 1 && answered > n+2*runs+4 {
				t.Errorf("stop %d: %d answers were asked for, want about %d", stop, answered, n)
			}
		}
	}
}

// tear cuts a journal inside its last line, or appends half a line, as crashes
// do.
func tear(t *testing.T, path string, how int) {
	t.Helper()
	text := readFile(t, path)
	switch how % 4 {
	case 1:
		text = text[:len(text)-3]
	case 2:
		text += `{"item":7,"rec`
	case 3:
		text += strings.Repeat("\x00", 50) + "\n"
	}
	write(t, path, text)
}

// A run that is done is not done again; one of other settings is refused.
func TestResumeOtherSettings(t *testing.T) {
	s, set := source(t, 10)
	out := filepath.Join(t.TempDir(), "out.json")
	if _, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err != nil {
		t.Fatal(err)
	}
	want := readFile(t, out)
	again := &echo{window: 3}
	r, err := Answers(t.Context(), again, set, s, out, Options{})
	if err != nil || again.answered != 0 || r.Resumed != 10 || readFile(t, out) != want {
		t.Errorf("a finished run: %d asked again, %+v, %v", again.answered, r, err)
	}
	remove(t, out) // as if the run had ended before the results had their name
	if _, err := Answers(t.Context(), again, set, s, out, Options{}); err != nil || again.answered != 0 || readFile(t, out) != want {
		t.Errorf("results made again of the journal differ, or %d were asked again (%v)", again.answered, err)
	}
	for name, change := range map[string]func(s *Settings){
		"model_digest": func(s *Settings) { s.Model = "other" }, "annotations": func(s *Settings) { s.Annotations = "y" },
		"temperature": func(s *Settings) { s.Temperature = 0.7 }, "max_new_tokens": func(s *Settings) { s.MaxNewTokens = 3 },
		"text_data": func(s *Settings) { s.Text = Detailed }, "split": func(s *Settings) { s.Split = HST },
		"turns": func(s *Settings) { s.Turns = TurnsCopy }, "shard": func(s *Settings) { s.Shard, s.Shards = 2, 2 },
	} {
		other := set
		change(&other)
		_, err := Answers(t.Context(), &echo{window: 3}, other, s, out, Options{})
		if err == nil || !contains(err.Error(), JournalName(out), "other settings", name+" is ", "--overwrite") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	other := set
	other.MaxNewTokens = 3
	if r, err := Answers(t.Context(), &echo{window: 3}, other, s, out, Options{Overwrite: true}); err != nil || r.Resumed != 0 {
		t.Errorf("with overwrite: %+v, %v", r, err)
	}
	// A run that failed before its first answer binds nobody.
	failed := filepath.Join(t.TempDir(), "failed.json")
	j, _, err := OpenJournal(JournalName(failed), other, false)
	if err != nil || j.Close() != nil {
		t.Fatal(err)
	}
	if _, err := Answers(t.Context(), &echo{window: 3}, set, s, failed, Options{}); err != nil || readFile(t, failed) != want {
		t.Errorf("after a run without answers: %v, or other results", err)
	}
	if err := os.Remove(JournalName(out)); err != nil {
		t.Fatal(err)
	}
	if _, err := Answers(t.Context(), &echo{window: 3}, set, s, out, Options{}); err == nil || !contains(err.Error(), out, "there already") {
		t.Errorf("results without a journal: error %v", err)
	}
}

// A run of ten thousand records takes no more memory than one of a thousand.
func TestRunMemory(t *testing.T) {
	const n = 10000
	s, set := source(t, n)
	live := map[int]uint64{}
	o := Options{Progress: func(done, _ int) {
		if done%2000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live[done] = m.HeapAlloc
		}
	}}
	out := filepath.Join(t.TempDir(), "out.json")
	r, err := Answers(t.Context(), &echo{window: 50}, set, s, out, o)
	if err != nil || r.Questions != n {
		t.Fatalf("%+v, %v", r, err)
	}
	if live[n] > live[2000]+(1<<18) {
		t.Errorf("live bytes %v grow with the records", live)
	}
}

// Multiple-choice questions are scored over a run and its shards.
func TestChoiceRun(t *testing.T) {
	root := world(t)
	var records []conversation.Record
	for i := range 40 {
		q := fmt.Sprintf("What is %s the seat?\nA. legs\nB. back", []string{"above", "left of"}[i%2])
		records = append(records, rec("4-b", "", q, string(rune('A'+i%4/3))))
	}
	writeRecords(t, at(root, "..", Spatial, "texts", choiceName), records...)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Source(Task{Spatial, MultiChoice})
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{Split: s.Split, Text: s.Text, Items: 40, Turns: TurnsFirst, Shard: 1, Shards: 1, ModelName: "m"}
	out := filepath.Join(t.TempDir(), "out.json")
	r, err := Answers(t.Context(), always("(A) legs"), set, s, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Choice
	if c == nil || c.Questions != 40 || c.Right != 30 || c.Mean != 75 || !(c.Low < 75 && c.High > 75) || !c.Greedy || c.Protocol != ChoiceProtocol {
		t.Errorf("score %+v, want 30 of 40", c)
	}
	if a, l := c.ByRelation["above/below"], c.ByRelation["left/right"]; a.Right != 20 || a.Questions != 20 || l.Right != 10 || l.Questions != 20 {
		t.Errorf("by relation %+v", c.ByRelation)
	}
	file, err := ReadChoiceScore(r.ChoiceOut)
	if err != nil {
		t.Fatal(err)
	}
	want := ChoiceResult{"4-b", "What is left of the seat?\nA. legs\nB. back", "B", "(A) legs", "left/right", "A", false}
	if len(file.Results) != 40 || file.Results[3] != want {
		t.Errorf("%d results, the fourth %+v, want %+v", len(file.Results), file.Results[3], want)
	}
	if file.Results = nil; !reflect.DeepEqual(file, c) {
		t.Errorf("the file has %+v, want %+v", file, c)
	}
	if p, err := metrics.ReadPredictions(out); err != nil || p[3].GroundTruth != "B" || p[3].ModelOutput != "(A) legs" {
		t.Errorf("predictions %+v, %v", p, err)
	}
}

// always gives one answer.
type always string

func (a always) Window() int { return 1 }

func (a always) Answer(context.Context, []Item) ([]infer.Answer, error) {
	return []infer.Answer{{Text: string(a)}}, nil
}
