package language

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o666))
	return path
}

func TestReadConfig(t *testing.T) {
	path := writeFile(t, "stage2.yaml", `
model_name_or_path: outputs/stage1
root: data
output_dir: outputs/stage2
conversation_types: brief_description
learning_rate: 2e-5
bf16: true
`)
	c, err := ReadConfig(Stage2, path, []string{"learning_rate=1e-4", "conversation_types=[single_round, multi_round]", "system_prompt="})
	must(t, err)
	if c.LearningRate != 1e-4 || !slices.Equal(c.ConversationTypes, []string{Single, Multi}) || c.BatchSize != 4 || c.Seed != 42 || !c.BF16 || c.SystemPrompt == nil || *c.SystemPrompt != "" {
		t.Errorf("read %+v", c)
	}
}

func TestReadConfigRefuses(t *testing.T) {
	const good = "{model_name_or_path: m, root: r, output_dir: o}"
	for _, c := range []struct{ text, set, want string }{
		{"", "", "model_name_or_path is missing"},
		{"learning_rate: [", "", "yaml"},
		{"learning_rat: 1", "", "learning_rat"},
		{good, "nonsense=1", "nonsense"},
		{good, "learning_rate", "want key=value"},
		{good, "learning_rate: 3\nseed=4", "want key=value"},
		{good, "learning_rate=fast", "learning_rate"},
		{good, "learning_rate=.nan", "learning_rate is NaN"},
		{good, "per_device_train_batch_size=0", "per_device_train_batch_size is 0"},
		{good, "warmup_ratio=2", "warmup_ratio is 2"},
		{good, "lr_scheduler_type=step", "lr_scheduler_type"},
		{good, "optim=sgd", "optim"},
		{good, "pool_tokens=max", "pool_tokens"},
		{good, "labels=some", "labels"},
		{good, "conversation_types=[long]", "conversation_types"},
		{good, "conversation_types=[]", "conversation_types"},
		{good, "from_scratch=true", "from_scratch"},
		{good, "root=", "root is missing"},
	} {
		var set []string
		if c.set != "" {
			set = append(set, c.set)
		}
		path := writeFile(t, "c.yaml", c.text)
		if _, err := ReadConfig(Stage1, path, set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with %q: error %v, want one with %q", c.text, c.set, err, c.want)
		}
	}
	if _, err := ReadConfig(Text, "", []string{"model_name_or_path=m", "output_dir=o"}); err == nil || !strings.Contains(err.Error(), "train_file") {
		t.Errorf("text without data: error %v", err)
	}
}

func TestParseTexts(t *testing.T) {
	for _, c := range []struct {
		text  string
		texts int
		err   string
	}{
		{"{\"text\": \"a\"}\n {\"text\": \"\"}", 2, ""},
		{` [{"object_id": "x", "conversations": [{"from": "human", "value": "a"}]}]`, 1, ""},
		{`{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}`, 1, ""},
		{"", 0, "want conversations or texts"},
		{"text", 0, "object 0"},
		{`{"text": "a"} {"text": 3}`, 0, "object 1"},
		{`{"text": "a"} {"words": "b"}`, 0, "object 1: want \"text\" or \"conversations\""},
		{`{"text": "a`, 0, "object 0"},
		{`[{"object_id": "x"`, 0, "record 0"},
	} {
		got, err := parseTexts(strings.NewReader(c.text), "file")
		if len(got) != c.texts || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %d texts, error %v; want %d, %q", c.text, len(got), err, c.texts, c.err)
		}
	}
}

func FuzzParseTexts(f *testing.F) {
	f.Add("{\"text\": \"a\"}\n{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]}")
	f.Add(`[{"object_id": "x", "conversations": [{"from": "human", "value": "<point>"}]}]`)
	f.Add("{\"text\"")
	f.Fuzz(func(t *testing.T, text string) {
		samples, err := parseTexts(strings.NewReader(text), "file")
		for _, s := range samples {
			if err == nil && !s.plain && len(s.record.Turns) == 0 {
				t.Errorf("%q: a conversation without turns", text)
			}
		}
	})
}

func FuzzReadConfig(f *testing.F) {
	f.Add("model_name_or_path: m\nroot: r\noutput_dir: o\nconversation_types: [multi_round]\n", "learning_rate=1")
	f.Add("train_file: &a [*a]", "a=b")
	f.Fuzz(func(t *testing.T, text, set string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, s := range []Stage{Text, Stage1, Stage2} {
			if c, err := ReadConfig(s, path, []string{set}); err == nil {
				if err := c.validate(s); err != nil {
					t.Errorf("accepted a configuration that is not valid: %v", err)
				}
			}
		}
	})
}

// The recipes in the repository are valid.
func TestRecipes(t *testing.T) {
	for _, s := range []Stage{Text, Stage1, Stage2} {
		paths, err := filepath.Glob("../recipes/*/" + string(s) + ".yaml")
		must(t, err)
		if len(paths) == 0 {
			t.Errorf("no recipe for %s", s)
		}
		for _, path := range paths {
			if _, err := ReadConfig(s, path, nil); err != nil {
				t.Error(err)
			}
		}
	}
}
