package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"llana/models/checkpoint/atomicfile"
)

// Loop runs a training: it calls Step until Steps are done, logs, saves now
// and then, and saves once more when it is interrupted, so that a resumed
// training goes on where it was, with the same losses.
type Loop struct {
	Dir       string // where metrics.jsonl and the checkpoints go
	Steps     int    // in all
	Start     int    // steps already done
	LogEvery  int    // read the loss back every so many steps; at least 1
	SaveEvery int    // 0: only at the end

	// Step does step s (counted from 0) and returns how to read its metrics,
	// which is only called for steps that are logged.
	Step func(ctx context.Context, s int) (read func(ctx context.Context) (Metrics, error), err error)
	// Save writes a checkpoint of the state after the given number of steps.
	Save func(ctx context.Context, steps int) error
	// Progress, if not nil, is told about every step, and about the last
	// metrics read.
	Progress func(done, total int, m Metrics)
}

// Metrics is a line of metrics.jsonl.
type Metrics struct {
	Step     int     `json:"step"`
	Epoch    float64 `json:"epoch"`
	Loss     float64 `json:"loss"`
	LR       float64 `json:"lr"`
	GradNorm float64 `json:"grad_norm"`
	// What is counted a second: tokens of a language model, rays or points of
	// weights2space.
	TokensPerSecond float64            `json:"tokens_per_second,omitempty"`
	RaysPerSecond   float64            `json:"rays_per_second,omitempty"`
	Extra           map[string]float64 `json:"extra,omitempty"`
}

// MetricsName is the name of the file with one Metrics object a line.
const MetricsName = "metrics.jsonl"

// ErrInterrupted is returned by Run when its context was cancelled; the state
// reached is saved.
var ErrInterrupted = errors.New("interrupted")

// Run runs the loop. When ctx is cancelled it finishes the step, saves and
// returns ErrInterrupted.
func (l *Loop) Run(ctx context.Context) error {
	if err := os.MkdirAll(l.Dir, 0o777); err != nil {
		return err
	}
	log, err := openMetrics(filepath.Join(l.Dir, MetricsName), l.Start)
	if err != nil {
		return err
	}
	defer log.Close()
	// Work on the device is not cut short: a step is done or not done.
	steady := context.WithoutCancel(ctx)
	var last Metrics
	for s := l.Start; s < l.Steps; s++ {
		if ctx.Err() != nil {
			return l.interrupted(steady, s)
		}
		read, err := l.Step(steady, s)
		if err != nil {
			return fmt.Errorf("step %d: %w", s, err)
		}
		if s%max(1, l.LogEvery) == 0 || s == l.Steps-1 {
			if last, err = read(steady); err != nil {
				return fmt.Errorf("step %d: %w", s, err)
			}
			if err := log.Encode(last); err != nil {
				return err
			}
		}
		if l.Progress != nil {
			l.Progress(s+1, l.Steps, last)
		}
		if l.SaveEvery > 0 && (s+1)%l.SaveEvery == 0 && s+1 < l.Steps {
			if err := l.Save(steady, s+1); err != nil {
				return err
			}
		}
	}
	return l.Save(steady, l.Steps)
}

func (l *Loop) interrupted(ctx context.Context, steps int) error {
	if err := l.Save(ctx, steps); err != nil {
		return err
	}
	return fmt.Errorf("%w after %d of %d steps; the state is saved in %s", ErrInterrupted, steps, l.Steps, l.Dir)
}

// metricsLog appends objects to a file.
type metricsLog struct {
	*os.File
	*json.Encoder
}

// openMetrics opens the log for appending, after dropping lines of steps that
// will be done again.
func openMetrics(path string, start int) (*metricsLog, error) {
	old, err := ReadMetrics(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, m := range old {
			if m.Step < start {
				if err := enc.Encode(m); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	return &metricsLog{f, json.NewEncoder(f)}, nil
}

// ReadMetrics reads a metrics.jsonl. A last line cut short, as a crash leaves
// it, is ignored.
func ReadMetrics(path string) ([]Metrics, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	var out []Metrics
	for dec.More() {
		var m Metrics
		if err := dec.Decode(&m); err != nil {
			break
		}
		out = append(out, m)
	}
	return out, nil
}

// Rate measures how much is done a second between two readings.
type Rate struct {
	count float64
	since time.Time
}

// Add counts n.
func (r *Rate) Add(n int) {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.count += float64(n)
}

// PerSecond returns the rate since the last call, and starts anew.
func (r *Rate) PerSecond() float64 {
	now := time.Now()
	d := now.Sub(r.since).Seconds()
	n := r.count
	r.count, r.since = 0, now
	if d <= 0 {
		return 0
	}
	return n / d
}
