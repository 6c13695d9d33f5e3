package conformance

import (
	"llana/kernels"
	"llana/tensor"
)

// Variants returns the variants of the kernel that computes a case on d; none
// if there is only one way.
func Variants(d kernels.Device, op *kernels.Op, c kernels.Case) []string {
	switch i := d.Info(); i.Backend {
	case "cpu", "reference": // which do not run kernels
		return nil
	default:
		return kernels.Variants(c.Call(op, nowhere{}, tensor.F32, nil), i.Limits)
	}
}

// CheckVariant is Check with one of the case's variants.
func CheckVariant(d kernels.Device, op *kernels.Op, c kernels.Case, special bool, variant string) Result {
	r := Check(forced{d, variant}, op, c, special)
	r.Case += ", " + variant
	return r
}

// forced is a device whose calls ask for a variant.
type forced struct {
	kernels.Device
	variant string
}

func (f forced) Launch(c *kernels.Call) {
	c.Variant = f.variant
	f.Device.Launch(c)
}

// Checks returns the checks of a case on d: as the device chooses, with NaN and
// infinities where the case allows them, and on request every variant.
func Checks(d kernels.Device, op *kernels.Op, c kernels.Case, variants bool) []func() Result {
	var all []func() Result
	var names []string
	if variants {
		names = Variants(d, op, c)
	}
	for _, special := range []bool{false, true} {
		if special && !c.Special {
			continue
		}
		all = append(all, func() Result { return Check(d, op, c, special) })
		for _, v := range names {
			all = append(all, func() Result { return CheckVariant(d, op, c, special, v) })
		}
	}
	return all
}
