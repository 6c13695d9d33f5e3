package kernels

import (
	"context"
	"fmt"
	"io"
	"sort"
	"sync"
	"text/tabwriter"
	"time"
)

// Trace wraps a device so that it times each operation by waiting for it, and
// writes a table to w when it is closed: calls, time, GFLOP/s and GB/s for
// each operation, the slowest first; for each combination of an operation and
// its shapes if byShape. It is slower than d, by the waiting.
func Trace(d Device, w io.Writer, byShape bool) Device {
	return &trace{Device: d, w: w, byShape: byShape, rows: map[string]*traceRow{}}
}

type trace struct {
	Device
	w       io.Writer
	byShape bool

	mu   sync.Mutex
	rows map[string]*traceRow
}

type traceRow struct {
	name  string
	calls int
	time  time.Duration
	cost  Cost
}

func (t *trace) Launch(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// An error sticks to the device and comes out where results are read.
	_ = t.Device.Sync(context.Background())
	start := time.Now()
	t.Device.Launch(c)
	_ = t.Device.Sync(context.Background())
	t.add(c, time.Since(start))
}

func (t *trace) add(c *Call, d time.Duration) {
	name := c.Op.Name
	if t.byShape {
		name += fmt.Sprintf(" %v -> %v", shapesOf(c.In), shapesOf(c.Out))
	}
	r := t.rows[name]
	if r == nil {
		r = &traceRow{name: name}
		t.rows[name] = r
	}
	cost := c.Cost()
	r.calls++
	r.time += d
	r.cost.FLOPs += cost.FLOPs
	r.cost.Bytes += cost.Bytes
}

// Close writes the table and closes the device.
func (t *trace) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) > 0 {
		t.print()
		clear(t.rows)
	}
	return t.Device.Close()
}

func (t *trace) print() {
	var rows []*traceRow
	var total time.Duration
	for _, r := range t.rows {
		rows = append(rows, r)
		total += r.time
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].time != rows[j].time {
			return rows[i].time > rows[j].time
		}
		return rows[i].name < rows[j].name
	})
	tw := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "calls\ttotal ms\tshare\tms each\tGFLOP/s\tGB/s\t  operation on %s\n", t.Info().Name)
	for _, r := range rows {
		s := r.time.Seconds()
		fmt.Fprintf(tw, "%d\t%.2f\t%.1f%%\t%.3f\t%.2f\t%.2f\t  %s\n", r.calls, s*1e3, 100*s/total.Seconds(),
			s*1e3/float64(r.calls), float64(r.cost.FLOPs)/s/1e9, float64(r.cost.Bytes)/s/1e9, r.name)
	}
	tw.Flush()
}
