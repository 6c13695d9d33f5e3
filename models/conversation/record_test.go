package conversation

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readAll(r io.Reader, name string) ([]Record, error) {
	var out []Record
	for rec, err := range Read(r, name) {
		if err != nil {
			return out, err
		}
		out = append(out, rec)
	}
	return out, nil
}

const goodRecord = `{"object_id": "a1", "conversation_type": "single_round", "more": {"x": [1]},
 "conversations": [{"from": "human", "value": "<point>\nWhat?", "id": 3}, {"from": "gpt", "value": "A \u00e9."}]}`

func TestRead(t *testing.T) {
	got, err := readAll(strings.NewReader("[\n"+goodRecord+",\n"+strings.Replace(goodRecord, `"conversation_type": "single_round",`, "", 1)+"]\n"), "f")
	want := Record{ObjectID: "a1", Type: "single_round", Turns: []Turn{{Human, "<point>\nWhat?"}, {GPT, "A é."}}}
	untyped := want
	untyped.Type = ""
	if err != nil || !reflect.DeepEqual(got, []Record{want, untyped}) {
		t.Errorf("got %+v, error %v", got, err)
	}
	if got, err := readAll(strings.NewReader(" [ ] "), "f"); err != nil || len(got) != 0 {
		t.Errorf("empty array: %v, error %v", got, err)
	}
}

func TestReadErrors(t *testing.T) {
	second := func(record string) string { return "[" + goodRecord + ", " + record + "]" }
	for _, c := range []struct {
		name, text string
		want       []string
		records    int
	}{
		{"empty file", "", []string{"array of records", "EOF"}, 0},
		{"object", `{"object_id": "a"}`, []string{"array of records", "{"}, 0},
		{"number", `12`, []string{"array of records", "12"}, 0},
		{"not JSON", `<html>`, []string{"array of records", "'<'"}, 0},
		{"cut inside a record", "[" + goodRecord[:80], []string{"record 0", "EOF"}, 0},
		{"cut between records", "[" + goodRecord, []string{"after the last record", "EOF"}, 1},
		{"cut after a comma", "[" + goodRecord + ",", []string{"EOF"}, 1},
		{"no comma", "[" + goodRecord + goodRecord + "]", []string{"record 1", "comma"}, 1},
		{"goes on", "[" + goodRecord + "] []", []string{"goes on"}, 1},
		{"no object_id", second(`{"conversations": [{"from": "human", "value": ""}]}`), []string{"record 1", `"object_id" is missing`}, 1},
		{"object_id null", second(`{"object_id": null, "conversations": [{"from": "human", "value": ""}]}`), []string{"record 1", `"object_id" is missing`}, 1},
		{"object_id number", second(`{"object_id": 12, "conversations": []}`), []string{"record 1", `"object_id"`, "string", "number"}, 1},
		{"no conversations", second(`{"object_id": "a"}`), []string{"record 1", `"conversations" is missing`}, 1},
		{"conversations of the wrong type", second(`{"object_id": "a", "conversations": "hi"}`), []string{"record 1", `"conversations"`, "string"}, 1},
		{"turn of the wrong type", second(`{"object_id": "a", "conversations": ["hi"]}`), []string{"record 1", `conversations`}, 1},
		{"no value", second(`{"object_id": "a", "conversations": [{"from": "human", "value": "x"}, {"from": "gpt"}]}`), []string{"record 1", "turn 1", `"value"`}, 1},
		{"no from", second(`{"object_id": "a", "conversations": [{"value": "x"}]}`), []string{"record 1", "turn 0", `"from"`}, 1},
		{"value of the wrong type", second(`{"object_id": "a", "conversations": [{"from": "human", "value": ["x"]}]}`), []string{"record 1", "conversations.value", "array"}, 1},
		{"record null", second(`null`), []string{"record 1", "object_id"}, 1},
	} {
		got, err := readAll(strings.NewReader(c.text), "conversations_brief.json")
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range append(c.want, "conversations_brief.json") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not say %q", c.name, err, want)
			}
		}
		if len(got) != c.records {
			t.Errorf("%s: %d records before the error, want %d", c.name, len(got), c.records)
		}
	}
}

// TestReadStreams stops early: what follows is not looked at.
func TestReadStreams(t *testing.T) {
	for rec, err := range Read(strings.NewReader("["+goodRecord+", broken"), "f") {
		if err != nil || rec.ObjectID != "a1" {
			t.Errorf("%+v, error %v", rec, err)
		}
		break
	}
}

func TestReadAndWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "texts.json")
	if _, err := ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: error %v, want fs.ErrNotExist", err)
	}
	records := []Record{
		{ObjectID: "a", Type: "brief_description", Turns: []Turn{{Human, "<point>\nWhat?"}, {GPT, "\"Quoted\" & é"}}},
		{ObjectID: "b", Turns: []Turn{{Human, "x"}}},
	}
	for n := range len(records) + 1 {
		if err := WriteFile(path, records[:n]); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path)
		if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, records[:n]) {
			t.Errorf("%d records come back as %+v, error %v", n, got, err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), `{"object_id":"a","conversation_type":"brief_description","conversations":[{"from":"human","value":"<point>\n`) {
		t.Errorf("file reads %s, error %v", data, err)
	}
}

// FuzzRead gives hostile JSON to the reader; records that it returns are
// complete.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"", "[]", "[" + goodRecord + "]", "[" + goodRecord + "," + goodRecord + "]", "[null]", "[{}]", "[[", "{}", "[" + goodRecord[:50],
		`[{"object_id": "a", "conversations": [{"from": "human", "value": null}]}]`, `[{"OBJECT_ID": "\ud800", "conversations": [{}]}] x`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		records, _ := readAll(strings.NewReader(text), "f")
		for _, rec := range records {
			if len(rec.Turns) == 0 {
				t.Errorf("record without turns: %+v", rec)
			}
			if turns, err := rec.ExpandedTurns(3); err == nil && turns[0].From != Human {
				t.Errorf("first turn %+v", turns[0])
			}
		}
	})
}
