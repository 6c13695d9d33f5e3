package toyworld

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"llana/models/conversation"
)

// Vocabulary lists the words of the toy world's language for tokenizer.Build,
// in a fixed order. Words that begin a question are also listed with the
// newline that stands in front of them there.
func Vocabulary() []string {
	var v vocabulary
	t := conversation.VicunaV11()
	v.add(t.User, t.Assistant, SystemPrompt)
	v.add(Colours...)
	v.add(Shapes...)
	v.add(Sizes...)
	v.add(counts[1:]...)
	v.add(anyObject, "yes", "no")
	for by := range axes {
		w := wordsOf[by]
		for _, pair := range [][2]string{w.verdict, w.relation, w.degree, w.short, w.extreme} {
			v.add(pair[:]...)
		}
		if by == SmallerLarger {
			continue
		}
		for l := range Levels {
			v.add(fmt.Sprintf("%c%d", "xyz"[by], l))
		}
	}
	for _, t := range templates {
		v.add(t.answer)
		v.add(t.questions...)
		for _, q := range t.questions {
			v.addFirst(q)
		}
	}
	v.add("a", "at", "the", "is")
	return v.words
}

// vocabulary collects words once each.
type vocabulary struct{ words []string }

// placeholder is a template's {name}, and what is no word.
var placeholder = regexp.MustCompile(`\{[^}]*\}|[.,?:]`)

func (v *vocabulary) add(texts ...string) {
	for _, text := range texts {
		for _, w := range strings.Fields(placeholder.ReplaceAllString(text, " ")) {
			v.addWord(w)
		}
	}
}

func (v *vocabulary) addFirst(question string) {
	v.addWord("\n" + strings.Fields(placeholder.ReplaceAllString(question, " "))[0])
}

func (v *vocabulary) addWord(w string) {
	if !slices.Contains(v.words, w) {
		v.words = append(v.words, w)
	}
}
