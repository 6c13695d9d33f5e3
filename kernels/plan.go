package kernels

import (
	"fmt"
	"math"

	"llana/tensor"
)

// Plan collects the dispatches that compute a call on a GPU. A GPU device
// makes one for each launch and runs its dispatches in order, with a barrier
// between any two.
type Plan struct {
	In, Out    []*tensor.Tensor
	Limits     Limits
	Dispatches []Dispatch
	Scratch    []int // sizes in bytes of the temporary buffers asked for

	op      string
	variant string // forced; see Call.Variant
	tuner   Tuner
}

// Dispatch is one run of a WGSL kernel.
type Dispatch struct {
	Shader string   // file name without .wgsl
	Consts []Const  // put before the text as module constants
	Params []uint32 // words of the uniform block at binding 0
	Bind   []Bind   // storage buffers from binding 1 on
	Groups [3]uint32
}

// Bind is what a storage binding refers to: a tensor, a temporary buffer, or
// nothing (an absent input: any small buffer will do).
type Bind struct {
	T       *tensor.Tensor
	Scratch int // 1 + index into Plan.Scratch, or 0
	// Off and Size are a range of a temporary buffer in bytes; Size 0 is all.
	Off, Size int
}

// Const is a compile-time constant of a shader: uint32, int, float32, bool, or a
// string that only the file's template actions see.
// Kernels are specialised by text, since the library ignores WGSL's override
// constants.
type Const struct {
	Name  string
	Value any
}

// PlanCall returns the dispatches of a call under the given limits. Where a
// kernel has variants it takes the presets.
func PlanCall(c *Call, l Limits) *Plan { return PlanTuned(c, l, nil) }

// PlanTuned is PlanCall with a tuner that chooses among variants.
func PlanTuned(c *Call, l Limits, tuner Tuner) *Plan {
	pl := &Plan{In: padded(c.Op, c.In), Out: c.Out, Limits: l, op: c.Op.Name, variant: c.Variant, tuner: tuner}
	c.Op.shader(c.P, pl)
	return pl
}

// Temp asks for a temporary buffer of n 4-byte elements.
func (pl *Plan) Temp(n int) Bind {
	pl.Scratch = append(pl.Scratch, 4*n)
	return Bind{Scratch: len(pl.Scratch)}
}

// B binds a tensor, which may be nil.
func B(t *tensor.Tensor) Bind { return Bind{T: t} }

// Operands binds all inputs, then all outputs: the usual order.
func (pl *Plan) Operands() []Bind {
	var b []Bind
	for _, t := range pl.In {
		b = append(b, B(t))
	}
	for _, t := range pl.Out {
		b = append(b, B(t))
	}
	return b
}

// Dispatch adds a run of shader with the given grid of workgroups. A grid with
// a zero length is left out.
func (pl *Plan) Dispatch(shader string, consts []Const, params []uint32, bind []Bind, groups [3]uint32) {
	if groups[0] == 0 || groups[1] == 0 || groups[2] == 0 {
		return
	}
	pl.Dispatches = append(pl.Dispatches, Dispatch{shader, consts, params, bind, groups})
}

// Fold spreads n workgroups over x and y, because a dimension holds at most
// 65535. The shader finds its number as wid.x + wid.y * num_workgroups.x and
// must return when it is not below n.
func (pl *Plan) Fold(n int) [3]uint32 {
	m := pl.Limits.MaxGroups
	if n <= m {
		return [3]uint32{uint32(n), 1, 1}
	}
	y := (n + m - 1) / m
	return [3]uint32{uint32((n + y - 1) / y), uint32(y), 1}
}

// Words packs uniform parameters: int, int32, uint32 and bool become u32 (a
// negative int its two's complement), float32 its bits.
func Words(vals ...any) []uint32 {
	w := make([]uint32, len(vals))
	for i, v := range vals {
		switch v := v.(type) {
		case int:
			w[i] = uint32(v)
		case int32:
			w[i] = uint32(v)
		case uint32:
			w[i] = v
		case float32:
			w[i] = math.Float32bits(v)
		case bool:
			if v {
				w[i] = 1
			}
		default:
			panic(fmt.Sprintf("kernels: parameter of type %T", v))
		}
	}
	return w
}
