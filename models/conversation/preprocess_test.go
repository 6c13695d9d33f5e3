package conversation

import (
	"slices"
	"strings"
	"testing"

	"llana/models/tokenizer"
)

// toyWorld is a template with a short system text and a tokenizer whose words
// are one token each.
func toyWorld(t *testing.T) (Template, *tokenizer.Tokenizer) {
	t.Helper()
	tok, err := tokenizer.Build(strings.Fields("Talk about the scene. USER ASSISTANT What is red The ball Is it big No"),
		PointPatch, PointStart, PointEnd)
	if err != nil {
		t.Fatal(err)
	}
	template := VicunaV11()
	template.System = "Talk about the scene."
	return template, tok
}

func multiRound() Record {
	return Record{ObjectID: "7", Turns: []Turn{
		{Human, "<point>\nWhat is red?"}, {GPT, "The ball."}, {Human, "Is it big?"}, {GPT, "No."},
	}}
}

// supervised returns the text of the ids that have a label.
func supervised(tok *tokenizer.Tokenizer, ex Example) string {
	var ids []int
	for _, label := range ex.Labels {
		if label != Ignore {
			ids = append(ids, int(label))
		}
	}
	return tok.Decode(ids, false)
}

func TestOnlyAnswersAreSupervised(t *testing.T) {
	template, tok := toyWorld(t)
	ex, err := template.Preprocess(tok, multiRound(), 192, 1024)
	if err != nil || ex.Warning != "" {
		t.Fatalf("error %v, warning %q", err, ex.Warning)
	}
	if got, want := supervised(tok, ex), " The ball.</s> No.</s>"; got != want {
		t.Errorf("supervised %q, want %q", got, want)
	}
	for i, label := range ex.Labels {
		if label != Ignore && label != ex.IDs[i] {
			t.Errorf("label %d at position %d, want the id %d", label, i, ex.IDs[i])
		}
	}
}

func TestTruncation(t *testing.T) {
	template, tok := toyWorld(t)
	whole, err := template.Preprocess(tok, multiRound(), 8, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(whole.IDs)+1; n++ {
		ex, err := template.Preprocess(tok, multiRound(), 8, n)
		if err != nil {
			t.Fatal(err)
		}
		keep := min(n, len(whole.IDs))
		if ex.Warning != "" || !slices.Equal(ex.IDs, whole.IDs[:keep]) || !slices.Equal(ex.Labels, whole.Labels[:keep]) {
			t.Fatalf("cut to %d: %v\n%v, warning %q", n, ex.IDs, ex.Labels, ex.Warning)
		}
	}
	if _, err := template.Preprocess(tok, multiRound(), 8, 0); err == nil {
		t.Error("no error for a maximal length of 0")
	}
}

func TestWarningNamesTheObject(t *testing.T) {
	template, tok := toyWorld(t)
	rec := multiRound()
	rec.Turns[3].Value = "No <unk> USER: ASSISTANT: No."
	ex, err := template.Preprocess(tok, rec, 8, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(ex.Warning, `"7"`) || supervised(tok, ex) != "" {
		t.Errorf("warning %q, supervised %q, want object 7 masked", ex.Warning, supervised(tok, ex))
	}
}

func TestTextOnlyRecord(t *testing.T) {
	rec := multiRound()
	rec.Turns[0].Value = "What is red?"
	rec.Turns[2].Value = "Is it <point>?"
	turns, err := rec.ExpandedTurns(4)
	if err != nil || rec.HasPoint() || turns[2].Value != "Is it <point>?" {
		t.Errorf("turns %v, error %v, has a point: %v, want the text as it was", turns, err, rec.HasPoint())
	}
}

func TestExpandedTurnsLeaveTheRecord(t *testing.T) {
	rec := multiRound()
	rec.Turns[2].Value = "Is <point> big?"
	turns, err := rec.ExpandedTurns(2)
	if err != nil {
		t.Fatal(err)
	}
	const point = "<point_start><point_patch><point_patch><point_end>"
	if turns[0].Value != point+"\nWhat is red?" || turns[2].Value != "Is "+point+" big?" {
		t.Errorf("turns %q", turns)
	}
	if rec.Turns[0].Value != "<point>\nWhat is red?" {
		t.Errorf("the record itself was changed: %q", rec.Turns[0].Value)
	}
}

func TestRolesMustAlternate(t *testing.T) {
	for name, c := range map[string]struct {
		from []string
		want string
	}{
		"no turns":         {nil, "no question"},
		"answer alone":     {[]string{GPT}, "no question"},
		"two answers":      {[]string{GPT, GPT}, "turn 0"},
		"two questions":    {[]string{Human, Human}, "turn 1"},
		"unknown role":     {[]string{Human, GPT, "system"}, `"system"`},
		"unknown at start": {[]string{"user", GPT}, `"user"`},
	} {
		rec := Record{ObjectID: "chair 1"}
		for _, from := range c.from {
			rec.Turns = append(rec.Turns, Turn{From: from, Value: "x"})
		}
		_, err := rec.ExpandedTurns(1)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "chair 1") {
			t.Errorf("%s: error %v, want one that says %q and the object", name, err, c.want)
		}
	}
}

func TestRender(t *testing.T) {
	template := VicunaV11()
	template.System = "Talk."
	open := []Turn{{Human, "a"}, {GPT, "b"}, {Human, "c"}, {GPT, ""}}
	got, err := template.Render(open)
	if want := "Talk. USER: a ASSISTANT: b</s>USER: c ASSISTANT:"; err != nil || got != want {
		t.Errorf("open conversation %q, error %v, want %q", got, err, want)
	}
	if got, want := template.Prompt("a"), "Talk. USER: a ASSISTANT:"; got != want {
		t.Errorf("prompt %q, want %q", got, want)
	}
	template.System = ""
	if got, want := template.Prompt("a"), "USER: a ASSISTANT:"; got != want {
		t.Errorf("prompt without system text %q, want %q", got, want)
	}
}

func TestCollateNothing(t *testing.T) {
	if b := Collate(nil, 0); b.Rows != 0 || b.Cols != 0 || len(b.IDs) != 0 || len(b.Mask()) != 0 {
		t.Errorf("batch of nothing: %+v", b)
	}
}
