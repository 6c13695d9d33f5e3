//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// stallTime is how long the GPU may finish nothing before it is given up. The
// library itself would wait 60 seconds and say nothing.
var stallTime = 5 * time.Minute

// checkTime is how often a wait looks whether the device is still there.
var checkTime = 50 * time.Millisecond

// spinTime is how long await asks again and again before it sleeps: about a
// small kernel's time, where a sleep would cost more than what it waits for.
const spinTime = 200 * time.Microsecond

// await returns when the batch of that number is complete. The lock is given
// up while it waits, so others may record meanwhile. The library can only
// block without a deadline, hence the polling: for a moment without pause, then
// in pauses of an eighth of the time waited, up to a millisecond.
func (d *device) await(ctx context.Context, number uint64) error {
	start := time.Now()
	checked := start
	for {
		if d.err != nil {
			return d.err
		}
		d.reap()
		if d.done >= number {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		now := time.Now()
		if now.Sub(checked) > checkTime {
			checked = now
			if err := d.alive(); err != nil {
				d.fail(err)
				return d.err
			}
		}
		d.pause(ctx, now.Sub(start))
	}
}

// alive fails when the device is lost or stuck.
func (d *device) alive() error {
	if _, err := d.hal.GetFenceStatus(d.lost); err != nil {
		return classify(err)
	}
	if idle := time.Since(d.progress); idle > stallTime {
		return fmt.Errorf("%w: nothing finished for %v", ErrStalled, idle.Round(time.Second))
	}
	return nil
}

// pause gives up the lock for a moment, which depends on how long the caller
// has waited.
func (d *device) pause(ctx context.Context, waited time.Duration) {
	d.mu.Unlock()
	defer d.mu.Lock()
	if waited < spinTime {
		runtime.Gosched()
		return
	}
	t := time.NewTimer(min(waited/8, time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
