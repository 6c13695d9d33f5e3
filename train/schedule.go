package train

import "math"

// Schedule is the factor of the base learning rate at a step, counted from 0.
type Schedule func(step int) float64

// CosineWarmup is the schedule "cosine" of transformers: a linear warm-up from
// 0 over ceil(ratio total) steps, then half a cosine down to 0. The first step
// has a factor of 0 unless there is no warm-up.
func CosineWarmup(total int, ratio float64) Schedule {
	warm := int(math.Ceil(ratio * float64(total)))
	return func(s int) float64 {
		if s < warm {
			return float64(s) / float64(max(1, warm))
		}
		return 0.5 * (1 + math.Cos(math.Pi*float64(s-warm)/float64(max(1, total-warm))))
	}
}

// Constant is a factor of 1 after a linear warm-up over ceil(ratio total)
// steps.
func Constant(total int, ratio float64) Schedule {
	warm := int(math.Ceil(ratio * float64(total)))
	return func(s int) float64 {
		if s < warm {
			return float64(s) / float64(max(1, warm))
		}
		return 1
	}
}

// EpochWarmup is the schedule of the reference's weights2space training: over
// the first 28 epochs the factor rises linearly from 1 to the number of ranks,
// and stays there.
func EpochWarmup(stepsPerEpoch, ranks int) Schedule {
	return func(s int) float64 {
		e := float64(s / max(1, stepsPerEpoch))
		return 1 + min(e/28, 1)*float64(ranks-1)
	}
}
