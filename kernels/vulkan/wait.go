//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"context"
	"fmt"
	"time"
)

// stallTime is how long the GPU may finish nothing before it is given up. The
// library itself would wait 60 seconds and say nothing.
var stallTime = 5 * time.Minute

// await returns when the batch of that number is complete. The lock is given
// up while it sleeps, so others may record meanwhile. The library can only
// block without a deadline, hence the polling; the pauses grow from nothing to
// a millisecond.
func (d *device) await(ctx context.Context, number uint64) error {
	for try := 0; ; try++ {
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
		if try%64 == 63 {
			if err := d.alive(); err != nil {
				d.fail(err)
				return d.err
			}
		}
		d.pause(ctx, try)
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

// pause gives up the lock for a moment.
func (d *device) pause(ctx context.Context, try int) {
	d.mu.Unlock()
	defer d.mu.Lock()
	p := min(time.Duration(try)*10*time.Microsecond, time.Millisecond)
	if p < 200*time.Microsecond {
		time.Sleep(p)
		return
	}
	t := time.NewTimer(p)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
