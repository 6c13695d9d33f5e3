package eval

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds of texts, as --text_data of the reference and conversation_type of the
// files name them. Descriptions and MultiChoice are the two files of Spatial
// ObjaNeRF.
const (
	Brief        = "brief_description"
	Detailed     = "detailed_description"
	Single       = "single_round"
	Multi        = "multi_round"
	Descriptions = "spatial_descriptions"
	MultiChoice  = "multi_choice"
)

// Splits that differ from the others in where their files lie.
const (
	ShapeTest = "shapenerf_test"
	HST       = "hst"
	PointLLM  = "objanerf_pointllm_test"
	GPT4Point = "objanerf_gpt4point_test"
	Spatial   = "spatial_objanerf"
)

// Names of annotation files.
const (
	briefName        = "conversations_brief.json"
	complexName      = "conversations_complex.json"
	hstName          = "hst_dataset_filtered.json"
	descriptionsName = "spatial_descriptions.json"
	choiceName       = "spatial_multi_choice_qa.json"
)

// split is a part of the data and the kinds of texts it has, the default
// first.
type split struct {
	name  string
	texts []string
}

var shapeTexts = []string{Brief, Detailed, Single, Multi}

// splits lists what can be evaluated. The reference evaluates the last five;
// train and val are for one's own models.
var splits = []split{
	{"train", shapeTexts}, {"val", shapeTexts}, {ShapeTest, shapeTexts},
	{HST, []string{Brief}}, {PointLLM, []string{Brief}}, {GPT4Point, []string{Brief}},
	{Spatial, []string{Descriptions, MultiChoice}},
}

// Splits returns the names of all splits.
func Splits() []string {
	var names []string
	for _, s := range splits {
		names = append(names, s.name)
	}
	return names
}

// Task is what a model is asked: one kind of text of one split.
type Task struct {
	Split string
	Text  string
}

// NewTask checks a split and a kind of text; "" is the split's default. As in
// the reference, the kinds of ShapeNeRF-Text are accepted and ignored for
// splits that have one kind of their own. The error lists what there is.
func NewTask(name, text string) (Task, error) {
	i := slices.IndexFunc(splits, func(s split) bool { return s.name == name })
	if i < 0 {
		return Task{}, fmt.Errorf("split %q, want one of %s", name, strings.Join(Splits(), ", "))
	}
	s := splits[i]
	switch {
	case slices.Contains(s.texts, text):
		return Task{name, text}, nil
	case text == "", slices.Contains(shapeTexts, text):
		return Task{name, s.texts[0]}, nil
	}
	return Task{}, fmt.Errorf("text data %q of split %s, want one of %s", text, name, strings.Join(s.texts, ", "))
}

// FileName is the default name of the task's predictions. The reference names
// them after the split alone, so that the kinds of texts overwrite each other.
func (t Task) FileName() string {
	if t.Split == HST || t.Split == PointLLM || t.Split == GPT4Point {
		return t.Split + ".json"
	}
	return t.Split + "_" + t.Text + ".json"
}

func (t Task) String() string { return strings.TrimSuffix(t.FileName(), ".json") }
