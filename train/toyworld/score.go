package toyworld

import (
	"slices"
	"strings"
	"unicode"
)

// Named is an object as a caption names it.
type Named struct{ Colour, Shape string }

// ParseCaption returns the objects that a text names: each a colour followed
// by a shape, with nothing but words between them. A colour without a shape,
// or a shape without a colour, names nothing.
func ParseCaption(text string) []Named {
	var named []Named
	for _, phrase := range strings.FieldsFunc(strings.ToLower(text), unicode.IsPunct) {
		colour := ""
		for _, word := range strings.Fields(phrase) {
			switch {
			case slices.Contains(Colours, word):
				colour = word
			case slices.Contains(Shapes, word) && colour != "":
				named = append(named, Named{colour, word})
				colour = ""
			}
		}
	}
	return named
}

// CaptionScore compares what a caption names with what is there.
type CaptionScore struct {
	Objects int // in the scene
	Right   int // of them named with colour and shape
	Colours int // of them named with their colour at least
	Wrong   int // objects named that are not there
}

// Add adds another scene's score.
func (c *CaptionScore) Add(d CaptionScore) {
	c.Objects += d.Objects
	c.Right += d.Right
	c.Colours += d.Colours
	c.Wrong += d.Wrong
}

// ScoreCaption scores a caption of the scene. Naming an object twice counts
// once for it; the second time it is wrong.
func (s Scene) ScoreCaption(caption string) CaptionScore {
	score := CaptionScore{Objects: len(s.Objects)}
	named := ParseCaption(caption)
	for _, o := range s.Objects {
		if slices.ContainsFunc(named, func(n Named) bool { return n.Colour == o.Colour }) {
			score.Colours++
		}
		if slices.Contains(named, Named{o.Colour, o.Shape}) {
			score.Right++
		}
	}
	score.Wrong = len(named) - score.Right
	return score
}

// Verdict returns what an answer comes to: what follows the last "so", or the
// whole answer where there is none, in lower case, without articles and
// punctuation. "The cone is at z2, the box is at z6, so the box." is "box".
func Verdict(answer string) string {
	fields := strings.FieldsFunc(strings.ToLower(answer), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) })
	for i, w := range slices.Backward(fields) {
		if w == "so" {
			fields = fields[i+1:]
			break
		}
	}
	fields = slices.DeleteFunc(fields, func(w string) bool { return w == "the" || w == "a" || w == "an" })
	return strings.Join(fields, " ")
}

// Right reports whether another answer comes to the same verdict.
func (qa QA) Right(answer string) bool { return Verdict(answer) == Verdict(qa.Answer) }
