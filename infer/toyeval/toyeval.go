// Package toyeval asks a model about scenes of the toy world and scores its
// answers against the truth.
package toyeval

import (
	"context"

	"llana/infer"
	"llana/models/conversation"
	"llana/models/spatialllana"
	"llana/train/toyworld"
)

// Question is a two-way question with the model's answer.
type Question struct {
	toyworld.QA
	Given string // what the model answered
	Right bool
}

// Scene is a scene with what the model said about it.
type Scene struct {
	toyworld.Scene
	Index     int // of the scene in its split
	Caption   string
	Score     toyworld.CaptionScore
	Questions []Question
}

// Options of Run.
type Options struct {
	Seed      uint64 // of the toy world
	Split     toyworld.Split
	Questions int // two-way questions about each scene
	// Progress, if not nil, is told how many of how many answers are there.
	Progress func(done, total int)
}

const (
	captionQuestion = "what is this?"
	answerLimit     = 64 // tokens; the longest true answer has half as many
	batchSize       = 64 // prompts answered at a time
)

// Run captions the objects and asks about them. objects[i] are the tokens of
// the NeRF of scene indices[i]. Scenes with one solid have no two-way
// questions.
func Run(ctx context.Context, m *spatialllana.Model, indices []int, objects []*spatialllana.Object, o Options) ([]Scene, error) {
	scenes := make([]Scene, len(indices))
	var jobs []job
	for i, index := range indices {
		s := &scenes[i]
		*s = Scene{Scene: toyworld.SceneAt(o.Seed, o.Split, index), Index: index}
		jobs = append(jobs, job{objects[i], captionQuestion, &s.Caption})
		for _, qa := range toyworld.Ask(s.Scene, o.Seed, o.Split, index, o.Questions, toyworld.TwoWay...) {
			s.Questions = append(s.Questions, Question{QA: qa})
		}
		for j := range s.Questions {
			jobs = append(jobs, job{objects[i], s.Questions[j].Question, &s.Questions[j].Given})
		}
	}
	for done := 0; done < len(jobs); done += batchSize {
		if err := answer(ctx, m, jobs[done:min(len(jobs), done+batchSize)]); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(min(len(jobs), done+batchSize), len(jobs))
		}
	}
	for i := range scenes {
		s := &scenes[i]
		s.Score = s.ScoreCaption(s.Caption)
		for j := range s.Questions {
			q := &s.Questions[j]
			q.Right = q.QA.Right(q.Given)
		}
	}
	return scenes, nil
}

// job is a question about an object and where its answer goes.
type job struct {
	object   *spatialllana.Object
	question string
	answer   *string
}

func answer(ctx context.Context, m *spatialllana.Model, jobs []job) error {
	prompts := make([][]int32, len(jobs))
	objects := make([]*spatialllana.Object, len(jobs))
	for i, j := range jobs {
		question := conversation.ExpandPoint(conversation.PointMark+"\n"+j.question, j.object.Tokens)
		for _, id := range m.Tokenizer.Encode(m.Template().Prompt(question)) {
			prompts[i] = append(prompts[i], int32(id))
		}
		objects[i] = j.object
	}
	answers, err := infer.GenerateBatch(ctx, m, prompts, objects, infer.Options{MaxNewTokens: answerLimit})
	if err != nil {
		return err
	}
	for i, a := range answers {
		*jobs[i].answer = a.Text
	}
	return nil
}

// Scores sums up what a model knows.
type Scores struct {
	Scenes       int     `json:"scenes"`
	Objects      int     `json:"objects"`
	ObjectsNamed float64 `json:"objects_named"` // share named with colour and shape
	Colours      float64 `json:"colours_named"` // share whose colour is named
	Wrong        float64 `json:"objects_wrong"` // named but not there, for each that is
	Questions    int     `json:"questions"`
	Spatial      float64 `json:"spatial_accuracy"` // share of two-way questions answered right
}

// Sum returns the scores of some scenes.
func Sum(scenes []Scene) Scores {
	var c toyworld.CaptionScore
	s := Scores{Scenes: len(scenes)}
	right := 0
	for _, sc := range scenes {
		c.Add(sc.Score)
		s.Questions += len(sc.Questions)
		for _, q := range sc.Questions {
			if q.Right {
				right++
			}
		}
	}
	s.Objects = c.Objects
	share := func(n, of int) float64 { return float64(n) / float64(max(1, of)) }
	s.ObjectsNamed, s.Colours, s.Wrong = share(c.Right, c.Objects), share(c.Colours, c.Objects), share(c.Wrong, c.Objects)
	s.Spatial = share(right, s.Questions)
	return s
}

// ByKind returns the share of right answers to each kind of question.
func ByKind(scenes []Scene) map[toyworld.Kind]float64 {
	right, all := map[toyworld.Kind]float64{}, map[toyworld.Kind]float64{}
	for _, sc := range scenes {
		for _, q := range sc.Questions {
			all[q.Kind]++
			if q.Right {
				right[q.Kind]++
			}
		}
	}
	for k, n := range all {
		right[k] /= n
	}
	return right
}
