// Package curves draws the course of a training.
package curves

import (
	"bytes"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"llana/models/checkpoint/atomicfile"
	"llana/train"
)

// Size of one panel.
const (
	panelWidth  = 18 * vg.Centimeter
	panelHeight = 7 * vg.Centimeter
)

var (
	faint  = color.RGBA{170, 190, 215, 255}
	strong = color.RGBA{25, 75, 140, 255}
)

// Write draws metrics over the step, one panel for each quantity, and writes
// them as PNG.
func Write(path string, metrics []train.Metrics) error {
	var panels []*plot.Plot
	for _, s := range seriesOf(metrics) {
		p, err := panel(s)
		if err != nil {
			return err
		}
		panels = append(panels, p)
	}
	img := vgimg.New(panelWidth, panelHeight*vg.Length(len(panels)))
	rows := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		rows[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadX: 4, PadY: 4, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	canvases := plot.Align(rows, tiles, draw.New(img))
	for i, p := range panels {
		p.Draw(canvases[i][0])
	}
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, b.Bytes())
}

// series is one quantity over the step.
type series struct {
	name   string
	smooth bool // noisy from step to step
	points plotter.XYs
}

// seriesOf returns what can be drawn of metrics: always the loss, the rest
// where there are finite values.
func seriesOf(metrics []train.Metrics) []series {
	var all []series
	add := func(name string, smooth bool, value func(train.Metrics) (float64, bool)) {
		s := series{name: name, smooth: smooth}
		for _, m := range metrics {
			if v, ok := value(m); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				s.points = append(s.points, plotter.XY{X: float64(m.Step), Y: v})
			}
		}
		if len(s.points) > 0 || name == "loss" {
			all = append(all, s)
		}
	}
	add("loss", true, func(m train.Metrics) (float64, bool) { return m.Loss, true })
	var extra []string
	for _, m := range metrics {
		for k := range m.Extra {
			if !slices.Contains(extra, k) {
				extra = append(extra, k)
			}
		}
	}
	slices.Sort(extra)
	for _, k := range extra {
		add(k, false, func(m train.Metrics) (float64, bool) { v, ok := m.Extra[k]; return v, ok })
	}
	add("gradient norm", true, func(m train.Metrics) (float64, bool) { return m.GradNorm, m.GradNorm > 0 })
	add("tokens a second", true, func(m train.Metrics) (float64, bool) { return m.TokensPerSecond, m.TokensPerSecond > 0 })
	add("rays a second", true, func(m train.Metrics) (float64, bool) { return m.RaysPerSecond, m.RaysPerSecond > 0 })
	add("learning rate", false, func(m train.Metrics) (float64, bool) { return m.LR, true })
	return all
}

func panel(s series) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = s.name, "step"
	p.Add(plotter.NewGrid())
	if len(s.points) == 0 {
		return p, nil
	}
	raw, err := plotter.NewLine(s.points)
	if err != nil {
		return nil, err
	}
	raw.Color = strong
	p.Add(raw)
	if s.smooth && len(s.points) > 20 {
		raw.Color = faint
		mean, err := plotter.NewLine(smoothed(s.points))
		if err != nil {
			return nil, err
		}
		mean.Color, mean.Width = strong, vg.Points(1.5)
		p.Add(mean)
		// Few steps far out would flatten all the others.
		p.Y.Min, p.Y.Max = robustRange(s.points)
	}
	if p.Y.Max-p.Y.Min < 1e-3*math.Abs(p.Y.Max) {
		p.Y.Min, p.Y.Max = math.Min(0, 2*p.Y.Min), math.Max(0, 2*p.Y.Max) // a constant
	}
	return p, nil
}

// smoothed returns the running mean over about a fiftieth of the points.
func smoothed(pts plotter.XYs) plotter.XYs {
	decay := 1 - 1/math.Max(5, float64(len(pts))/50)
	out := make(plotter.XYs, len(pts))
	sum, weight := 0.0, 0.0
	for i, p := range pts {
		sum, weight = sum*decay+p.Y, weight*decay+1
		out[i] = plotter.XY{X: p.X, Y: sum / weight}
	}
	return out
}

// robustRange returns the range of all but the highest hundredth of the values.
func robustRange(pts plotter.XYs) (lo, hi float64) {
	v := make([]float64, len(pts))
	for i, p := range pts {
		v[i] = p.Y
	}
	slices.Sort(v)
	lo, hi = v[0], v[(len(v)-1)*99/100]
	if hi <= lo {
		hi = lo + math.Max(1e-12, math.Abs(lo))
	}
	return lo, hi
}
