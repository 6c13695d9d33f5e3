package eval

import (
	"strings"
	"testing"
)

func TestNewTask(t *testing.T) {
	for _, c := range []struct{ split, text, want string }{
		{ShapeTest, "", "shapenerf_test_brief_description.json"}, {ShapeTest, Detailed, "shapenerf_test_detailed_description.json"},
		{ShapeTest, Single, "shapenerf_test_single_round.json"}, {"val", Multi, "val_multi_round.json"},
		{HST, Detailed, "hst.json"}, {PointLLM, "", "objanerf_pointllm_test.json"}, {GPT4Point, Single, "objanerf_gpt4point_test.json"},
		{Spatial, "", "spatial_objanerf_spatial_descriptions.json"}, {Spatial, Brief, "spatial_objanerf_spatial_descriptions.json"},
		{Spatial, MultiChoice, "spatial_objanerf_multi_choice.json"},
	} {
		task, err := NewTask(c.split, c.text)
		if err != nil || task.FileName() != c.want || task.String()+".json" != c.want {
			t.Errorf("%s %s: %v goes to %s (%v), want %s", c.split, c.text, task, task.FileName(), err, c.want)
		}
	}
	for _, c := range []struct{ split, text string }{{"pointllm_test", ""}, {"", ""}, {ShapeTest, MultiChoice}, {HST, MultiChoice}, {Spatial, "x"}} {
		if task, err := NewTask(c.split, c.text); err == nil || !strings.Contains(err.Error(), "want one of") {
			t.Errorf("%q %q: %v, error %v", c.split, c.text, task, err)
		}
	}
}

// Every benchmark reads the files that the paper's evaluation reads.
func TestSources(t *testing.T) {
	root := world(t)
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		split, text, path string
		items             int
		first             string // id of the first object
	}{
		{ShapeTest, Brief, ShapeTest + "/texts/" + briefName, 2, "2-a"}, {ShapeTest, Detailed, ShapeTest + "/texts/" + complexName, 2, "2-a"},
		{ShapeTest, Single, ShapeTest + "/texts/" + complexName, 2, "2-a"}, {ShapeTest, Multi, ShapeTest + "/texts/" + complexName, 2, "2-a"},
		{HST, "", hstName, 2, "2-a"}, {PointLLM, "", PointLLM + "/texts/" + briefName, 2, "3-a"}, {GPT4Point, "", GPT4Point + "/texts/" + briefName, 2, "4-a"},
		{Spatial, "", "../" + Spatial + "/texts/" + descriptionsName, 1, "4-b"}, {Spatial, MultiChoice, "../" + Spatial + "/texts/" + choiceName, 1, "4-b"},
	} {
		task, err := NewTask(c.split, c.text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Source(task)
		if err != nil || s.Path != at(root, c.path) {
			t.Errorf("%v: annotations %s (%v), want %s", task, s.Path, err, c.path)
			continue
		}
		var items []Item
		for item, err := range s.Items() {
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, item)
		}
		if len(items) != c.items || items[0].ObjectID != c.first || items[len(items)-1].Index != c.items-1 {
			t.Errorf("%v: %d items %+v, want %d, the first about %s", task, len(items), items, c.items, c.first)
			continue
		}
		if _, err := s.VecPath(items[0].ObjectID); err != nil {
			t.Errorf("%v: %v", task, err)
		}
	}
}
