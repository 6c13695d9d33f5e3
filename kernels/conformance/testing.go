package conformance

import (
	"testing"

	"llana/kernels"
)

// Test runs the suite on d as subtests, one for each operation and case, and
// checks that d's memory comes back. Short tests leave out the variants that d
// would not choose.
func Test(t *testing.T, d kernels.Device) {
	for _, op := range kernels.Ops() {
		t.Run(op.Name, func(t *testing.T) {
			before := d.Stats().Live
			for _, c := range op.Cases {
				if c.Bench {
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					for _, check := range Checks(d, op, c, !testing.Short()) {
						fail(t, check())
					}
				})
			}
			if live := d.Stats().Live; live != before {
				t.Errorf("live bytes went from %d to %d", before, live)
			}
		})
	}
	if err := d.Err(); err != nil {
		t.Errorf("device: %v", err)
	}
}

func fail(t *testing.T, r Result) {
	t.Helper()
	if r.Err != nil {
		t.Errorf("%s: %v", r.Case, r.Err)
	}
}
