package toyworld

import (
	"strings"
	"testing"

	"llana/models/conversation"
)

// twoObjects is a scene where everything that is asked differs clearly, but
// for the places along y.
var twoObjects = Scene{[]Object{
	{Shape: "box", Colour: "blue", Size: "small", Radius: 0.24, Centre: [3]float64{0.3, 0.1, -0.3}},
	{Shape: "sphere", Colour: "red", Size: "large", Radius: 0.32, Centre: [3]float64{-0.2, 0, 0.3}},
}}

func TestAnswers(t *testing.T) {
	// Every question of the scene with its only right answer, from which all
	// others follow by symmetry.
	want := map[string]string{
		"what is this?":                                        "a red sphere, a blue box.",
		"what is where?":                                       "a large red sphere at x3 y4 z6, a small blue box at x6 y5 z2.",
		"where is the red sphere?":                             "the red sphere is at x3 y4 z6.",
		"how large is the blue object?":                        "the blue box is small.",
		"what shape is the blue object?":                       "the blue object is a box.",
		"what colour is the sphere?":                           "the sphere is red.",
		"how many objects are there?":                          "a red sphere, a blue box, so two.",
		"is there a red object?":                               "a red sphere, a blue box, so yes.",
		"is there a green object?":                             "a red sphere, a blue box, so no.",
		"is the red sphere left of or right of the blue box?":  "the red sphere is at x3, the blue box is at x6, left yes, right no, so left.",
		"is the blue box right of or left of the red sphere?":  "the blue box is at x6, the red sphere is at x3, left no, right yes, so right.",
		"is the red sphere below or above the blue box?":       "the red sphere is at z6, the blue box is at z2, below no, above yes, so above.",
		"is the blue box left of the red sphere?":              "the blue box is at x6, the red sphere is at x3, left no, right yes, asked left no, so no.",
		"is the blue box below the red sphere?":                "the blue box is at z2, the red sphere is at z6, below yes, above no, asked below yes, so yes.",
		"is the red sphere larger than the blue box?":          "the red sphere is large, the blue box is small, smaller no, larger yes, asked larger yes, so yes.",
		"which is higher, the blue box or the red sphere?":     "the blue box is at z2, the red sphere is at z6, lower yes, higher no, asked higher no, so the red sphere.",
		"which is smaller, the blue object or the red object?": "the blue box is small, the red sphere is large, smaller yes, larger no, asked smaller yes, so the blue box.",
		"which object is the rightmost?":                       "the red sphere is at x3, the blue box is at x6, so the blue box.",
	}
	found := map[string]bool{}
	for i := range 400 {
		for _, qa := range ask(twoObjects, newRandom(uint64(i)), 20) {
			if answer, ok := want[qa.Question]; ok {
				found[qa.Question] = true
				if qa.Answer != answer {
					t.Errorf("%s\n got %s\nwant %s", qa.Question, qa.Answer, answer)
				}
			}
			if strings.Contains(qa.Question, "front") || strings.Contains(qa.Question, "nearest") {
				t.Errorf("asked about places that are almost the same: %s", qa.Question)
			}
			if strings.ContainsAny(qa.Question+qa.Answer, "{}") || strings.Contains(qa.Question+qa.Answer, "  ") {
				t.Errorf("a word is missing: %q %q", qa.Question, qa.Answer)
			}
		}
	}
	for q := range want {
		if !found[q] {
			t.Errorf("never asked: %s", q)
		}
	}
}

func TestAskDependsOnItsKeysAlone(t *testing.T) {
	s := SceneAt(3, Train, 5)
	long, short := Ask(s, 3, Train, 5, 10), Ask(s, 3, Train, 5, 4)
	for i := range short {
		if long[i] != short[i] {
			t.Fatalf("question %d is %v in a long list and %v in a short one", i, long[i], short[i])
		}
	}
	asked := map[string]bool{}
	for _, qa := range Ask(twoObjects, 3, Train, 5, 10, YesNo) {
		if asked[qa.Question] {
			t.Errorf("asked twice: %s", qa.Question)
		}
		asked[qa.Question] = true
		if qa.Kind != YesNo {
			t.Errorf("asked for %s, got %s", YesNo, qa.Kind)
		}
	}
	one := Scene{s.Objects[:1]}
	if qas := Ask(one, 3, Train, 5, 3, TwoWay...); qas != nil {
		t.Errorf("one object compared with itself: %v", qas)
	}
}

// Two-way questions must not be answerable without looking.
func TestTwoWayIsBalanced(t *testing.T) {
	counts := map[string]int{}
	n := 0
	for i := range 2000 {
		for _, qa := range Ask(SceneAt(1, Test, i), 1, Test, i, 4, YesNo) {
			counts[qa.Verdict]++
			n++
		}
	}
	if yes := float64(counts["yes"]) / float64(n); yes < 0.47 || yes > 0.53 || counts["yes"]+counts["no"] != n {
		t.Errorf("verdicts %v of %d", counts, n)
	}
}

func TestLevels(t *testing.T) {
	for v, want := range map[float64]int{-0.7: 0, -0.57: 0, -0.55: 1, 0: 4, 0.55: 7, 0.57: 8, 0.7: 8, 9: 8, -9: 0} {
		if got := Level(v); got != want {
			t.Errorf("level of %g is %d, want %d", v, got, want)
		}
	}
	for i := range 500 {
		s := SceneAt(1, Train, i)
		for _, p := range s.Pairs() {
			a, b := &s.Objects[p.A], &s.Objects[p.B]
			if p.By != SmallerLarger && Level(a.Centre[p.By]) == Level(b.Centre[p.By]) {
				t.Fatalf("scene %d: different places at one level: %v %v", i, a.Centre, b.Centre)
			}
		}
	}
}

// Every word of every text is one token.
func TestVocabularyCoversTexts(t *testing.T) {
	tok, err := NewTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Texts.TextScenes = 60
	texts := []string{SystemPrompt}
	for _, r := range o.textOnly() {
		texts = append(texts, r.Turns[0].Value, r.Turns[1].Value)
	}
	tmpl := conversation.VicunaV11()
	tmpl.System = SystemPrompt
	for i := range 60 {
		brief, others := o.records(Train, i)
		for _, r := range append(others, brief) {
			turns, err := r.ExpandedTurns(2)
			if err != nil {
				t.Fatal(err)
			}
			text, err := tmpl.Render(turns)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		for _, id := range tok.Encode(text) {
			piece := tok.Piece(id)
			body := strings.Trim(piece, "▁\n")
			if strings.HasPrefix(piece, "<0x") || len(body) == 1 && body != "a" && !strings.Contains(".,?:", body) {
				t.Fatalf("the piece %q is no word: %q", piece, text)
			}
		}
	}
}
