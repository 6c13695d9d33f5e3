package eval

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"llana/models/conversation"
)

func TestParseOptions(t *testing.T) {
	legs := []string{"above the seat", "below the seat", "behind it"}
	for _, c := range []struct {
		question string
		want     []string
	}{
		{"Where are the legs?\nA. above the seat\nB. below the seat\nC. behind it", legs},
		{"Where are the legs?\n(A) above the seat\n(B) below the seat\n(C) behind it\nAnswer with a letter.", legs},
		{"Where are the legs? A) above the seat, B) below the seat, C) behind it", legs},
		{"Where are the legs? Options: [A] above the seat; [B] below the seat; [C] behind it", legs},
		{"Where are the legs?\na: above the seat\nb: below the seat\nc: behind it", legs},
		{"Where are the legs?\nA - above the seat\nB - below the seat\nC - behind it", legs},
		{"Is it a chair? A: yes\nB: no", []string{"yes", "no"}},
		{"Is the leg of a chair. above it?\nA. yes\nB. no", nil}, // "a chair." is no marker; see below
		{"is the red box left of or right of the cone?", nil},
		{"Which? A. only one", nil},
		{"Which? B. wrong\nC. order", nil},
		{"", nil},
	} {
		if c.want == nil && strings.Contains(c.question, "A. yes") {
			c.want = []string{"yes", "no"}
		}
		if got := ParseOptions(c.question); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: options %q, want %q", c.question, got, c.want)
		}
	}
}

func TestPick(t *testing.T) {
	c := &Choice{Options: []string{"Above the seat", "below the seat", "A chair"}}
	for reply, want := range map[string]int{
		"A": 0, "B": 1, "C.": 2, "(B)": 1, "B)": 1, "b)": 1, "(c)": 2, "B. below the seat": 1, "B: below": 1,
		"The answer is B.": 1, "The correct option is (C), not (A).": 2, "Answer: A": 0, "**B**": 1,
		"below the seat": 1, " Below  the SEAT. ": 1, "above the seat": 0, "A chair": 2, "a chair.": 2,
		"A red chair, so B": 1, "A red chair": -1, "It is below.": -1, "": -1, "D": -1, "BAD": -1, "a": 0, " b.": 1, "d": -1, "@": -1, "I think B": 1,
		"It's A.": 0, "DABC": -1, "B'": 1,
	} {
		if got := c.Pick(reply); got != want {
			t.Errorf("reply %q picks %d, want %d", reply, got, want)
		}
	}
	c.Key = 1
	if !c.Right("(B)", "", false) || c.Right("A", "", false) || c.Right("no idea", "", false) {
		t.Error("a reply is right if and only if it picks the key")
	}
	free := &Choice{Key: -1}
	for _, r := range []struct {
		reply, truth   string
		verdict, right bool
	}{
		{"Left.", "left", false, true}, {"It is left", "left", false, false},
		{"the box is at x2, so left.", "the box is at x3, so left.", true, true}, {"so right.", "so left.", true, false},
	} {
		if got := free.Right(r.reply, r.truth, r.verdict); got != r.right {
			t.Errorf("without options, %+v: right %v", r, got)
		}
	}
}

func TestRelation(t *testing.T) {
	for question, want := range map[string]string{
		"Is the lamp to the LEFT of the door?": "left/right", "What is above the seat?": "above/below", "Is it behind the wheel?": "front/behind",
		"Which part is closest?": "near/far", "Which is larger?": "size", "How many legs?": "count", "What colour is it?": "other", "What is inside?": "inside/outside",
	} {
		if got := relationOf(question); got != want {
			t.Errorf("%q: %s, want %s", question, got, want)
		}
	}
}

func scanned(text string) (items []Item, errs []error) {
	for item, err := range scanChoices(strings.NewReader(text), "f") {
		if err != nil {
			errs = append(errs, err)
		} else {
			items = append(items, item)
		}
	}
	return items, errs
}

// The multiple-choice file is read in several forms.
func TestScanChoices(t *testing.T) {
	const options = `"options": ["up", "down"]`
	for name, c := range map[string]struct {
		text   string
		prompt string
		key    int
	}{
		"conversation":     {`[{"object_id": "a", "conversations": [{"from": "human", "value": "<point>\nWhere?\nA. up\nB. down"}, {"from": "gpt", "value": "B"}]}]`, "<point>\nWhere?\nA. up\nB. down", 1},
		"answer in words":  {`[{"object_id": "a", "conversations": [{"from": "human", "value": "Where? <point> \nA. up\nB. down"}, {"from": "gpt", "value": "down."}]}]`, "<point>\nWhere?  \nA. up\nB. down", 1},
		"letter and words": {`[{"object_id": "a", "conversations": [{"from": "human", "value": "Where?\nA. up\nB. down"}, {"from": "gpt", "value": "(B) down"}]}]`, "<point>\nWhere?\nA. up\nB. down", 1},
		"fields":           {`[{"object_id": "a", "question": "Where?", ` + options + `, "answer": "B"}]`, "<point>\nWhere?\n(A) up\n(B) down", 1},
		"options twice":    {`[{"model_id": "a", "question": "Where?\nA. up\nB. down", ` + options + `, "correct_answer": "up"}]`, "<point>\nWhere?\nA. up\nB. down", 0},
		"by letter":        {`[{"uid": "a", "question": "Where?", "choices": {"B": "down", "A": "up"}, "ground_truth": "B."}]`, "<point>\nWhere?\n(A) up\n(B) down", 1},
		"letters in list":  {`[{"object_id": "a", "question": "Where?", "options": ["A. up", "B) down"], "answer": "A"}]`, "<point>\nWhere?\n(A) up\n(B) down", 0},
	} {
		items, errs := scanned(c.text)
		if len(errs) > 0 || len(items) != 1 {
			t.Errorf("%s: %d items, errors %v", name, len(items), errs)
			continue
		}
		i := items[0]
		if i.ObjectID != "a" || i.Prompt != c.prompt || !i.Object || i.Choice.Key != c.key || !reflect.DeepEqual(i.Choice.Options, []string{"up", "down"}) {
			t.Errorf("%s: %+v with choice %+v, want prompt %q and key %d", name, i, i.Choice, c.prompt, c.key)
		}
	}
	items, errs := scanned(`[{"object_id": "a", "relation": "height", "conversations": [
		{"from": "human", "value": "<point>\nWhere?\nA. up\nB. down"}, {"from": "gpt", "value": "B"},
		{"from": "human", "value": "And this?\nA. left\nB. right"}, {"from": "gpt", "value": "A"}]}, {"object_id": "b", "question": "x", "answer": "y"}]`)
	if len(errs) > 0 || len(items) != 3 || items[1].Record != 0 || items[2].Record != 1 || items[1].Prompt != "<point>\nAnd this?\nA. left\nB. right" || items[1].Choice.Relation != "height" {
		t.Errorf("items %+v, errors %v", items, errs)
	}
}

func TestScanChoicesErrors(t *testing.T) {
	const good = `{"object_id": "a", "question": "x", "answer": "y"}`
	for text, want := range map[string][]string{
		`{}`: {"array of records"}, ``: {"array of records", "EOF"}, `[` + good: {"after the last record", "EOF"}, `[` + good + `, {"object`: {"record 1", "EOF"},
		`[3]`: {"record 0", "want an object"}, `[null]`: {"record 0", "want an object"}, `[{"question": "x", "answer": "y"}]`: {"record 0", "object_id"},
		`[{"object_id": "a"}]`: {"record 0", "conversations", "question"}, `[{"object_id": "a", "conversations": "x"}]`: {"record 0", "conversations"},
		`[{"object_id": "a", "conversations": []}]`: {"record 0", "no question"}, `[{"object_id": "a", "question": "x", "answer": "y", "options": 3}]`: {"options", "list of texts"},
		`[{"object_id": "a", "question": "x", "answer": "y", "options": ["y"]}]`:                      {"1 options"},
		`[{"object_id": "a", "question": "x", "answer": "y", "options": ["y", " "]}]`:                 {"empty"},
		`[{"object_id": "a", "question": "x", "answer": "y", "options": {"A": "y", "C": "z"}}]`:       {`without "B"`},
		`[{"object_id": "a", "question": "x", "answer": "neither", "options": {"A": "y", "B": "z"}}]`: {"none of the options", "neither"},
	} {
		_, errs := scanned(text)
		if len(errs) != 1 || !contains(errs[0].Error(), want...) {
			t.Errorf("%s: errors %v, want one saying %q", text, errs, want)
		}
	}
	// A bad record does not hide the next.
	items, errs := scanned(`[` + good + `, {"object_id": "b"}, ` + good + `]`)
	var bad *conversation.RecordError
	if len(items) != 2 || len(errs) != 1 || !errors.As(errs[0], &bad) || bad.Index != 1 || bad.ObjectID != "b" {
		t.Errorf("%d items, errors %v; want 2, and a fault of record 1", len(items), errs)
	}
}

// FuzzAnnotations gives hostile JSON to both readers of annotations: items that
// they return are whole.
func FuzzAnnotations(f *testing.F) {
	for _, text := range []string{
		``, `[]`, `[{"object_id": "a", "question": "Where? A. x B. y", "options": ["up", "down"], "answer": "B"}]`,
		`[{"object_id": "a", "conversations": [{"from": "human", "value": "<point>\nWhere?\n(A) up\n(B) down"}, {"from": "gpt", "value": "B"}]}]`,
		`[{"object_id": "a", "conversations": [{"from": "gpt", "value": "x"}, {"from": "human"}]}, null, {"options": {"A": "\ud800"}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, _ := scanned(text)
		for _, i := range items {
			if i.ObjectID == "" || len(i.Pairs) == 0 || i.Choice == nil {
				t.Errorf("item %+v", i)
			} else if c := i.Choice; len(c.Options) > 0 && (c.Key < 0 || c.Key >= len(c.Options)) || len(c.Options) > maxOptions {
				t.Errorf("key %d of options %q", c.Key, c.Options)
			}
		}
		for rec, err := range conversation.Scan(strings.NewReader(text), "f") {
			if item, bad := newItem(rec); err == nil && bad == nil && (len(item.Pairs) == 0 || item.Prompt == "" && item.Pairs[0].Question != "") {
				t.Errorf("item %+v of %+v", item, rec)
			}
		}
	})
}
