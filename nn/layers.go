package nn

import (
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
)

// Linear is torch.nn.Linear: y = act(x W^T + b), W (out, in).
type Linear struct {
	Weight, Bias *Param // Bias may be nil
	Act          kernels.Act
}

// NewLinear registers "weight" (out, in) and, if asked for, "bias" (out).
func NewLinear(s *Set, in, out int, bias bool) *Linear {
	l := &Linear{Weight: s.NewMatrix("weight", out, in)}
	if bias {
		l.Bias = s.New("bias", out)
	}
	return l
}

// Init draws weight and bias from U(-1/sqrt(in), 1/sqrt(in)), as PyTorch does.
func (l *Linear) Init(r *rand.Rand) {
	bound := 1 / math.Sqrt(float64(l.Weight.Value.Len()/l.Weight.Value.Dim(0)))
	l.Weight.Uniform(r, bound)
	if l.Bias != nil {
		l.Bias.Uniform(r, bound)
	}
}

// Forward maps x (..., in) to (..., out).
func (l *Linear) Forward(x *autograd.Var) *autograd.Var {
	w, b := l.use(x.Tape())
	return autograd.Linear(x, w, b, l.Act)
}

// Add returns residual + Forward(x), without an activation.
func (l *Linear) Add(residual, x *autograd.Var) *autograd.Var {
	w, b := l.use(x.Tape())
	return autograd.LinearAdd(residual, x, w, b)
}

func (l *Linear) use(t *autograd.Tape) (w, b *autograd.Var) {
	w = t.Use(&l.Weight.Leaf)
	if len(w.Shape()) == 3 { // a 1x1 convolution's weight (out, in, 1)
		w = w.View(w.Dim(0), w.Dim(1))
	}
	if l.Bias != nil {
		b = t.Use(&l.Bias.Leaf)
	}
	return w, b
}

// LayerNorm is torch.nn.LayerNorm over the last axis.
type LayerNorm struct {
	Weight, Bias *Param
	Eps          float32
}

// NewLayerNorm registers "weight" and "bias" (width) and sets them to 1 and 0.
func NewLayerNorm(s *Set, width int, eps float32) *LayerNorm {
	l := &LayerNorm{s.New("weight", width), s.New("bias", width), eps}
	l.Weight.Set(1)
	l.Bias.Set(0)
	return l
}

// Forward normalises each row of x.
func (l *LayerNorm) Forward(x *autograd.Var) *autograd.Var {
	t := x.Tape()
	return autograd.LayerNorm(x, t.Use(&l.Weight.Leaf), t.Use(&l.Bias.Leaf), l.Eps)
}

// RMSNorm scales each row to a root mean square of 1.
type RMSNorm struct {
	Weight *Param
	Eps    float32
}

// NewRMSNorm registers "weight" (width) and sets it to 1.
func NewRMSNorm(s *Set, width int, eps float32) *RMSNorm {
	l := &RMSNorm{s.New("weight", width), eps}
	l.Weight.Set(1)
	return l
}

// Forward normalises each row of x.
func (l *RMSNorm) Forward(x *autograd.Var) *autograd.Var {
	return autograd.RMSNorm(x, x.Tape().Use(&l.Weight.Leaf), l.Eps)
}

// BatchNorm is torch.nn.BatchNorm1d over the rows of a matrix.
type BatchNorm struct {
	Weight, Bias            *Param
	RunningMean, RunningVar *Param
	Batches                 int64 // "num_batches_tracked"
	Eps, Momentum           float32
}

// NewBatchNorm registers "weight", "bias", "running_mean" and "running_var".
func NewBatchNorm(s *Set, width int) *BatchNorm {
	l := &BatchNorm{Eps: 1e-5, Momentum: 0.1}
	l.Weight, l.Bias = s.New("weight", width), s.New("bias", width)
	l.RunningMean, l.RunningVar = s.NewBuffer("running_mean", width), s.NewBuffer("running_var", width)
	l.Weight.Set(1)
	l.Bias.Set(0)
	l.RunningMean.Set(0)
	l.RunningVar.Set(1)
	return l
}

// Forward normalises each column of x (N, width): by the batch's statistics on
// a training tape, which also updates the running ones, else by the running
// statistics.
func (l *BatchNorm) Forward(x *autograd.Var) *autograd.Var {
	t := x.Tape()
	if t.Training() {
		l.Batches++
	}
	return autograd.BatchNorm(x, t.Use(&l.Weight.Leaf), t.Use(&l.Bias.Leaf), l.RunningMean.Value, l.RunningVar.Value, l.Eps, l.Momentum)
}
