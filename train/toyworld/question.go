package toyworld

import (
	"slices"
	"strings"
)

// QA is a question about a scene with its answer.
type QA struct {
	Kind     Kind
	Question string
	Answer   string
	// Verdict is what decides whether another answer is right, "" for
	// captions: see Verdict, the function.
	Verdict string
}

// Ask returns n questions about a scene. They depend on the seed, the split,
// the scene's index and the kinds alone, and a longer list begins with the
// shorter one. Without kinds, all are drawn by their weights.
func Ask(s Scene, seed uint64, split Split, index, n int, kinds ...Kind) []QA {
	return ask(s, newRandom(seed, streamText, uint64(split), uint64(index), uint64(len(kinds))), n, kinds...)
}

const (
	maxRepeats = 50   // draws of questions that were asked before, until one is taken again
	maxMisses  = 1000 // draws of questions that cannot be asked, until none is expected
)

// ask draws questions, each once as long as there are others. A scene of which
// none of the kinds can be asked gives none.
func ask(s Scene, r *random, n int, kinds ...Kind) []QA {
	var qas []QA
	asked := map[string]bool{}
	for misses, repeats := 0, 0; len(qas) < n && misses < maxMisses; {
		qa, ok := pickTemplate(r, kinds).ask(s, r)
		switch {
		case !ok:
			misses++
		case asked[qa.Question] && repeats < maxRepeats:
			repeats++
		default:
			asked[qa.Question] = true
			qas = append(qas, qa)
		}
	}
	return qas
}

// pickTemplate draws a template of the kinds by weight.
func pickTemplate(r *random, kinds []Kind) *template {
	wanted := func(t *template) bool { return len(kinds) == 0 || slices.Contains(kinds, t.kind) }
	total := 0.0
	for i := range templates {
		if wanted(&templates[i]) {
			total += templates[i].weight
		}
	}
	at := r.float() * total
	var last *template
	for i := range templates {
		if t := &templates[i]; wanted(t) {
			if last = t; at < t.weight {
				break
			}
			at -= t.weight
		}
	}
	return last
}

func (t *template) ask(s Scene, r *random) (QA, bool) {
	w, ok := t.bind(s, r)
	if !ok {
		return QA{}, false
	}
	qa := QA{Kind: t.kind, Question: w.fill(pick(r, t.questions)), Answer: w.fill(t.answer)}
	if strings.Contains(t.answer, "so ") {
		qa.Verdict = Verdict(qa.Answer)
	}
	return qa, true
}

// InWords describes the scene in words, which stand for the object's tokens
// when the language model is trained on text alone: the objects in random
// order, each "red sphere large x4 y3 z2.".
func (s Scene) InWords(r *random) string {
	var parts []string
	for _, i := range r.perm(len(s.Objects)) {
		o := &s.Objects[i]
		parts = append(parts, o.name()+" "+o.Size+" "+o.at()+".")
	}
	return strings.Join(parts, " ")
}
