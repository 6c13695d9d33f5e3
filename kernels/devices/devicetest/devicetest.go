// Package devicetest gives tests the devices they run on.
package devicetest

import (
	"context"
	"os"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/devices"
	"llana/kernels/vulkan"
)

// Vulkan returns a Vulkan device, a software driver if there is no GPU, which
// is closed when the test ends. Without one the test is skipped; but with
// LLANA_TEST_DEVICE=vulkan (or vulkan:N, to say which) in the environment it
// fails.
func Vulkan(t testing.TB) kernels.Device {
	t.Helper()
	spec := os.Getenv("LLANA_TEST_DEVICE")
	required := strings.HasPrefix(spec, "vulkan")
	if !required {
		spec = "vulkan"
	}
	if _, err := vulkan.Adapters(); err != nil && !required {
		t.Skipf("no Vulkan device: %v", err)
	}
	d, err := devices.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Sync(context.Background()); err != nil {
			t.Errorf("device: %v", err)
		}
		d.Close()
	})
	return d
}
