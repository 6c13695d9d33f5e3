package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"llana/kernels"
)

// Result is what was measured of a case.
type Result struct {
	Case    string `json:"case"`
	Device  string `json:"device"`
	Threads int    `json:"threads"` // of the processor; 0 on a GPU
	// Seconds is the median time of one run.
	Seconds float64 `json:"seconds"`
	GFLOPs  float64 `json:"gflops"`
	GBps    float64 `json:"gbps"`
	// CeilingShare is the time that the work would take at the device's
	// measured ceilings, as a share of the time it took. Work that stays in a
	// cache can exceed 1.
	CeilingShare    float64 `json:"ceiling_share"`
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
	// Dispatches is the number of GPU kernels of a run; on the processor, what
	// a GPU of the smallest limits would need.
	Dispatches int   `json:"dispatches"`
	PeakBytes  int64 `json:"peak_bytes"` // of device memory that tensors held
}

// Case is something that can be timed.
type Case struct {
	Name string
	// Large cases take long or much memory: they run when they are named.
	Large  bool
	tokens int // that a run reads or writes
	// prepare makes what a run needs on d.
	prepare prepareFunc
}

type prepareFunc func(ctx context.Context, d kernels.Device) (work, error)

// work is a case ready to run.
type work struct {
	run  func(ctx context.Context) error // launches the work; need not wait
	free func()
}

// Select returns the cases that the names ask for: a case's own name, the
// beginning of names of listed cases up to a slash, or a name with other sizes.
// Without names it returns all that are not large.
func Select(names []string) ([]Case, error) {
	listed := Cases()
	if len(names) == 0 {
		return slices.DeleteFunc(listed, func(c Case) bool { return c.Large }), nil
	}
	var chosen []Case
	for _, name := range names {
		found := false
		for _, c := range listed {
			if c.Name == name || strings.HasPrefix(c.Name, strings.TrimSuffix(name, "/")+"/") {
				chosen, found = append(chosen, c), true
			}
		}
		if found {
			continue
		}
		c, err := parse(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// Cases lists all cases that have a name of their own.
func Cases() []Case {
	var all []Case
	for _, name := range shaped {
		c, err := parse(name)
		if err != nil {
			panic(err)
		}
		all = append(all, c)
	}
	all = append(all, modelCases()...)
	return append(all, kernelCases()...)
}

// Bench times cases on one device.
type Bench struct {
	d        *meter
	threads  int
	ceilings Ceilings
	budget   time.Duration
}

// New measures the device's ceilings. threads is reported with the results.
// budget is how long a case is repeated for.
func New(ctx context.Context, d kernels.Device, threads int, budget time.Duration) (*Bench, error) {
	b := &Bench{d: &meter{Device: d}, threads: threads, budget: budget}
	var err error
	b.ceilings, err = b.measureCeilings(ctx)
	return b, err
}

// Ceilings returns the device's measured ceilings.
func (b *Bench) Ceilings() Ceilings { return b.ceilings }

// Run times a case.
func (b *Bench) Run(ctx context.Context, c Case) (Result, error) {
	m, err := b.time(ctx, c, b.budget)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	r := Result{Case: c.Name, Device: b.d.Info().Name, Threads: b.threads,
		Seconds: median(m.seconds), PeakBytes: m.peak, Dispatches: m.dispatches}
	r.GFLOPs = float64(m.cost.FLOPs) / r.Seconds / 1e9
	r.GBps = float64(m.cost.Bytes) / r.Seconds / 1e9
	r.CeilingShare = b.ceilings.share(r)
	r.TokensPerSecond = float64(c.tokens) / r.Seconds
	return r, nil
}

// measure is what was found out about a case.
type measure struct {
	seconds    []float64    // of one run, in each of some batches
	cost       kernels.Cost // of one run
	dispatches int          // of one run
	peak       int64        // the most bytes held
}

// time times a case. Runs of a batch are launched together, so that waiting for
// a GPU does not count. The first run does not count: it may compile shaders and
// touches memory that no one has touched before. Of runs longer than the budget
// one more is timed.
func (b *Bench) time(ctx context.Context, c Case, budget time.Duration) (m measure, err error) {
	before := b.d.live
	b.d.peak = before
	w, err := c.prepare(ctx, b.d)
	if err != nil {
		return m, err
	}
	defer w.free()
	if err := b.d.Sync(ctx); err != nil {
		return m, err
	}
	b.d.countWork(true)
	if _, err := b.batch(ctx, w, 1); err != nil {
		return m, err
	}
	b.d.countWork(false)
	m.cost, m.dispatches = b.d.cost, b.d.dispatches
	once, err := b.batch(ctx, w, 1)
	if err != nil {
		return m, err
	}
	if once > budget {
		m.seconds, m.peak = []float64{once.Seconds()}, b.d.peak-before
		return m, nil
	}
	const batches = 9
	n := max(1, int(budget/batches/max(once, time.Microsecond)))
	for begin := time.Now(); len(m.seconds) < batches && (len(m.seconds) < 3 || time.Since(begin) < budget); {
		t, err := b.batch(ctx, w, n)
		if err != nil {
			return m, err
		}
		m.seconds = append(m.seconds, t.Seconds()/float64(n))
	}
	m.peak = b.d.peak - before
	return m, nil
}

func (b *Bench) batch(ctx context.Context, w work, n int) (time.Duration, error) {
	begin := time.Now()
	for range n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := w.run(ctx); err != nil {
			return 0, err
		}
	}
	err := b.d.Sync(ctx)
	return time.Since(begin), err
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
