package main

import (
	"context"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llana/infer/eval"
	"llana/infer/eval/report"
	"llana/infer/metrics"
	"llana/infer/toymodel"
	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/spatialllana"
	"llana/train/toyworld"
)

const evalDemoSingle = 3 // questions of all kinds about each scene

func evalDemoCommand(a *app) *cobra.Command {
	var out string
	var scenes int
	cmd := &cobra.Command{
		Use:   "demo [--out DIR]",
		Short: "Evaluate the bundled models on held-out scenes, from questions to page",
		Long: `Evaluate the bundled models of the toy world on the bundled NeRFs that none of
them has met, as the paper evaluates: captions, descriptions with places,
questions, and two-way spatial questions, asked of the model that reads spatial
tokens and of the one that reads their mean. DIR receives the data folder, the
answers, their scores, and index.html with pictures. METEOR is scored where
WordNet is installed. Nothing is downloaded.`,
		Example: "  llana eval demo\n  llana eval demo --out /tmp/eval --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&out, "out", "llana-eval-demo", "folder")
	cmd.Flags().IntVar(&scenes, "scenes", 0, "ask about the first so many scenes only; 0: all")
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		if scenes < 0 {
			return usagef("--scenes %d: want 0 or more", scenes)
		}
		return a.withDevice(func(d kernels.Device) error { return a.evalDemo(ctx, d, out, scenes) })
	})
	return cmd
}

// evalDemoTasks are what the models are asked.
var evalDemoTasks = []struct {
	eval.Task
	title string
}{
	{eval.Task{Split: eval.ShapeTest, Text: eval.Brief}, "Captions"},
	{eval.Task{Split: eval.ShapeTest, Text: eval.Detailed}, "Descriptions with places"},
	{eval.Task{Split: eval.ShapeTest, Text: eval.Single}, "Questions of all kinds"},
	{eval.Task{Split: eval.Spatial, Text: eval.MultiChoice}, "Two-way spatial questions"},
}

// evalDemo is the demo's state.
type evalDemo struct {
	*app
	device  kernels.Device
	dir     string
	layout  eval.Layout
	options metrics.Options
	scenes  []toymodel.HeldOut
	models  []demoModel
	page    report.Page
	result  evalDemoJSON
}

type demoModel struct {
	name  string
	model *spatialllana.Model
	score toyScore
}

// toyScore is what only the toy world can tell.
type toyScore struct {
	ObjectsNamed float64 `json:"objects_named"` // share named with colour and shape
	Spatial      float64 `json:"spatial_accuracy"`
}

// evalDemoJSON is the result of eval demo.
type evalDemoJSON struct {
	Out    string                `json:"out"`
	Page   string                `json:"page"`
	Scenes int                   `json:"scenes"`
	Models map[string]toyScore   `json:"models"`
	Tasks  map[string]reportJSON `json:"tasks"`
}

func (a *app) evalDemo(ctx context.Context, d kernels.Device, dir string, limit int) error {
	m, err := toymodel.Open(d, spatialllana.Weights{})
	if err != nil {
		return err
	}
	scenes, err := toymodel.Scenes()
	if err != nil {
		return err
	}
	if limit > 0 {
		scenes = scenes[:min(len(scenes), limit)]
	}
	e := &evalDemo{app: a, device: d, dir: dir, scenes: scenes, models: []demoModel{{name: "spatial tokens", model: m.Spatial}, {name: "one pooled token", model: m.Pooled}}}
	e.result = evalDemoJSON{Out: dir, Page: filepath.Join(dir, "index.html"), Models: map[string]toyScore{}, Tasks: map[string]reportJSON{}}
	s := &scorer{app: a}
	if err := s.wordMetrics(); err != nil {
		return err
	}
	e.options = s.options
	if err := e.writeData(ctx, m); err != nil {
		return err
	}
	for _, t := range evalDemoTasks {
		if err := e.task(ctx, t.Task, t.title); err != nil {
			return err
		}
	}
	if err := e.writePage(ctx); err != nil {
		return err
	}
	return e.print()
}

// writeData makes the data folder of the held-out scenes.
func (e *evalDemo) writeData(ctx context.Context, m *toymodel.Models) (err error) {
	e.result.Scenes = len(e.scenes)
	o := toyworld.DefaultOptions()
	o.Seed, o.Test = toymodel.Seed, len(e.scenes)
	o.Texts.Single, o.Texts.Multi, o.Texts.TwoWay = evalDemoSingle, 0, demoQuestions
	root := filepath.Join(e.dir, "data")
	if err := toyworld.WriteTest(ctx, root, o); err != nil {
		return err
	}
	if e.layout, err = eval.Open(root); err != nil {
		return err
	}
	objects, err := m.Encode(ctx, e.scenes)
	if err != nil {
		return err
	}
	vecs := filepath.Join(root, eval.ShapeTest, e.layout.DataFolder)
	if err := os.MkdirAll(vecs, 0o777); err != nil {
		return err
	}
	for i, s := range e.scenes {
		o := objects[i]
		if err := checkpoint.WriteNPY(filepath.Join(vecs, s.ID+".npy"), []int{o.Tokens, o.Width}, o.Data); err != nil {
			return err
		}
	}
	return nil
}

// task asks all models, scores their answers, and makes a section of the page.
func (e *evalDemo) task(ctx context.Context, t eval.Task, title string) error {
	src, err := e.layout.Source(t)
	if err != nil {
		return err
	}
	in := reportInput{}
	var models []*report.Model
	var choices []string
	for i := range e.models {
		m := &e.models[i]
		out := filepath.Join(e.dir, strings.ReplaceAll(m.name, " ", "-"), t.FileName())
		if err := makeFolders(out); err != nil {
			return err
		}
		r, _, err := e.runTask(ctx, m.model, eval.ModelID{Name: m.name, Digest: "bundled"}, src, out, eval.Options{Overwrite: true})
		if err != nil {
			return err
		}
		if r.Choice != nil {
			m.score.Spatial = r.Choice.Mean / 100
			choices = append(choices, r.ChoiceOut)
			continue
		}
		evaluated, err := e.score(ctx, m, t, out)
		if err != nil {
			return err
		}
		loaded, err := report.Load(evaluated, m.name)
		if err != nil {
			return err
		}
		models = append(models, loaded)
	}
	o := metrics.Resampling{Seed: e.seed}
	if in.choices, err = report.LoadChoices(choices, o); err != nil {
		return err
	}
	if models != nil {
		if in.table, err = report.NewTable(models, o); err != nil {
			return err
		}
	}
	e.result.Tasks[t.String()] = in.json()
	e.page.Sections = append(e.page.Sections, report.Section{Title: title, Table: in.table, Choices: in.choices, Examples: 3, Pictures: e.picture()})
	return nil
}

// score scores a model's answers and returns the file of the scores.
func (e *evalDemo) score(ctx context.Context, m *demoModel, t eval.Task, out string) (string, error) {
	predictions, err := metrics.ReadPredictions(out)
	if err != nil {
		return "", err
	}
	if t.Text == eval.Brief {
		m.score.ObjectsNamed = e.objectsNamed(predictions)
	}
	evaluation, err := metrics.Evaluate(ctx, predictions, e.options)
	if err != nil {
		return "", err
	}
	evaluated := metrics.EvaluatedName(out, false)
	return evaluated, evaluation.Write(evaluated)
}

// objectsNamed is the share of the scenes' objects that captions name with
// colour and shape.
func (e *evalDemo) objectsNamed(captions []metrics.Prediction) float64 {
	index := map[string]int{}
	for _, s := range e.scenes {
		index[s.ID] = s.Index
	}
	var sum toyworld.CaptionScore
	for _, c := range captions {
		sum.Add(toyworld.SceneAt(toymodel.Seed, toyworld.Test, index[c.ObjectID]).ScoreCaption(c.ModelOutput))
	}
	return float64(sum.Right) / float64(max(1, sum.Objects))
}

// picture renders scenes, each once.
func (e *evalDemo) picture() report.Pictures {
	return func(ctx context.Context, id string) (template.URL, error) {
		for _, s := range e.scenes {
			if s.ID == id {
				img, err := report.Render(ctx, e.device, s.Field, nil)
				if err != nil {
					return "", err
				}
				return report.DataURL(img)
			}
		}
		return "", nil
	}
}

func (e *evalDemo) writePage(ctx context.Context) error {
	percent := func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
	objects := report.Tile{Title: "Objects named with colour and shape", Note: "in captions"}
	spatial := report.Tile{Title: "Two-way spatial questions right", Note: "chance: 50 %"}
	for _, m := range e.models {
		e.result.Models[m.name] = m.score
		objects.Values = append(objects.Values, report.TileValue{Name: m.name, Value: percent(m.score.ObjectsNamed)})
		spatial.Values = append(spatial.Values, report.TileValue{Name: m.name, Value: percent(m.score.Spatial)})
	}
	e.page.Title = "NeRFs described from their weights"
	e.page.Lead = fmt.Sprintf("%d held-out scenes of the toy world. One language model reads the spatial tokens that weights2space makes of a NeRF's weights; the same model, trained the same way, reads their mean. Neither sees a picture: those below are only for you.", len(e.scenes))
	e.page.Tiles = []report.Tile{objects, spatial}
	bar := e.console().Bar("rendering", -1)
	defer bar.Close()
	return e.page.Write(ctx, e.result.Page, bar.Set)
}

func (e *evalDemo) print() error {
	if e.app.json {
		return e.writeJSON(e.result)
	}
	for i, s := range e.page.Sections {
		fmt.Fprintf(e.out, "%s\n", evalDemoTasks[i].title)
		if err := e.printReport(reportInput{s.Table, s.Choices}); err != nil {
			return err
		}
		fmt.Fprintln(e.out)
	}
	for _, m := range e.models {
		fmt.Fprintf(e.out, "%-16s  objects named right %5.1f %%   two-way questions right %5.1f %%\n", m.name, 100*m.score.ObjectsNamed, 100*m.score.Spatial)
	}
	_, err := fmt.Fprintf(e.out, "page: %s\n", e.result.Page)
	return err
}
