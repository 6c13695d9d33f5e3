package kernels

import (
	"context"

	"llana/tensor"
)

// Device runs operations on tensors in its memory. Launch only records on a
// GPU; the order of launches, uploads and downloads is kept. Like a
// bufio.Writer, a device remembers its first error: later calls do nothing and
// Download, Sync and Err return it.
type Device interface {
	tensor.Memory
	Info() Info
	// Float is the type of float tensors on this device: F32, or F64 on the
	// float64 reference device.
	Float() tensor.DType
	Launch(c *Call)
	// Sync waits until everything launched is done.
	Sync(ctx context.Context) error
	Err() error
	Close() error
}

// Info describes a device.
type Info struct {
	Name    string // as the driver gives it
	Backend string // "cpu", "vulkan", "reference"
	Kind    string // "cpu", "integrated gpu", "discrete gpu", "virtual gpu"
	Driver  string
	Limits  Limits
}

// Limits are the device limits that kernels are planned by.
type Limits struct {
	MaxGroups      int   // workgroups per dimension of a dispatch
	MaxBinding     int64 // bytes of one storage binding
	MaxBuffer      int64 // bytes of one buffer
	MaxInvocations int   // invocations per workgroup
	WorkgroupBytes int   // bytes of workgroup memory
	// Workers is how many workgroups run at a time, where that is known: the
	// processors of a software driver. It chooses presets, no results.
	Workers int
}

// BaseLimits are those every WebGPU device has: kernels' base versions stay
// inside them.
var BaseLimits = Limits{
	MaxGroups:      65535,
	MaxBinding:     128 << 20,
	MaxBuffer:      256 << 20,
	MaxInvocations: 256,
	WorkgroupBytes: 16 << 10,
}

// Run launches op on d with freshly allocated outputs.
func Run(d Device, op *Op, p any, in ...*tensor.Tensor) []*tensor.Tensor {
	in = padded(op, in)
	checkKinds(d, op, op.In, in)
	shapes := op.shapes(p, shapesOf(in))
	out := make([]*tensor.Tensor, len(op.Out))
	for i, a := range op.Out {
		if a.InOut {
			panic("kernels: Run of " + op.Name + ", which updates " + a.Name + " in place: use RunInto")
		}
		out[i] = tensor.New(d, dtypeOf(d, a.Kind), shapes[i]...)
	}
	d.Launch(&Call{Op: op, P: p, In: in, Out: out})
	return out
}

// RunInto launches op on d with the given outputs.
func RunInto(d Device, op *Op, p any, in, out []*tensor.Tensor) {
	in = padded(op, in)
	checkKinds(d, op, op.In, in)
	checkKinds(d, op, op.Out, out)
	for i, want := range op.shapes(p, shapesOf(in)) {
		// A nil shape means that the operation leaves it to the caller.
		Check(want == nil || tensor.SameShape(want, out[i].Shape()), op.Name, append(shapesOf(in), shapesOf(out)...),
			"output %s has shape %v, want %v", op.Out[i].Name, out[i].Shape(), want)
	}
	d.Launch(&Call{Op: op, P: p, In: in, Out: out})
}

func dtypeOf(d Device, k Kind) tensor.DType {
	if k == Int {
		return tensor.I32
	}
	return d.Float()
}

func checkKinds(d Device, op *Op, args []Arg, ts []*tensor.Tensor) {
	Check(len(args) == len(ts), op.Name, shapesOf(ts), "%d operands given, want %d", len(ts), len(args))
	for i, a := range args {
		if ts[i] == nil {
			Check(a.Optional, op.Name, shapesOf(ts), "operand %s is missing", a.Name)
			continue
		}
		t := ts[i].DType()
		Check(t == dtypeOf(d, a.Kind) || a.Packed && t.IsPacked(), op.Name, shapesOf(ts), "operand %s has element type %v", a.Name, t)
	}
}
