package conformance_test

import (
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/tensor"
)

// The float32 reference must agree with the float64 one: it shows that the
// tolerances are right for float32 arithmetic at all.
func TestFloat32Reference(t *testing.T) {
	conformance.Test(t, kernels.NewReference(tensor.F32))
}
