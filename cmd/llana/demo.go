package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/sheet"
	"llana/infer/toyeval"
	"llana/infer/toymodel"
	"llana/kernels"
	"llana/models/nerf"
	"llana/models/spatialllana"
	"llana/train/toyworld"
)

const (
	demoQuestions = 4   // two-way questions about each scene
	demoShown     = 12  // scenes on the contact sheet and the terminal
	demoSize      = 112 // pixels of a picture's edge
)

func demoCommand(a *app) *cobra.Command {
	var out, weights string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Describe NeRFs the bundled model has never met",
		Long: `Encode the bundled held-out NeRFs of the toy world as spatial tokens, caption
them, answer two-way spatial questions about them beside the true answers, and
score it all; beside it, the same language model given the mean of the tokens
instead. A contact sheet shows each NeRF, the tri-plane its tokens form, and
what the model says. Nothing is downloaded.`,
		Example: "  llana demo\n  llana demo --out sheet.png --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&out, "out", "llana-demo.png", "contact sheet")
	cmd.Flags().StringVar(&weights, "weights", "auto", weightsHelp)
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		w, err := spatialllana.ParseWeights(weights)
		if err != nil {
			return usageError{fmt.Errorf("--%w", err)}
		}
		return a.withDevice(func(d kernels.Device) error { return a.demo(ctx, d, w, out) })
	})
	return cmd
}

// demoJSON is the result of demo.
type demoJSON struct {
	Scores demoScores  `json:"scores"`
	Scenes []demoScene `json:"scenes"`
	Sheet  string      `json:"contact_sheet"`
}

type demoScores struct {
	ObjectsNamed          float64 `json:"objects_named"`
	SpatialAccuracy       float64 `json:"spatial_accuracy"`
	PooledObjectsNamed    float64 `json:"pooled_objects_named"`
	PooledSpatialAccuracy float64 `json:"pooled_spatial_accuracy"`
	Scenes                int     `json:"scenes"`
	Objects               int     `json:"objects"`
	Questions             int     `json:"questions"`
}

type demoScene struct {
	ID        string         `json:"id"`
	Truth     string         `json:"truth"`
	Caption   string         `json:"caption"`
	Questions []demoQuestion `json:"questions"`
}

type demoQuestion struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
	Truth    string `json:"truth"`
	Right    bool   `json:"right"`
}

func (a *app) demo(ctx context.Context, d kernels.Device, w spatialllana.Weights, out string) error {
	m, err := toymodel.Open(d, w)
	if err != nil {
		return err
	}
	scenes, err := toymodel.Scenes()
	if err != nil {
		return err
	}
	objects, err := m.Encode(ctx, scenes)
	if err != nil {
		return err
	}
	a.console().Logf("%d held-out NeRFs encoded, %d tokens of width %d each", len(scenes), objects[0].Tokens, objects[0].Width)
	spatial, err := a.ask(ctx, "asking", m.Spatial, scenes, objects)
	if err != nil {
		return err
	}
	mean := make([]*spatialllana.Object, len(objects))
	for i, o := range objects {
		mean[i] = o.Mean()
	}
	pooled, err := a.ask(ctx, "asking with one pooled token", m.Pooled, scenes, mean)
	if err != nil {
		return err
	}
	shown := choose(spatial)
	s, p := toyeval.Sum(spatial), toyeval.Sum(pooled)
	if err := a.drawSheet(ctx, m, scenes, objects, spatial, shown, s, p, out); err != nil {
		return err
	}
	r := demoJSON{demoScores{s.ObjectsNamed, s.Spatial, p.ObjectsNamed, p.Spatial, s.Scenes, s.Objects, s.Questions}, nil, out}
	for i, sc := range spatial {
		r.Scenes = append(r.Scenes, sceneJSON(scenes[i].ID, sc))
	}
	if a.json {
		return a.writeJSON(r)
	}
	a.printDemo(r, shown)
	return nil
}

func (a *app) ask(ctx context.Context, title string, m *spatialllana.Model, scenes []toymodel.HeldOut, objects []*spatialllana.Object) ([]toyeval.Scene, error) {
	indices := make([]int, len(scenes))
	for i, s := range scenes {
		indices[i] = s.Index
	}
	bar := a.console().Bar(title, -1)
	defer bar.Close()
	return toyeval.Run(ctx, m, indices, objects, toyeval.Options{
		Seed: toymodel.Seed, Split: toyworld.Test, Questions: demoQuestions,
		Progress: func(done, _ int) { bar.Set(done) },
	})
}

// choose returns the scenes that are shown: the first with two-way questions.
func choose(scenes []toyeval.Scene) []int {
	var shown []int
	for i, s := range scenes {
		if len(s.Questions) > 0 && len(shown) < demoShown {
			shown = append(shown, i)
		}
	}
	return shown
}

func sceneJSON(id string, s toyeval.Scene) demoScene {
	out := demoScene{ID: id, Truth: truth(s), Caption: s.Caption}
	for _, q := range s.Questions {
		out.Questions = append(out.Questions, demoQuestion{q.Question, q.Given, q.Answer, q.Right})
	}
	return out
}

// truth is the true caption.
func truth(s toyeval.Scene) string {
	return toyworld.Ask(s.Scene, toymodel.Seed, toyworld.Test, s.Index, 1, toyworld.Brief)[0].Answer
}

func (a *app) printDemo(r demoJSON, shown []int) {
	for _, i := range shown {
		s := r.Scenes[i]
		fmt.Fprintf(a.out, "%s\n  caption  %s\n  truth    %s\n", s.ID, s.Caption, s.Truth)
		for _, q := range s.Questions[:min(2, len(s.Questions))] {
			fmt.Fprintf(a.out, "  %s %s\n           %s\n", mark(q.Right), q.Question, q.Answer)
			if !q.Right {
				fmt.Fprintf(a.out, "    truth  %s\n", q.Truth)
			}
		}
		fmt.Fprintln(a.out)
	}
	s := r.Scores
	fmt.Fprintf(a.out, "%d scenes the model has never met, %d objects, %d two-way questions\n", s.Scenes, s.Objects, s.Questions)
	fmt.Fprintf(a.out, "                            spatial tokens   one pooled token   chance\n")
	fmt.Fprintf(a.out, "objects named right          %6.1f %%           %6.1f %%\n", 100*s.ObjectsNamed, 100*s.PooledObjectsNamed)
	fmt.Fprintf(a.out, "two-way questions right      %6.1f %%           %6.1f %%           50 %%\n", 100*s.SpatialAccuracy, 100*s.PooledSpatialAccuracy)
	fmt.Fprintf(a.out, "contact sheet: %s\n", r.Sheet)
}

func mark(right bool) string {
	if right {
		return "right   "
	}
	return "wrong   "
}

func (a *app) drawSheet(ctx context.Context, m *toymodel.Models, scenes []toymodel.HeldOut, objects []*spatialllana.Object, said []toyeval.Scene, shown []int, s, p toyeval.Scores, out string) error {
	bar := a.console().Bar("rendering", len(shown))
	defer bar.Close()
	sh := &sheet.Sheet{Columns: 4, Title: []sheet.Line{
		{Text: "NeRFs the model has never met, described from their weights", Colour: sheet.Ink, Bold: true},
		{Text: fmt.Sprintf("%d scenes: %.0f %% of objects named right; two-way questions %.0f %% right, %.0f %% with one pooled token (chance 50 %%)",
			s.Scenes, 100*s.ObjectsNamed, 100*s.Spatial, 100*p.Spatial), Colour: sheet.Faint},
	}}
	for n, i := range shown {
		field, plane, err := m.Render(ctx, scenes[i], objects[i], demoCamera())
		if err != nil {
			return err
		}
		sh.Cells = append(sh.Cells, demoCell(field, plane, said[i]))
		bar.Set(n + 1)
	}
	return sh.Write(out)
}

// demoCamera looks from the front, a little from above: x to the right, z up.
func demoCamera() nerf.Camera {
	e := 25 * math.Pi / 180
	c, s, distance := math.Cos(e), math.Sin(e), 2.4
	return nerf.Camera{Pose: [4][4]float64{
		{1, 0, 0, 0}, {0, s, -c, -c * distance}, {0, c, s, s * distance}, {0, 0, 0, 1},
	}, AngleX: nerf.ShapeNetAngleX, W: demoSize, H: demoSize}
}

func demoCell(field, plane image.Image, s toyeval.Scene) sheet.Cell {
	caption := sheet.Line{Text: s.Caption, Colour: sheet.Good, Bold: true}
	if s.Score.Right < s.Score.Objects || s.Score.Wrong > 0 {
		caption.Colour = sheet.Bad
	}
	q := s.Questions[0]
	answer := sheet.Line{Text: lastClause(q.Given), Colour: sheet.Good}
	if !q.Right {
		answer.Colour = sheet.Bad
	}
	return sheet.Cell{
		Pictures: []image.Image{field, plane}, Labels: []string{"NeRF", "from its tokens"},
		Lines: []sheet.Line{caption, {Text: q.Question, Colour: sheet.Ink}, answer},
	}
}

// lastClause is an answer's verdict: what follows its last comma.
func lastClause(answer string) string {
	if i := strings.LastIndex(answer, ","); i >= 0 {
		return "… " + strings.TrimSpace(answer[i+1:])
	}
	return answer
}
