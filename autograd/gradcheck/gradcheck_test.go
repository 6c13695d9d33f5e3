package gradcheck

import (
	"testing"

	"llana/kernels"
	"llana/kernels/devices/devicetest"
)

func TestCentralDifferences(t *testing.T) {
	Rules(func(r Result) { check(t, r) })
}

func TestDevices(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		Device(d, func(r Result) { check(t, r) })
	})
}

func check(t *testing.T, r Result) {
	t.Run(r.Rule+"/"+r.Case, func(t *testing.T) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
}
