package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"llana/infer/metrics"
)

// Model is one model's evaluation.
type Model struct {
	Name string
	Path string
	*metrics.Evaluation
	// Questions are those of the results, nil where the file of predictions is
	// not beside the evaluation.
	Questions []string

	keys  []key // of the results
	index map[key]int
}

// key says which record a result is about: the n-th of an object.
type key struct {
	object string
	n      int
}

// suffixes are what evaluations end in, beside the predictions they are of.
var suffixes = []string{"_evaluated_traditional.json", "_evaluated_full_text.json"}

// stem is an evaluation's name without its suffix.
func stem(path string) string {
	for _, s := range append(suffixes, ".json") {
		if rest, ok := strings.CutSuffix(path, s); ok {
			return rest
		}
	}
	return path
}

// Load reads an evaluation that metrics.Evaluation.Write or the reference
// wrote, and the questions from the predictions beside it. A file of
// predictions under the old name of the reference does as well as one under
// the new.
func Load(path, name string) (*Model, error) {
	e, err := metrics.ReadEvaluation(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: name, Path: path, Evaluation: e}
	m.keys, m.index = number(len(e.Results), func(i int) string { return e.Results[i].ObjectID })
	from := stem(path) + ".json"
	if from == path {
		return m, nil
	}
	// The questions are only shown: without the file, or with another one, the
	// page does without them.
	predictions, err := metrics.ReadPredictions(from)
	if err != nil || len(predictions) != len(e.Results) {
		return m, nil
	}
	questions := make([]string, len(predictions))
	for i, p := range predictions {
		if p.ObjectID != e.Results[i].ObjectID || p.GroundTruth != e.Results[i].GroundTruth {
			return m, nil
		}
		questions[i] = p.Question
	}
	m.Questions = questions
	return m, nil
}

// number gives n results their keys.
func number(n int, object func(i int) string) (keys []key, index map[key]int) {
	seen := map[string]int{}
	index = make(map[key]int, n)
	for i := range n {
		id := object(i)
		k := key{id, seen[id]}
		seen[id]++
		index[k] = i
		keys = append(keys, k)
	}
	return keys, index
}

// LoadAll loads evaluations of several models. names may be nil; models are
// then named after their files, or after the folders if the files have one
// name.
func LoadAll(paths, names []string) ([]*Model, error) {
	if names == nil {
		names = NamesOf(paths)
	}
	if len(names) != len(paths) {
		return nil, fmt.Errorf("%d names for %d evaluations", len(names), len(paths))
	}
	var models []*Model
	for i, p := range paths {
		m, err := Load(p, names[i])
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	return models, nil
}

// NamesOf returns a short different name for each path: of its file, or of its
// folder where the files have the same name.
func NamesOf(paths []string) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = filepath.Base(stem(p))
	}
	if len(paths) > 1 && !different(names) {
		for i, p := range paths {
			if whole, err := filepath.Abs(p); err == nil {
				names[i] = filepath.Base(filepath.Dir(whole))
			}
		}
	}
	if !different(names) {
		for i := range names {
			names[i] = fmt.Sprintf("%s (%d)", names[i], i+1)
		}
	}
	return names
}

func different(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(slices.Compact(sorted)) == len(names)
}
