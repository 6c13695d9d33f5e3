package toyworld

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"llana/kernels/cpu"
	"llana/models/conversation"
	"llana/models/nerf"
	"llana/models/tokenizer"
	"llana/train/fit"
)

// small is a world that is made in seconds; its fits are too short to be
// good.
func small() Options {
	o := DefaultOptions()
	o.Train, o.Val, o.Test = 3, 1, 2
	o.Fit.Steps = 60
	o.Batch, o.GridRes = 4, 8
	o.Texts.TextScenes = 5
	return o
}

func generate(t *testing.T, dir string, o Options) error {
	t.Helper()
	d := cpu.New(1)
	defer d.Close()
	return Generate(context.Background(), d, dir, o)
}

func TestGenerate(t *testing.T) {
	dir, o := t.TempDir(), small()
	var reports [][2]int
	o.Progress = func(done, total int) { reports = append(reports, [2]int{done, total}) }
	if err := generate(t, dir, o); err != nil {
		t.Fatal(err)
	}
	if want := [][2]int{{4, 6}, {6, 6}}; !reflect.DeepEqual(reports, want) {
		t.Errorf("progress %v, want %v", reports, want)
	}
	for _, s := range Splits {
		for i := range o.Count(s) {
			checkItem(t, itemAt(dir, o, s, i))
		}
		checkTexts(t, dir, o, s)
	}
	var list []string
	readJSON(t, filepath.Join(dir, TrainList), &list)
	if len(list) != 3 || list[2] != "train/nerfs/train000002" {
		t.Errorf("the list of training is %q", list)
	}
	choices := records(t, filepath.Join(dir, SpatialFolder, "texts", MultiChoiceName))
	for _, r := range choices {
		if len(r.Turns) != 2 || !r.HasPoint() {
			t.Errorf("a choice is %+v", r)
		}
	}
	text := records(t, filepath.Join(dir, TextOnlyName))
	if len(text) != 5*o.Texts.TextQuestions || text[0].HasPoint() {
		t.Errorf("%d text-only records, the first %+v", len(text), text[0])
	}
	if _, err := tokenizer.Load(filepath.Join(dir, TokenizerFolder)); err != nil {
		t.Error(err)
	}
}

func checkItem(t *testing.T, it item) {
	t.Helper()
	f, err := nerf.ReadWeights(filepath.Join(it.dir, nerf.WeightsName))
	if err != nil {
		t.Fatal(err)
	}
	if f.Arch != nerf.Toy {
		t.Errorf("%s has the network %+v", it.id, f.Arch)
	}
	g, err := nerf.ReadGrid(filepath.Join(it.dir, nerf.GridName))
	if err != nil || g.Res != 8 {
		t.Errorf("%s: grid %+v, %v", it.id, g, err)
	}
	d := cpu.New(1)
	defer d.Close()
	q, err := fit.Measure(context.Background(), d, f, it, 2000)
	if err != nil {
		t.Fatal(err)
	}
	if q.IoU < 0.2 {
		t.Errorf("%s has IoU %.2f with its scene", it.id, q.IoU)
	}
}

func checkTexts(t *testing.T, dir string, o Options, s Split) {
	t.Helper()
	brief := records(t, filepath.Join(dir, s.Folder(), "texts", BriefName))
	if len(brief) != o.Count(s) {
		t.Errorf("%s: %d captions", s.Folder(), len(brief))
	}
	for i, r := range brief {
		score := SceneAt(o.Seed, s, i).ScoreCaption(r.Turns[1].Value)
		if r.ObjectID != s.ObjectID(i) || r.Type != "brief_description" || !r.HasPoint() || score.Right != score.Objects || score.Wrong != 0 {
			t.Errorf("caption %d is %+v, score %+v", i, r, score)
		}
	}
	types := map[string]int{}
	for _, r := range records(t, filepath.Join(dir, s.Folder(), "texts", ComplexName)) {
		types[r.Type]++
		if want := map[string]int{"multi_round": 2 * o.Texts.Rounds}[r.Type]; want != 0 && len(r.Turns) != want {
			t.Errorf("%d turns in %+v", len(r.Turns), r)
		}
	}
	n := o.Count(s)
	want := map[string]int{"detailed_description": n, "single_round": n * o.Texts.Single, "multi_round": n * o.Texts.Multi}
	if !reflect.DeepEqual(types, want) {
		t.Errorf("%s: conversations %v, want %v", s.Folder(), types, want)
	}
}

func records(t *testing.T, path string) []conversation.Record {
	t.Helper()
	r, err := conversation.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestGenerateResumes(t *testing.T) {
	dir, o := t.TempDir(), small()
	if err := generate(t, dir, o); err != nil {
		t.Fatal(err)
	}
	first, cut := itemAt(dir, o, Train, 0), itemAt(dir, o, Train, 1)
	weights := filepath.Join(cut.dir, nerf.WeightsName)
	before, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(weights, 1000); err != nil {
		t.Fatal(err)
	}
	old, err := os.Stat(filepath.Join(first.dir, nerf.WeightsName))
	if err != nil {
		t.Fatal(err)
	}
	o.Train = 4
	if err := generate(t, dir, o); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(first.dir, nerf.WeightsName)); err != nil || !os.SameFile(old, st) {
		t.Errorf("a NeRF that was whole is written again (%v)", err)
	}
	checkItem(t, itemAt(dir, o, Train, 3))
	checkItem(t, cut)
	if after, err := os.ReadFile(weights); err != nil || len(after) != len(before) {
		t.Errorf("the damaged file has %d bytes, want %d", len(after), len(before))
	}
	o.Seed = 2
	if err := generate(t, dir, o); err == nil {
		t.Error("another seed is accepted in the same folder")
	}
}

func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := small()
	o.Progress = func(int, int) { cancel() }
	d := cpu.New(1)
	defer d.Close()
	dir := t.TempDir()
	if err := Generate(ctx, d, dir, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// What was fitted is whole.
	for i := range o.Train {
		if it := itemAt(dir, o, Train, i); !it.whole() {
			t.Errorf("%s is not whole", it.id)
		}
	}
}
