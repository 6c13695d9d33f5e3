package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// bins is how many bars a histogram of scores from 0 to 100 has.
const bins = 20

// Sizes of a histogram in its own units.
const (
	chartWidth  = 240
	chartHeight = 96
)

// histogram is the distributions of one metric's scores, one outline a model.
type histogram struct {
	Title  string
	Lines  []outline
	Top    string // what the highest bar stands for
	Label  string // for readers who do not see it
	Width  int
	Height int
}

// outline is a model's distribution.
type outline struct {
	Series int
	Area   string // points of a polygon
	MeanX  float64
}

// newHistogram counts scores of some models. Scores below 0 count as 0.
func newHistogram(title string, scores [][]float64, means []float64) histogram {
	h := histogram{Title: title, Width: chartWidth, Height: chartHeight}
	shares := make([][bins]float64, len(scores))
	top := 0.0
	for i, list := range scores {
		for _, s := range list {
			b := min(max(int(s/100*bins), 0), bins-1)
			shares[i][b] += 1 / float64(len(list))
		}
		for _, s := range shares[i] {
			top = max(top, s)
		}
	}
	h.Top = fmt.Sprintf("%.0f %%", 100*top)
	var label []string
	for i := range scores {
		h.Lines = append(h.Lines, outline{i, area(shares[i], top), x(means[i])})
		label = append(label, fmt.Sprintf("mean %.1f", means[i]))
	}
	h.Label = title + ": " + strings.Join(label, ", ")
	return h
}

// x is where a score lies.
func x(score float64) float64 {
	return math.Round(10*min(max(score, 0), 100)*chartWidth/100) / 10
}

// area is the outline of a histogram, closed along its foot.
func area(shares [bins]float64, top float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "0,%d", chartHeight)
	for i, s := range shares {
		y := chartHeight * (1 - s/max(top, 1e-9))
		fmt.Fprintf(&b, " %d,%.1f %d,%.1f", i*chartWidth/bins, y, (i+1)*chartWidth/bins, y)
	}
	fmt.Fprintf(&b, " %d,%d", chartWidth, chartHeight)
	return b.String()
}

// sortedKeys returns the names of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
