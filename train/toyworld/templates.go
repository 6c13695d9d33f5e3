package toyworld

import "strings"

// Kind is a sort of question.
type Kind string

// The kinds of questions.
const (
	Brief  Kind = "brief"  // a caption
	Detail Kind = "detail" // a caption with sizes and places
	Where  Kind = "where"
	Size   Kind = "size"
	Shape  Kind = "shape"
	Colour Kind = "colour"
	Count  Kind = "count"
	Exists Kind = "exists"
	Either Kind = "either" // two-way: left of or right of?
	YesNo  Kind = "yesno"  // two-way: is it left of?
	Which  Kind = "which"  // two-way: which of two is further left?
	Most   Kind = "most"   // which of all is the leftmost?
)

// TwoWay lists the kinds of spatial questions with two possible answers.
var TwoWay = []Kind{Either, YesNo, Which}

// template is how a kind is asked and answered. Words in braces are replaced
// by what bind finds in a scene; bind reports false if there is nothing to
// ask. weight is the kind's share among the questions drawn for a scene.
//
// Answers name the object they speak of before they say something about it,
// and state both places before they compare them: then every word follows from
// few others. Comparisons list both directions in a fixed order ("left yes,
// right no") before they repeat the one that was asked: whether the question
// asks for left or right then no longer decides how the places are compared. A
// bare verdict is the exclusive or of the two, which a small model did not
// learn in any time we gave it. The verdict stands at the end, behind "so".
type template struct {
	kind      Kind
	weight    float64
	questions []string
	answer    string
	bind      func(s Scene, r *random) (words, bool)
}

// words are the replacements of a template's {names}.
type words map[string]string

var templates = []template{
	{Brief, 0.12, []string{"what is this?", "describe the scene.", "what do you see?"}, "{list}.", bindList},
	{Detail, 0.06, []string{"describe the scene in detail.", "what is where?"}, "{places}.", bindList},
	{Where, 0.12, []string{"where is the {ref}?"}, "the {name} is at {x} {y} {z}.", bindObject},
	{Size, 0.04, []string{"how large is the {ref}?"}, "the {name} is {size}.", bindObject},
	{Shape, 0.06, []string{"what shape is the {colour} object?"}, "the {colour} object is a {shape}.", bindObject},
	{Colour, 0.02, []string{"what colour is the {shape}?"}, "the {shape} is {colour}.", bindOnlyShape},
	{Count, 0.02, []string{"how many objects are there?", "count the objects."}, "{list}, so {count}.", bindList},
	{Exists, 0.04, []string{"is there a {colour} object?"}, "{list}, so {verdict}.", bindColour},
	{Either, 0.16, []string{"is the {ref} {less} or {more} the {other ref}?"}, "{compared}, {listing}, so {verdict}.", bindEither},
	{YesNo, 0.16, []string{"is the {ref} {relation} the {other ref}?"}, "{compared}, {listing}, asked {asked} {verdict}, so {verdict}.", bindYesNo},
	{Which, 0.16, []string{"which is {degree}, the {ref} or the {other ref}?"}, "{compared}, {listing}, asked {asked} {holds}, so the {verdict}.", bindWhich},
	{Most, 0.04, []string{"which object is the {extreme}?"}, "{compared}, so the {verdict}.", bindMost},
}

// axisWords are the words of an axis, each for less and for more of it.
type axisWords struct {
	verdict  [2]string
	relation [2]string
	degree   [2]string
	short    [2]string // of the degree
	extreme  [2]string
}

var wordsOf = [axes]axisWords{
	LeftRight:     {[2]string{"left", "right"}, [2]string{"left of", "right of"}, [2]string{"further left", "further right"}, [2]string{"left", "right"}, [2]string{"leftmost", "rightmost"}},
	FrontBehind:   {[2]string{"front", "behind"}, [2]string{"in front of", "behind"}, [2]string{"nearer", "further away"}, [2]string{"nearer", "away"}, [2]string{"nearest", "furthest"}},
	BelowAbove:    {[2]string{"below", "above"}, [2]string{"below", "above"}, [2]string{"lower", "higher"}, [2]string{"lower", "higher"}, [2]string{"lowest", "highest"}},
	SmallerLarger: {[2]string{"smaller", "larger"}, [2]string{"smaller than", "larger than"}, [2]string{"smaller", "larger"}, [2]string{"smaller", "larger"}, [2]string{"smallest", "largest"}},
}

var counts = [MaxObjects + 1]string{"no", "one", "two", "three"}

// anyObject stands for a shape where the colour alone says which object is
// meant.
const anyObject = "object"

// SystemPrompt is the first sentence of a conversation about the toy world.
const SystemPrompt = "a chat about a scene."

// fill replaces the {names} of a pattern.
func (w words) fill(pattern string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(pattern, '{')
		if open < 0 {
			b.WriteString(pattern)
			return b.String()
		}
		end := open + strings.IndexByte(pattern[open:], '}')
		b.WriteString(pattern[:open])
		b.WriteString(w[pattern[open+1:end]])
		pattern = pattern[end+1:]
	}
}
