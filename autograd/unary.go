package autograd

import (
	"llana/kernels"
	"llana/tensor"
)

// ReLU returns max(x, 0), element-wise.
func ReLU(x *Var) *Var { return unary(kernels.ReLU, kernels.ReLUBackward, x) }

// GELU returns x Phi(x), the exact erf form.
func GELU(x *Var) *Var { return unary(kernels.GELU, kernels.GELUBackward, x) }

// SiLU returns x sigmoid(x).
func SiLU(x *Var) *Var { return unary(kernels.SiLU, kernels.SiLUBackward, x) }

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x *Var) *Var { return unary(kernels.Sigmoid, kernels.SigmoidBackward, x) }

// Tanh returns the hyperbolic tangent.
func Tanh(x *Var) *Var { return unary(kernels.Tanh, kernels.TanhBackward, x) }

// TruncExp returns exp(x); its gradient uses exp(min(x, 15)).
func TruncExp(x *Var) *Var { return unary(kernels.TruncExp, kernels.TruncExpBackward, x) }

func unary(fwd, bwd *kernels.Op, x *Var) *Var {
	t := x.tape
	y := t.Run1(fwd, kernels.None{}, x.val)
	return t.Record1(y, []*Var{x}, nil, func(dy *tensor.Tensor) {
		dx := t.Run1(bwd, kernels.None{}, x.val, y, dy)
		x.AddGrad(dx)
		dx.Free()
	})
}

var _ = rule("unary",
	unaryCase("relu", ReLU), unaryCase("gelu", GELU), unaryCase("silu", SiLU),
	unaryCase("sigmoid", Sigmoid), unaryCase("tanh", Tanh), unaryCase("trunc_exp", TruncExp))

func unaryCase(name string, f func(*Var) *Var) GradCase {
	return GradCase{Name: name, Shapes: [][]int{{5, 7}}, F: func(_ *Tape, in []*Var) *Var { return f(in[0]) }}
}
