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
	cost       kernels.Cost
	live, peak int64
}

func (m *meter) Launch(c *kernels.Call) {
	cost := c.Cost()
	m.mu.Lock()
	m.cost.FLOPs += cost.FLOPs
	m.cost.Bytes += cost.Bytes
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

// resetCost starts counting the work anew.
func (m *meter) resetCost() {
	m.mu.Lock()
	m.cost = kernels.Cost{}
	m.mu.Unlock()
}
