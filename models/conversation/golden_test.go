package conversation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"llana/models/tokenizer"
)

const tokenizerDir = "../tokenizer/testdata/llama"

// loadTokenizers returns the test tokenizer with "legacy" true and false.
func loadTokenizers(t testing.TB) map[string]*tokenizer.Tokenizer {
	t.Helper()
	legacy, err := tokenizer.Load(tokenizerDir)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tokenizerDir)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tokenizer_config.json")
	var config map[string]any
	readJSON(t, path, &config)
	config["legacy"] = false
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	newer, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*tokenizer.Tokenizer{"legacy": legacy, "new": newer}
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

type goldenExample struct {
	IDs     []int32 `json:"input_ids"`
	Labels  []int32 `json:"labels"`
	Warning bool    `json:"mismatch_warning"`
}

type goldenCase struct {
	Conversation []Turn
	NPatch       int `json:"point_token_len"`
	Prompt       string
	Legacy, New  goldenExample
	EvalPrompt   string `json:"eval_prompt"`
	EvalIDs      []int  `json:"eval_ids"`
}

func goldenCases(t testing.TB) []goldenCase {
	var cases []goldenCase
	readJSON(t, filepath.Join("testdata", "preprocess_cases.json"), &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	return cases
}

func TestPreprocess(t *testing.T) {
	template, toks := VicunaV11(), loadTokenizers(t)
	for i, c := range goldenCases(t) {
		rec := Record{ObjectID: "x", Turns: c.Conversation}
		turns, err := rec.ExpandedTurns(c.NPatch)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := template.Render(turns); err != nil || text != c.Prompt {
			t.Errorf("case %d: text %q, error %v, want %q", i, text, err, c.Prompt)
		}
		for name, want := range map[string]goldenExample{"legacy": c.Legacy, "new": c.New} {
			got, err := template.Preprocess(toks[name], rec, c.NPatch, 4096)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.Labels, want.Labels) {
				t.Errorf("case %d, %s: got\n%v\n%v\nwant\n%v\n%v", i, name, got.IDs, got.Labels, want.IDs, want.Labels)
			}
			if (got.Warning != "") != want.Warning {
				t.Errorf("case %d, %s: warning %q, want one: %v", i, name, got.Warning, want.Warning)
			}
		}
		prompt, err := template.EvalPrompt(rec, c.NPatch)
		if err != nil || prompt != c.EvalPrompt {
			t.Errorf("case %d: evaluation prompt %q, error %v, want %q", i, prompt, err, c.EvalPrompt)
		}
		if ids := toks["legacy"].Encode(prompt); !slices.Equal(ids, c.EvalIDs) {
			t.Errorf("case %d: evaluation ids\n%v\nwant\n%v", i, ids, c.EvalIDs)
		}
	}
}

func TestCollate(t *testing.T) {
	var want struct {
		Items  []int
		IDs    [][]int32 `json:"input_ids"`
		Labels [][]int32
		Mask   [][]int `json:"attention_mask"`
	}
	readJSON(t, filepath.Join("testdata", "collate_case.json"), &want)
	tok, cases := loadTokenizers(t)["legacy"], goldenCases(t)
	var examples []Example
	for _, i := range want.Items {
		ex, err := VicunaV11().Preprocess(tok, Record{Turns: cases[i].Conversation}, cases[i].NPatch, 4096)
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, ex)
	}
	got := Collate(examples, tok.PadID())
	if got.Rows != len(want.IDs) || got.Cols != len(want.IDs[0]) {
		t.Fatalf("batch of (%d, %d), want (%d, %d)", got.Rows, got.Cols, len(want.IDs), len(want.IDs[0]))
	}
	if !slices.Equal(got.IDs, slices.Concat(want.IDs...)) || !slices.Equal(got.Labels, slices.Concat(want.Labels...)) {
		t.Errorf("got\n%v\n%v\nwant\n%v\n%v", got.IDs, got.Labels, want.IDs, want.Labels)
	}
	for i, seen := range got.Mask() {
		if want := want.Mask[i/got.Cols][i%got.Cols] == 1; seen != want {
			t.Errorf("mask at row %d, column %d is %v, want %v", i/got.Cols, i%got.Cols, seen, want)
		}
	}
	for i, ex := range examples {
		if got.Lengths[i] != len(ex.IDs) {
			t.Errorf("row %d has length %d, want %d", i, got.Lengths[i], len(ex.IDs))
		}
	}
}
