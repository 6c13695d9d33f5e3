package vulkan_test

import (
	"testing"

	"llana/kernels/conformance"
	"llana/kernels/devices/devicetest"
)

func TestConformance(t *testing.T) { conformance.Test(t, devicetest.Vulkan(t)) }
