package bench

import (
	"context"
	"math"
	"slices"

	"llana/kernels"
	"llana/tensor"
)

// Ceilings are the highest rates measured on a device.
type Ceilings struct {
	GFLOPs float64 // multiply-adds in registers; on the processor, large matrix products
	GBps   float64 // copying memory, read and written bytes together
}

// share returns the time of a result's work at the ceilings over its time.
func (c Ceilings) share(r Result) float64 {
	return math.Max(ratio(r.GFLOPs, c.GFLOPs), ratio(r.GBps, c.GBps))
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// ceilingBudgets is how many budgets are spent on each measure of a ceiling:
// everything is compared with the fastest run.
const ceilingBudgets = 5

// streamLen is the number of elements of the copy: 64 MiB, more than a cache
// holds.
const streamLen = 16 << 20

func (b *Bench) measureCeilings(ctx context.Context) (c Ceilings, err error) {
	copied := opCase("copy", kernels.Copy, kernels.Case{P: kernels.None{}, In: []kernels.Fill{kernels.Fixed(1, streamLen)}})
	if _, c.GBps, err = b.best(ctx, copied); err != nil {
		return c, err
	}
	var computed []Case
	if b.d.Info().Backend == "cpu" {
		// The reference of the multiply-add loop is plain Go, so the tuned
		// product is the better measure.
		for _, n := range []int{512, 1024} {
			product, err := matmulCase("matmul", tensor.Invalid, n, n, n)
			if err != nil {
				return c, err
			}
			computed = append(computed, product)
		}
	} else {
		p := kernels.FMALoopParams{Rounds: 256, Mul: 0.5}
		computed = append(computed, opCase("fma", kernels.FMALoop, kernels.Case{P: p, In: []kernels.Fill{kernels.Fixed(1, 1<<18)}}))
	}
	for _, k := range computed {
		g, _, err := b.best(ctx, k)
		if err != nil {
			return c, err
		}
		c.GFLOPs = max(c.GFLOPs, g)
	}
	return c, nil
}

// best returns the rates of a case's fastest batch.
func (b *Bench) best(ctx context.Context, c Case) (gflops, gbps float64, err error) {
	m, err := b.time(ctx, c, ceilingBudgets*b.budget)
	if err != nil {
		return 0, 0, err
	}
	s := slices.Min(m.seconds)
	return float64(m.cost.FLOPs) / s / 1e9, float64(m.cost.Bytes) / s / 1e9, nil
}
