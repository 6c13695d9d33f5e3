package metrics

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

func normals(seed uint64, n int, mean float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = mean + r.NormFloat64()
	}
	return x
}

// A 95 % interval holds the true mean in about 95 of 100 samples.
func TestIntervalCoverage(t *testing.T) {
	inside := 0
	const trials = 300
	for k := range trials {
		i := MeanInterval(normals(uint64(k), 60, 7), Resampling{Samples: 400})
		if i.Low <= 7 && 7 <= i.High {
			inside++
		}
		if !(i.Low <= i.Mean && i.Mean <= i.High) {
			t.Fatalf("interval %+v does not hold its mean", i)
		}
	}
	if share := float64(inside) / trials; share < 0.9 || share > 0.98 {
		t.Errorf("%v of the intervals hold the true mean", share)
	}
}

// The interval of a normal mean is 1.96 standard errors wide on either side.
func TestIntervalWidth(t *testing.T) {
	x := normals(3, 4000, 0)
	i := MeanInterval(x, Resampling{Samples: 4000})
	want := 1.96 / math.Sqrt(4000)
	for _, half := range []float64{i.High - i.Mean, i.Mean - i.Low} {
		if math.Abs(half/want-1) > 0.1 {
			t.Errorf("half width %v, want %v", half, want)
		}
	}
	if one := MeanInterval([]float64{4}, Resampling{}); one.Low != 4 || one.High != 4 || one.Mean != 4 {
		t.Errorf("interval of one score is %+v", one)
	}
	narrow := MeanInterval(x, Resampling{Confidence: 0.5})
	if narrow.High-narrow.Low > 0.5*(i.High-i.Low) {
		t.Errorf("50 %% interval %+v beside 95 %% %+v", narrow, i)
	}
}

// Seeds decide; the number of processors and other scores do not.
func TestIntervalsAreReproducible(t *testing.T) {
	x, y := normals(1, 200, 0), normals(2, 200, 0)
	a := MeanIntervals([][]float64{x, y}, Resampling{Seed: 5})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if b := MeanInterval(x, Resampling{Seed: 5}); b != a[0] {
		t.Errorf("alone %+v, together %+v", b, a[0])
	}
	if b := MeanInterval(y, Resampling{Seed: 5}); b != a[1] {
		t.Errorf("alone %+v, together %+v", b, a[1])
	}
	if b := MeanInterval(x, Resampling{Seed: 6}); b == a[0] {
		t.Error("another seed gives the same interval")
	}
}

func TestCompare(t *testing.T) {
	a, b := normals(1, 300, 0.5), normals(2, 300, 0)
	c, err := Compare(a, b, Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Low <= 0 || c.P != 1.0/2001 {
		t.Errorf("a clear difference: %+v", c)
	}
	back, err := Compare(b, a, Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	if back.P != c.P || math.Abs(back.Mean+c.Mean) > 1e-12 {
		t.Errorf("the other way round %+v, want the opposite of %+v", back, c)
	}
	if same, err := Compare(a, a, Resampling{}); err != nil || same.P != 1 || same.Low != 0 || same.High != 0 {
		t.Errorf("a model with itself: %+v, %v", same, err)
	}
	if _, err := Compare(a, b[:299], Resampling{}); err == nil {
		t.Error("models with different numbers of records are compared")
	}
	if _, err := Compare(nil, nil, Resampling{}); err == nil {
		t.Error("models without records are compared")
	}
}

// With 4 records the test can be counted out: of the 16 choices of signs, those
// of the sums 10 and -10 are as far from 0 as 1+2+3+4.
func TestPermutationCount(t *testing.T) {
	c, err := Compare([]float64{1, 2, 3, 4}, make([]float64, 4), Resampling{Samples: 20000})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(c.P-2.0/16) > 0.01 {
		t.Errorf("p is %v, want %v", c.P, 2.0/16)
	}
}

// Between equal models p is uniform: below 0.1 in about a tenth of the trials.
func TestPermutationLevel(t *testing.T) {
	below := 0
	const trials = 400
	for k := range trials {
		c, err := Compare(normals(uint64(2*k), 40, 0), normals(uint64(2*k+1), 40, 0), Resampling{Seed: uint64(k), Samples: 300})
		if err != nil {
			t.Fatal(err)
		}
		if c.P < 0.1 {
			below++
		}
	}
	if share := float64(below) / trials; share < 0.05 || share > 0.15 {
		t.Errorf("p is below 0.1 in %v of the trials", share)
	}
}
