// Package bench times kernels and models on a device and compares them with
// the device's measured ceilings.
package bench

import (
	"sync"

	"llana/kernels"
	"llana/tensor"
)

// meter is a device that counts the work launched on it and the memory held.
type meter struct {
	kernels.Device

	mu         sync.Mutex
	counting   bool // of the work; not while time is measured
	cost       kernels.Cost
	dispatches int // of GPU kernels
	live, peak int64
}

func (m *meter) Launch(c *kernels.Call) {
	m.mu.Lock()
	if m.counting {
		cost := c.Cost()
		m.cost.FLOPs += cost.FLOPs
		m.cost.Bytes += cost.Bytes
		m.dispatches += len(kernels.PlanCall(c, m.Info().Limits).Dispatches)
	}
	m.mu.Unlock()
	m.Device.Launch(c)
}

func (m *meter) Alloc(n int) tensor.Buffer {
	m.count(int64(n))
	return m.Device.Alloc(n)
}

func (m *meter) Free(b tensor.Buffer) {
	m.count(-int64(b.Size()))
	m.Device.Free(b)
}

func (m *meter) count(n int64) {
	m.mu.Lock()
	m.live += n
	m.peak = max(m.peak, m.live)
	m.mu.Unlock()
}

// countWork starts counting the work anew, or stops.
func (m *meter) countWork(on bool) {
	m.mu.Lock()
	if m.counting = on; on {
		m.cost, m.dispatches = kernels.Cost{}, 0
	}
	m.mu.Unlock()
}
