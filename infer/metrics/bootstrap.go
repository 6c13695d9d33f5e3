package metrics

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Resampling says how intervals and tests draw. The zero value means seed 0,
// 2000 samples and 95 %.
type Resampling struct {
	Seed       uint64
	Samples    int     // 0: 2000
	Confidence float64 // of intervals, between 0 and 1; 0: 0.95
}

func (o Resampling) withDefaults() Resampling {
	if o.Samples == 0 {
		o.Samples = 2000
	}
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	return o
}

// source returns the random numbers of one sample, which do not depend on the
// order in which samples are drawn.
func (o Resampling) source(sample int) *rand.PCG { return rand.NewPCG(o.Seed, uint64(sample)) }

// Interval is a mean with its confidence interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// MeanInterval returns the mean of scores and its percentile bootstrap
// interval: the quantiles of the means of samples of the same size drawn with
// replacement (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap",
// 1993, section 13.3). The same seed gives the same interval on every machine.
func MeanInterval(scores []float64, o Resampling) Interval {
	return MeanIntervals([][]float64{scores}, o)[0]
}

// MeanIntervals is MeanInterval for several scores of the same records, which
// must be equally many: records are drawn with all their scores, once for all.
func MeanIntervals(scores [][]float64, o Resampling) []Interval {
	if len(scores) == 0 {
		return nil
	}
	o = o.withDefaults()
	n, width := len(scores[0]), len(scores)
	records := make([]float64, n*width) // scores of a record side by side
	means := make([][]float64, width)   // of each score, by sample
	for k, column := range scores {
		for i, x := range column {
			records[i*width+k] = x
		}
		means[k] = make([]float64, o.Samples)
	}
	// Without a context to end it, forEach does not fail.
	_ = forEach(context.Background(), o.Samples, func(sample int) {
		sums := make([]float64, width)
		r := rand.New(o.source(sample))
		for range n {
			at := r.IntN(n) * width
			for k, x := range records[at : at+width] {
				sums[k] += x
			}
		}
		for k, sum := range sums {
			means[k][sample] = sum / float64(n)
		}
	})
	out := make([]Interval, width)
	tail := (1 - o.Confidence) / 2
	for k := range out {
		slices.Sort(means[k])
		out[k] = Interval{mean(scores[k]), quantile(means[k], tail), quantile(means[k], 1-tail)}
	}
	return out
}

// quantile interpolates linearly between sorted values, as NumPy does.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}

// Comparison is the difference of two models on the same records.
type Comparison struct {
	Interval         // of the mean difference a - b, by the paired bootstrap
	P        float64 `json:"p"` // of a difference as large, if the models were equal: two-sided paired permutation test
}

// Compare compares two models' scores of the same records. The interval draws
// records, both models' scores together; the test flips the sign of each
// record's difference at random and counts how often the mean is at least as
// far from 0 as the one observed, (count + 1) / (samples + 1), so P is never
// below 1 / (samples + 1).
func Compare(a, b []float64, o Resampling) (Comparison, error) {
	if len(a) != len(b) || len(a) == 0 {
		return Comparison{}, fmt.Errorf("expected two models' scores of the same records, found %d and %d scores", len(a), len(b))
	}
	o = o.withDefaults()
	d := make([]float64, len(a))
	size := 0.0
	for i := range d {
		d[i] = a[i] - b[i]
		size += math.Abs(d[i])
	}
	c := Comparison{Interval: MeanInterval(d, o)}
	observed := math.Abs(signedSum(d, func() uint64 { return 0 }))
	far := make([]bool, o.Samples)
	_ = forEach(context.Background(), o.Samples, func(k int) {
		// The streams behind those of the interval.
		sum := signedSum(d, o.source(o.Samples+k).Uint64)
		// Equal sums may have been rounded apart.
		far[k] = math.Abs(sum) >= observed-1e-12*size
	})
	count := 0
	for _, f := range far {
		if f {
			count++
		}
	}
	c.P = float64(count+1) / float64(o.Samples+1)
	return c, nil
}

// signedSum sums differences, each with its sign flipped if its bit is set.
func signedSum(d []float64, draw func() uint64) float64 {
	sum, flips := 0.0, uint64(0)
	for i, x := range d {
		if i%64 == 0 {
			flips = draw()
		}
		if flips>>(i%64)&1 != 0 {
			x = -x
		}
		sum += x
	}
	return sum
}
