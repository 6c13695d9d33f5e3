package train

import (
	"context"

	"llana/nn"
)

// Optimiser updates parameters from their gradients. AdamW and Muon are
// optimisers.
type Optimiser interface {
	// Params returns the optimised parameters, in the order of the state.
	Params() []*nn.Param
	ZeroGrad()
	// Step updates every parameter that has a gradient.
	Step(lr float64)
	Steps() int
	// Settings returns AdamW's betas, eps and weight decay.
	Settings() (beta1, beta2, eps, weightDecay float64)
	// GradNorm reads back the norm of all gradients at the last step, before
	// clipping.
	GradNorm(ctx context.Context) (float64, error)
	// State reads back the state of every parameter, in order; Restore sets it.
	State(ctx context.Context) ([]Moments, error)
	Restore(steps int, state []Moments) error
	Free()
}
