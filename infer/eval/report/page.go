package report

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"llana/infer/eval"
	"llana/infer/metrics"
	"llana/models/checkpoint/atomicfile"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Page is a self-contained HTML page about some benchmarks.
type Page struct {
	Title    string
	Lead     string // a sentence or two below the title
	Tiles    []Tile
	Sections []Section
}

// Tile is a figure at the top of the page, side by side for several models.
type Tile struct {
	Title  string
	Values []TileValue
	Note   string
}

// TileValue is one model's figure.
type TileValue struct{ Name, Value string }

// Section is one benchmark.
type Section struct {
	Title    string
	Table    *Table
	Choices  []*Choice // multiple-choice scores beside the table
	Examples int       // best and worst answers that are shown, of each
	SortBy   string    // the metric that says which are; "": the best there is
	Pictures Pictures  // nil: none
}

// Write writes the page. Pictures are made one after another; progress, which
// may be nil, is told how many.
func (p *Page) Write(ctx context.Context, path string, progress func(pictures int)) error {
	v := pageView{Page: p}
	done := 0
	for i := range p.Sections {
		s, err := p.Sections[i].view(ctx, func() {
			if done++; progress != nil {
				progress(done)
			}
		})
		if err != nil {
			return err
		}
		v.Views = append(v.Views, s)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return pageTemplate.Execute(w, v) })
}

// pageView is what the template reads.
type pageView struct {
	*Page
	Views []sectionView
}

type sectionView struct {
	*Section
	Anchor     string
	Rows       []rowView
	Histograms []histogram
	Groups     []exampleGroup
	Choice     []choiceView
}

// Names returns the models' names, the legend of the section.
func (s sectionView) Names() []string {
	var names []string
	if s.Table != nil {
		for _, m := range s.Table.Models {
			names = append(names, m.Name)
		}
	}
	return names
}

type rowView struct {
	Title string
	Cells []cellView
}

// cellView is a score with its interval, as text and as a bar of a chart that is
// 100 wide.
type cellView struct {
	Series             int
	Mean, Interval     string
	Difference, Test   string
	X, Low, BarWidth   float64
	Better, Worse, One bool // than the first, surely; One: it is the first
}

type choiceView struct {
	*Choice
	Series int
	Rows   []choiceRow
}

type choiceRow struct {
	Relation string
	Accuracy eval.Accuracy
}

type exampleGroup struct {
	Title    string
	Examples []example
}

type example struct {
	Picture  template.URL
	ObjectID string
	Question string
	Truth    string
	Answers  []answerView
}

type answerView struct {
	Series int
	Name   string
	Text   string
	Scores []scoreView
}

type scoreView struct{ Name, Value string }

func (s *Section) view(ctx context.Context, picture func()) (sectionView, error) {
	v := sectionView{Section: s, Choice: s.choices()}
	e := &exampler{Section: s, cache: map[string]template.URL{}, picture: picture}
	if err := v.addTable(ctx, e); err != nil {
		return v, err
	}
	return v, v.addWrong(ctx, e)
}

// addTable adds what the section's table gives.
func (v *sectionView) addTable(ctx context.Context, e *exampler) error {
	t := v.Table
	if t == nil {
		return nil
	}
	for i, name := range t.Metrics {
		row := rowView{Title: titles[name]}
		scores, means := make([][]float64, len(t.Models)), make([]float64, len(t.Models))
		for j, c := range t.Rows[i] {
			row.Cells = append(row.Cells, newCell(j, c))
			scores[j], means[j] = t.Models[j].Scores(name), c.Mean
		}
		v.Rows = append(v.Rows, row)
		v.Histograms = append(v.Histograms, newHistogram(titles[name], scores, means))
	}
	for _, g := range e.groups() {
		group, err := e.group(ctx, g)
		if err != nil {
			return err
		}
		if len(group.Examples) > 0 {
			v.Groups = append(v.Groups, group)
		}
	}
	return nil
}

// addWrong adds the first wrong answers of each model to multiple-choice
// questions, one about each object.
func (v *sectionView) addWrong(ctx context.Context, e *exampler) error {
	for _, c := range v.Choices {
		g := exampleGroup{Title: "Wrong answers of " + c.Model}
		seen := map[string]bool{}
		for i, r := range c.Results {
			if r.Right || seen[r.ObjectID] || len(g.Examples) == v.Examples {
				continue
			}
			seen[r.ObjectID] = true
			x := example{ObjectID: r.ObjectID, Question: r.Question, Truth: r.Truth}
			for n, other := range v.Choices {
				if j, ok := other.index[c.keys[i]]; ok {
					o := other.Results[j]
					verdict := map[bool]string{true: "right", false: "wrong"}[o.Right]
					x.Answers = append(x.Answers, answerView{Series: n, Name: other.Model, Text: o.Output, Scores: []scoreView{{o.Given, verdict}}})
				}
			}
			var err error
			if x.Picture, err = e.draw(ctx, r.ObjectID); err != nil {
				return err
			}
			g.Examples = append(g.Examples, x)
		}
		if len(g.Examples) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	return nil
}

func newCell(series int, c Cell) cellView {
	v := cellView{Series: series, Mean: fmt.Sprintf("%.2f", c.Mean), Interval: fmt.Sprintf("%.2f to %.2f", c.Low, c.High),
		X: c.Mean, Low: c.Low, BarWidth: c.High - c.Low, One: series == 0}
	if d := c.Versus; d != nil {
		v.Difference, v.Test = fmt.Sprintf("%+.2f", d.Mean), pValue(d.P)
		v.Better, v.Worse = d.Low > 0, d.High < 0
	}
	return v
}

func (s *Section) choices() []choiceView {
	var out []choiceView
	for i, c := range s.Choices {
		v := choiceView{Choice: c, Series: i}
		for _, name := range sortedKeys(c.ByRelation) {
			v.Rows = append(v.Rows, choiceRow{name, c.ByRelation[name]})
		}
		v.Rows = append(v.Rows, choiceRow{"all", c.Accuracy})
		out = append(out, v)
	}
	return out
}

// preferred lists the metrics that examples are sorted by, the best first:
// similarity of meaning before that of words.
var preferred = []string{metrics.SimCSE, metrics.SBERT, metrics.Meteor, metrics.ROUGEL, metrics.BLEU1}

// sortMetric returns the metric that says which answers are good.
func (s *Section) sortMetric() string {
	for _, name := range append([]string{s.SortBy}, preferred...) {
		if slices.Contains(s.Table.Metrics, name) {
			return name
		}
	}
	return s.Table.Metrics[0]
}

// exampler chooses and draws examples.
type exampler struct {
	*Section
	cache   map[string]template.URL
	picture func()
}

// chosen is a group of the first model's results, by number.
type chosen struct {
	title string
	which []int
}

// groups chooses the worst and best answers of the first model, and those where
// another model differs most. Each object is shown once in a group.
func (e *exampler) groups() []chosen {
	t, by := e.Table, e.sortMetric()
	first := t.Models[0]
	score := func(i int) float64 { return first.Results[i].Scores[by] }
	all := make([]int, len(first.Results))
	for i := range all {
		all[i] = i
	}
	title := func(what string) string { return fmt.Sprintf("%s answers by %s", what, titles[by]) }
	groups := []chosen{{title("Worst"), e.lowest(all, score)}, {title("Best"), e.lowest(all, func(i int) float64 { return -score(i) })}}
	for _, m := range t.Models[1:] {
		shared := slices.DeleteFunc(slices.Clone(all), func(i int) bool { _, ok := m.index[first.keys[i]]; return !ok })
		difference := func(i int) float64 { return m.Results[m.index[first.keys[i]]].Scores[by] - score(i) }
		groups = append(groups, chosen{fmt.Sprintf("Where %s falls furthest behind %s", m.Name, first.Name),
			e.lowest(slices.DeleteFunc(shared, func(i int) bool { return difference(i) >= 0 }), difference)})
	}
	return groups
}

// lowest returns the results with the lowest values, one of each object.
func (e *exampler) lowest(which []int, value func(i int) float64) []int {
	sorted := slices.Clone(which)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(value(a), value(b)) })
	var out []int
	seen := map[string]bool{}
	for _, i := range sorted {
		id := e.Table.Models[0].Results[i].ObjectID
		if len(out) < e.Examples && !seen[id] {
			seen[id] = true
			out = append(out, i)
		}
	}
	return out
}

func (e *exampler) group(ctx context.Context, c chosen) (exampleGroup, error) {
	g := exampleGroup{Title: c.title}
	first := e.Table.Models[0]
	for _, i := range c.which {
		r := first.Results[i]
		x := example{ObjectID: r.ObjectID, Truth: r.GroundTruth}
		if first.Questions != nil {
			x.Question = first.Questions[i]
		}
		for n, m := range e.Table.Models {
			j, ok := m.index[first.keys[i]]
			if !ok {
				continue
			}
			a := answerView{Series: n, Name: m.Name, Text: m.Results[j].ModelOutput}
			for _, name := range e.shown() {
				a.Scores = append(a.Scores, scoreView{titles[name], fmt.Sprintf("%.1f", m.Results[j].Scores[name])})
			}
			x.Answers = append(x.Answers, a)
		}
		var err error
		if x.Picture, err = e.draw(ctx, r.ObjectID); err != nil {
			return g, err
		}
		g.Examples = append(g.Examples, x)
	}
	return g, nil
}

// shown lists the metrics whose scores stand beside an answer.
func (e *exampler) shown() []string {
	return slices.DeleteFunc([]string{metrics.BLEU1, metrics.ROUGEL, metrics.Meteor, metrics.SBERT, metrics.SimCSE},
		func(n string) bool { return !slices.Contains(e.Table.Metrics, n) })
}

func (e *exampler) draw(ctx context.Context, id string) (template.URL, error) {
	if e.Pictures == nil {
		return "", nil
	}
	if url, ok := e.cache[id]; ok {
		return url, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	url, err := e.Pictures(ctx, id)
	if err != nil {
		return "", err
	}
	e.cache[id] = url
	e.picture()
	return url, nil
}
