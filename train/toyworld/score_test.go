package toyworld

import (
	"slices"
	"testing"
)

func TestParseCaption(t *testing.T) {
	for text, want := range map[string][]Named{
		"a red sphere, a blue box.":                   {{"red", "sphere"}, {"blue", "box"}},
		"A large Red sphere at x3 y4 z6 and a cone":   {{"red", "sphere"}},
		"white white cone cone":                       {{"white", "cone"}},
		"a blue, box":                                 nil,
		"a purple object, which is a cone":            nil,
		"there is a red one and a green sphere":       {{"green", "sphere"}},
		"spheres in red; a yellow-ish flat white box": {{"white", "box"}},
		"": nil,
	} {
		if got := ParseCaption(text); !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", text, got, want)
		}
	}
}

func TestScoreCaption(t *testing.T) {
	for text, want := range map[string]CaptionScore{
		"a red sphere, a blue box.":                 {2, 2, 2, 0},
		"a red sphere.":                             {2, 1, 1, 0},
		"a red box, a blue box.":                    {2, 1, 2, 1},
		"a red sphere, a red sphere, a green cone.": {2, 1, 1, 2},
		"": {2, 0, 0, 0},
	} {
		if got := twoObjects.ScoreCaption(text); got != want {
			t.Errorf("%q scores %+v, want %+v", text, got, want)
		}
	}
	var sum CaptionScore
	sum.Add(CaptionScore{2, 1, 2, 1})
	sum.Add(CaptionScore{3, 3, 3, 0})
	if sum != (CaptionScore{5, 4, 5, 1}) {
		t.Errorf("the sum is %+v", sum)
	}
}

func TestVerdict(t *testing.T) {
	for answer, want := range map[string]string{
		"the red sphere is at x3, the blue box is at x6, so left.": "left",
		"so, so the blue box.": "blue box",
		"Yes.":                 "yes",
		" the Blue box":        "blue box",
		"so":                   "",
		"":                     "",
	} {
		if got := Verdict(answer); got != want {
			t.Errorf("the verdict of %q is %q, want %q", answer, got, want)
		}
	}
	qa := QA{Answer: "the red sphere is at x3, the blue box is at x6, so no."}
	if !qa.Right("No") || qa.Right("yes") || qa.Right("") {
		t.Error("answers are not judged by their verdict")
	}
}
