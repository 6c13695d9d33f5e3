package devicetest

import (
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
)

// Each runs f as a subtest on the CPU device and on Vulkan, if there is one
// (see Vulkan).
func Each(t *testing.T, f func(t *testing.T, d kernels.Device)) {
	t.Run("cpu", func(t *testing.T) {
		d := cpu.New(0)
		defer d.Close()
		f(t, d)
	})
	t.Run("vulkan", func(t *testing.T) { f(t, Vulkan(t)) })
}
