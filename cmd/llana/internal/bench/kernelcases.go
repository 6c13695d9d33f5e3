package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// shaped are the listed cases whose names hold their sizes; others of the same
// form can be named.
var shaped = []string{
	"matmul/f32/1024x1024x1024",
	"matmul/f32/3072x2064x516",
	"matmul/f32/3072x336x1024",
	"matmul/f32/512x2048x768",
	"matmul/bf16/512x4096x4096",
	"matvec/f32/2048x768",
	"matvec/bf16/4096x4096",
	"matvec/int8/4096x4096",
	"matvec/int4/4096x4096",
	"attention/forward/1x3072x12x43",
	"attention/backward/1x3072x12x43",
	"attention/decode/1x1024x12x64",
}

// parse makes a case of a name that holds sizes:
//
//	matmul/TYPE/MxNxK                       TYPE is how weights are stored:
//	matvec/TYPE/MxK                         f32, bf16, f16, int8 or int4
//	attention/{forward,backward}/BxTxHxD    full attention
//	attention/decode/BxTxHxD                one query, T keys
func parse(name string) (Case, error) {
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		return Case{}, unknown(name)
	}
	var sizes []int
	work := 1.0
	for _, s := range strings.Split(name[at+1:], "x") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return Case{}, unknown(name)
		}
		sizes, work = append(sizes, n), work*float64(n)
	}
	if work > 1e12 {
		return Case{}, fmt.Errorf("case %q is too large", name)
	}
	kind := name[:at]
	product, stored, _ := strings.Cut(kind, "/")
	d, known := nn.Storage(stored)
	switch {
	case product == "matmul" && known && len(sizes) == 3:
		return matmulCase(name, d, sizes[0], sizes[1], sizes[2])
	case product == "matvec" && known && len(sizes) == 2:
		return matmulCase(name, d, 1, sizes[0], sizes[1])
	case kind == "attention/forward" && len(sizes) == 4:
		return attentionForward(name, [4]int(sizes), sizes[1]), nil
	case kind == "attention/backward" && len(sizes) == 4:
		return attentionBackward(name, [4]int(sizes)), nil
	case kind == "attention/decode" && len(sizes) == 4:
		return attentionForward(name, [4]int(sizes), 1), nil
	}
	return Case{}, unknown(name)
}

func unknown(name string) error {
	return fmt.Errorf("no case %q: --list shows them", name)
}

// matmulCase is x (M, K) times weights (N, K) transposed, as layers compute it,
// with the weights stored as d; Invalid is the device's own type.
func matmulCase(name string, d tensor.DType, m, n, k int) (Case, error) {
	if d != tensor.Invalid && !tensor.CanPack(d, []int{n, k}) {
		return Case{}, fmt.Errorf("case %q: rows of %d weights cannot be stored as %v", name, k, d)
	}
	return opCase(name, kernels.MatMul, kernels.Case{P: kernels.MatMulParams{TransB: true},
		In: []kernels.Fill{kernels.Normal(m, k), kernels.Normal(n, k).As(d)}}), nil
}

func attentionForward(name string, s [4]int, queries int) Case {
	q, kv := kernels.Normal(s[0], queries, s[2], s[3]), kernels.Normal(s[:]...)
	return opCase(name, kernels.Attention, kernels.Case{P: kernels.AttentionParams{}, In: []kernels.Fill{q, kv, kv, {}, {}}})
}

func attentionBackward(name string, s [4]int) Case {
	x, lse := kernels.Normal(s[:]...), kernels.Fixed(8, s[0], s[2], s[1])
	return opCase(name, kernels.AttentionBackward,
		kernels.Case{P: kernels.AttentionParams{}, In: []kernels.Fill{x, x, x, x, lse, x, {}, {}}})
}

// kernelCases are the sizes that operations declare for timing: kernel/OP, with
// what tells it apart where there are several.
func kernelCases() []Case {
	var all []Case
	for _, op := range kernels.Ops() {
		names := map[string]int{}
		for _, c := range op.Cases {
			if c.Bench {
				names[caseName(op, c)]++
			}
		}
		for _, c := range op.Cases {
			if !c.Bench {
				continue
			}
			name := caseName(op, c)
			if names[name] > 1 {
				name += "/" + operandSizes(c)
			}
			all = append(all, opCase(name, op, c))
		}
	}
	return all
}

func caseName(op *kernels.Op, c kernels.Case) string {
	variant := strings.Trim(strings.TrimPrefix(c.Name, "bench"), ", ")
	if variant == "" {
		return "kernel/" + op.Name
	}
	return "kernel/" + op.Name + "/" + strings.ReplaceAll(strings.ReplaceAll(variant, ",", ""), " ", "-")
}

// operandSizes spells the shapes of a case's inputs: "512x768-768x2048".
func operandSizes(c kernels.Case) string {
	var shapes []string
	for _, f := range c.In {
		if f.Present() {
			shapes = append(shapes, strings.ReplaceAll(strings.Trim(fmt.Sprint(f.Shape), "[]"), " ", "x"))
		}
	}
	return strings.Join(shapes, "-")
}

// opCase times one call of an operation.
func opCase(name string, op *kernels.Op, c kernels.Case) Case {
	return Case{Name: name, prepare: func(_ context.Context, d kernels.Device) (work, error) {
		call := c.Call(op, d, d.Float(), rand.New(rand.NewPCG(1, 2)))
		return work{
			run: func(context.Context) error {
				kernels.RunInto(d, op, c.P, call.In, call.Out)
				return nil
			},
			free: call.Free,
		}, nil
	}}
}
