// Package conversation turns conversations about objects into the text, token
// ids and labels that the language model is trained and asked with.
//
// Prompts follow the template vicuna_v1_1 of FastChat as the PointLLM and
// LLaNA code uses it; label masking and padding follow preprocess_v1 and
// DataCollatorForPointTextDataset there. Records are read from the JSON files
// of the published ShapeNeRF-Text and ObjaNeRF-Text data.
package conversation

import "strings"

// DefaultSystem is the system sentence of the published models.
const DefaultSystem = "A chat between a curious user and an artificial intelligence assistant. " +
	"The assistant gives helpful, detailed, and polite answers to the user's questions."

// Tokens of the point vocabulary. In data files PointMark stands where the
// tokens of the object go.
const (
	PointMark  = "<point>"
	PointPatch = "<point_patch>"
	PointStart = "<point_start>"
	PointEnd   = "<point_end>"
)

// Template says how a conversation is written as one text.
type Template struct {
	System    string // first sentence; a space follows unless it is empty
	User      string // name of the role that asks
	Assistant string // name of the role that answers
	AfterUser string // ends a question
	AfterTurn string // ends an answer, which the model learns to produce
}

// VicunaV11 is the template of the published models. System may be replaced.
func VicunaV11() Template {
	return Template{System: DefaultSystem, User: "USER", Assistant: "ASSISTANT", AfterUser: " ", AfterTurn: "</s>"}
}

// Prompt returns the text that asks one question: it ends in "ASSISTANT:",
// without a space.
func (t Template) Prompt(question string) string {
	return t.render([]Turn{{From: Human, Value: question}, {From: GPT}})
}

// Render returns the text of turns that alternate between Human and GPT,
// Human first:
//
//	SYSTEM USER: question ASSISTANT: answer</s>USER: question ASSISTANT: answer</s>
//
// An empty turn is the role alone ("ASSISTANT:"), so an empty last answer
// makes the prompt that goes on with a conversation. Other orders of turns
// are an error; a first turn that is not from Human is dropped, as in the
// reference.
func (t Template) Render(turns []Turn) (string, error) {
	turns, err := alternating(turns)
	if err != nil {
		return "", err
	}
	return t.render(turns), nil
}

func (t Template) render(turns []Turn) string {
	var b strings.Builder
	if t.System != "" {
		b.WriteString(t.System + t.AfterUser)
	}
	for _, turn := range turns {
		role, end := t.User, t.AfterUser
		if turn.From == GPT {
			role, end = t.Assistant, t.AfterTurn
		}
		b.WriteString(role + ":")
		if turn.Value != "" {
			b.WriteString(" " + turn.Value + end)
		}
	}
	return b.String()
}

// ExpandPoint replaces every PointMark in text by PointStart, n times
// PointPatch and PointEnd.
func ExpandPoint(text string, n int) string {
	if !strings.Contains(text, PointMark) {
		return text
	}
	return strings.ReplaceAll(text, PointMark, PointStart+strings.Repeat(PointPatch, n)+PointEnd)
}
