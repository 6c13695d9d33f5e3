package toyworld

import (
	"context"
	"os"
	"path/filepath"

	"llana/models/conversation"
	"llana/models/tokenizer"
)

// Texts says how many questions are asked about each scene.
type Texts struct {
	Single int // conversations of one question
	Multi  int // conversations of Rounds questions
	Rounds int
	TwoWay int // two-way questions about each scene of Test, for evaluation
	// Scenes in words, which are not among the splits, and the questions about
	// each: for training a language model on text alone.
	TextScenes, TextQuestions int
}

// Files of a data folder that hold texts.
const (
	BriefName   = "conversations_brief.json"
	ComplexName = "conversations_complex.json"
	// TextOnlyName holds conversations without objects: the question begins
	// with the scene in words.
	TextOnlyName = "text_only.json"
	// SpatialFolder holds the questions that spatial understanding is
	// evaluated with, about scenes of Test.
	SpatialFolder    = "spatial_objanerf"
	MultiChoiceName  = "spatial_multi_choice_qa.json"
	DescriptionsName = "spatial_descriptions.json"
	// TokenizerFolder holds the tokenizer of the toy world's language.
	TokenizerFolder = "tokenizer"
)

// Types of conversations, as the published files name them.
const (
	typeBrief  = "brief_description"
	typeDetail = "detailed_description"
	typeSingle = "single_round"
	typeMulti  = "multi_round"
)

func writeTexts(ctx context.Context, dir string, o Options) error {
	for _, s := range Splits {
		if err := writeSplitTexts(ctx, dir, o, s); err != nil {
			return err
		}
	}
	if err := writeSpatial(dir, o); err != nil {
		return err
	}
	if err := conversation.WriteFile(filepath.Join(dir, TextOnlyName), o.textOnly()); err != nil {
		return err
	}
	t, err := NewTokenizer()
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, TokenizerFolder)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	return t.Save(folder)
}

// WriteTest writes the texts of o.Test scenes of the test split, and the
// questions that spatial understanding is evaluated with, in the layout of
// Generate: a data folder that models are evaluated on, without NeRFs.
func WriteTest(ctx context.Context, dir string, o Options) error {
	if err := checkRecipe(dir, o); err != nil {
		return err
	}
	if err := writeSplitTexts(ctx, dir, o, Test); err != nil {
		return err
	}
	return writeSpatial(dir, o)
}

func writeSplitTexts(ctx context.Context, dir string, o Options, s Split) error {
	folder := filepath.Join(dir, s.Folder(), "texts")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	var brief, complex []conversation.Record
	for i := range o.Count(s) {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, c := o.records(s, i)
		brief, complex = append(brief, b), append(complex, c...)
	}
	if err := conversation.WriteFile(filepath.Join(folder, BriefName), brief); err != nil {
		return err
	}
	return conversation.WriteFile(filepath.Join(folder, ComplexName), complex)
}

// records returns the conversations about a scene: one caption, and all
// others.
func (o Options) records(s Split, i int) (brief conversation.Record, others []conversation.Record) {
	scene, id := SceneAt(o.Seed, s, i), s.ObjectID(i)
	asked := func(n int, kinds ...Kind) []QA { return Ask(scene, o.Seed, s, i, n, kinds...) }
	brief = record(id, typeBrief, asked(1, Brief)...)
	others = append(others, record(id, typeDetail, asked(1, Detail)...))
	qas := asked(o.Texts.Single + o.Texts.Multi*o.Texts.Rounds)
	for ; len(others) <= o.Texts.Single && len(qas) > 0; qas = qas[1:] {
		others = append(others, record(id, typeSingle, qas[0]))
	}
	for range o.Texts.Multi {
		n := min(o.Texts.Rounds, len(qas))
		if n == 0 {
			break
		}
		others = append(others, record(id, typeMulti, qas[:n]...))
		qas = qas[n:]
	}
	return brief, others
}

// record makes a conversation that shows the object in the first question.
func record(id, kind string, qas ...QA) conversation.Record {
	r := conversation.Record{ObjectID: id, Type: kind}
	for i, qa := range qas {
		q := qa.Question
		if i == 0 {
			q = conversation.PointMark + "\n" + q
		}
		r.Turns = append(r.Turns, conversation.Turn{From: conversation.Human, Value: q}, conversation.Turn{From: conversation.GPT, Value: qa.Answer})
	}
	return r
}

// writeSpatial writes the two-way questions about the scenes of Test, whose
// options stand in the question, and their descriptions with places.
func writeSpatial(dir string, o Options) error {
	folder := filepath.Join(dir, SpatialFolder, "texts")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	var choices, descriptions []conversation.Record
	for i := range o.Test {
		scene, id := SceneAt(o.Seed, Test, i), Test.ObjectID(i)
		for _, qa := range Ask(scene, o.Seed, Test, i, o.Texts.TwoWay, TwoWay...) {
			choices = append(choices, record(id, typeSingle, qa))
		}
		descriptions = append(descriptions, record(id, typeDetail, Ask(scene, o.Seed, Test, i, 1, Detail)...))
	}
	if err := conversation.WriteFile(filepath.Join(folder, MultiChoiceName), choices); err != nil {
		return err
	}
	return conversation.WriteFile(filepath.Join(folder, DescriptionsName), descriptions)
}

// textOnly returns conversations about scenes that are given in words. All
// about one scene begin alike.
func (o Options) textOnly() []conversation.Record {
	var records []conversation.Record
	for i := range o.Texts.TextScenes {
		scene := SceneAt(o.Seed, textOnly, i)
		inWords := scene.InWords(newRandom(o.Seed, streamWords, uint64(i)))
		for _, qa := range Ask(scene, o.Seed, textOnly, i, o.Texts.TextQuestions) {
			records = append(records, conversation.Record{ObjectID: textOnly.ObjectID(i), Type: typeSingle, Turns: []conversation.Turn{
				{From: conversation.Human, Value: inWords + "\n" + qa.Question},
				{From: conversation.GPT, Value: qa.Answer},
			}})
		}
	}
	return records
}

// NewTokenizer returns the tokenizer of the toy world's language: every word
// is one token.
func NewTokenizer() (*tokenizer.Tokenizer, error) {
	return tokenizer.Build(Vocabulary(), conversation.PointPatch, conversation.PointStart, conversation.PointEnd)
}
