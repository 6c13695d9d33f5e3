//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"llana/kernels"
	"llana/tensor"
)

// tuning chooses among variants of kernels: by the environment variable
// LLANA_TUNE ("off": the presets; else names of variants, separated by commas),
// or by trying each once for every class of shapes. Drivers that compute on the
// processor take the presets.
type tuning struct {
	mu      sync.Mutex // one trial at a time
	choices *choices   // nil without trials
	forced  []string
	trials  int // for tests
}

func (d *device) initTuning() {
	switch env := os.Getenv("LLANA_TUNE"); {
	case env == "off":
	case env != "":
		d.tuning.forced = strings.Split(env, ",")
	case !d.software:
		d.tuning.choices = openChoices(cacheDir(), d.info)
	}
}

// tuner returns who chooses among variants of a call; nil for the presets.
func (d *device) tuner(c *kernels.Call) kernels.Tuner {
	if d.tuning.choices == nil && d.tuning.forced == nil {
		return nil
	}
	return picker{d, c}
}

// picker is the tuner of one call.
type picker struct {
	d    *device
	call *kernels.Call
}

// Pick implements kernels.Tuner.
func (p picker) Pick(op, class, preset string, variants []string) string {
	t := &p.d.tuning
	for _, v := range t.forced {
		if v = strings.TrimSpace(v); slices.Contains(variants, v) {
			return v
		}
	}
	if t.choices == nil {
		return preset
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := op + " " + class
	if v := t.choices.by[key]; slices.Contains(variants, v) {
		return v
	}
	if t.choices.untried[key] {
		return preset
	}
	t.trials++
	best, ok := p.d.trial(p.call, preset, variants)
	if !ok {
		t.choices.untried[key] = true
		return preset
	}
	return t.choices.keep(p.d.info, key, best, variants)
}

const (
	// A variant is timed over as many launches as take about this long, so that
	// what a submission costs does not count,
	trialTime = 4 * time.Millisecond
	maxLaunch = 64
	// in rounds of which the shortest counts: clocks rise with work.
	trialRounds = 3
	// Another variant must take less than this share of the preset's time.
	trialMargin = 0.97
	// What takes so many times as long as another in the first launch is not
	// tried again.
	trialDrop = 3
)

// trial runs each variant of a call on its own inputs and other outputs, and
// returns the fastest. It does not succeed if memory or the device fail; that
// is not an error of the call.
func (d *device) trial(c *kernels.Call, preset string, variants []string) (best string, ok bool) {
	mem := &trialMemory{device: d}
	call := &kernels.Call{Op: c.Op, P: c.P, In: c.In}
	for _, t := range c.Out {
		out := tensor.New(mem, t.DType(), t.Shape()...)
		defer out.Free()
		call.Out = append(call.Out, out)
	}
	if mem.failed {
		return "", false
	}
	var all []*candidate
	fastest := time.Duration(math.MaxInt64)
	for _, v := range variants {
		call.Variant = v
		t := &candidate{name: v, plan: kernels.PlanCall(call, d.info.Limits), best: math.Inf(1)}
		_, ok := d.timed(call, t.plan, 1) // compiles
		once := time.Duration(0)
		if ok {
			once, ok = d.timed(call, t.plan, 1)
		}
		if d.Err() != nil {
			return "", false
		}
		if !ok || once/trialDrop > fastest {
			continue // this driver cannot compile it, or it is out of the question
		}
		fastest = min(fastest, once)
		t.launches = max(1, min(int(trialTime/max(once, time.Microsecond)), maxLaunch))
		all = append(all, t)
	}
	for range trialRounds {
		for _, t := range all {
			took, ok := d.timed(call, t.plan, t.launches)
			if !ok {
				return "", false
			}
			t.best = min(t.best, took.Seconds()/float64(t.launches))
		}
	}
	limit := math.Inf(1)
	for _, t := range all {
		time := t.best
		if t.name == preset {
			time *= trialMargin
		}
		if time < limit {
			best, limit = t.name, time
		}
	}
	return best, best != ""
}

// candidate is a variant on trial.
type candidate struct {
	name     string
	plan     *kernels.Plan
	launches int     // in a round
	best     float64 // seconds of a launch
}

// timed launches a plan n times and waits.
func (d *device) timed(c *kernels.Call, plan *kernels.Plan, n int) (took time.Duration, ok bool) {
	cost := c.Cost()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush()
	if d.await(context.Background(), d.batch.number-1) != nil {
		return 0, false
	}
	begin := time.Now()
	for range n {
		d.account(cost.FLOPs + 10*cost.Bytes)
		if err := d.record(plan); err != nil {
			return 0, false
		}
	}
	d.flush()
	number := d.batch.number - 1
	// Without the pauses of await, which are longer than what is measured.
	for d.done < number && d.err == nil && time.Since(begin) < 100*trialTime {
		d.reap()
		d.mu.Unlock()
		runtime.Gosched()
		d.mu.Lock()
	}
	if d.await(context.Background(), number) != nil {
		return 0, false
	}
	return time.Since(begin), true
}

// trialMemory allocates for a trial: too little memory does not stick to the
// device.
type trialMemory struct {
	*device
	failed bool
}

func (m *trialMemory) Alloc(size int) tensor.Buffer {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := &buffer{size: size}
	if m.err != nil {
		m.failed = true
		return b
	}
	var err error
	if b.block, err = m.allocBlock(int64(size)); err != nil {
		m.failed = true
	}
	return b
}
