package kernels

import "slices"

// Tuner chooses among variants of a kernel that compute the same: which is
// fastest depends on the GPU. It must always give the same answer to the same
// question.
type Tuner interface {
	// Pick returns one of the variants. class tells apart the calls of op whose
	// fastest variant may differ; preset is the choice to make without
	// measuring.
	Pick(op, class, preset string, variants []string) string
}

// Pick returns the index of the variant to plan: the one that the call forces,
// or else the tuner's choice, or else preset. class is asked for only then.
func (pl *Plan) Pick(class func() string, preset int, variants []string) int {
	if i := slices.Index(variants, pl.variant); i >= 0 {
		return i
	}
	if pl.tuner != nil && len(variants) > 1 {
		if i := slices.Index(variants, pl.tuner.Pick(pl.op, class(), variants[preset], variants)); i >= 0 {
			return i
		}
	}
	return preset
}

// Variants returns the variants of the kernel that computes a call under the
// given limits; none if there is only one way.
func Variants(c *Call, l Limits) []string {
	var r recorder
	PlanTuned(&Call{Op: c.Op, P: c.P, In: c.In, Out: c.Out}, l, &r)
	return r.variants
}

// recorder is a Tuner that remembers what there was to choose from.
type recorder struct{ variants []string }

func (r *recorder) Pick(_, _, preset string, variants []string) string {
	for _, v := range variants {
		if !slices.Contains(r.variants, v) {
			r.variants = append(r.variants, v)
		}
	}
	return preset
}
