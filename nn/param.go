package nn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"llana/autograd"
	"llana/kernels"
	"llana/tensor"
)

// Param is a named tensor of a model: a weight, or state that is not trained
// (Buffer), such as running statistics.
type Param struct {
	autograd.Leaf
	Name   string
	Buffer bool
}

// Set is where a model's layers register their parameters. Sub-sets share the
// list and add a prefix to the names.
type Set struct {
	dev     kernels.Device
	mem     tensor.Memory // where parameters are allocated
	prefix  string
	storage func(name string) tensor.DType // of matrices; nil: the device's own type
	all     *[]*Param
}

// NewSet returns an empty set of parameters that will live on d.
func NewSet(d kernels.Device) *Set { return &Set{dev: d, mem: d, all: new([]*Param)} }

// Device returns where the parameters live.
func (s *Set) Device() kernels.Device { return s.dev }

// In returns the set seen from inside a child module: names get the prefix
// "name.".
func (s *Set) In(name string) *Set {
	sub := *s
	sub.prefix += name + "."
	return &sub
}

// At is In for the i-th child of a list.
func (s *Set) At(name string, i int) *Set { return s.In(fmt.Sprintf("%s.%d", name, i)) }

// StoredAs returns the set with another storage type for the matrices that are
// registered through it: a packed type by full name, or Invalid for the device's
// own.
func (s *Set) StoredAs(storage func(name string) tensor.DType) *Set {
	sub := *s
	sub.storage = storage
	return &sub
}

// InMemory returns the set with parameters allocated in mem instead of on the
// device: they are kept there, to be copied to the device when they are used.
func (s *Set) InMemory(mem tensor.Memory) *Set {
	sub := *s
	sub.mem = mem
	return &sub
}

// Storage returns the storage type of matrices that users name f32 (Invalid: the
// device's own), bf16, f16, int8 or int4.
func Storage(name string) (d tensor.DType, ok bool) {
	switch name {
	case "f32":
		return tensor.Invalid, true
	case "bf16":
		return tensor.BF16, true
	case "f16":
		return tensor.F16, true
	case "int8":
		return tensor.Q8, true
	case "int4":
		return tensor.Q4, true
	}
	return tensor.Invalid, false
}

// New registers a parameter. Its elements are undefined.
func (s *Set) New(name string, shape ...int) *Param {
	return s.add(name, s.dev.Float(), shape)
}

// NewMatrix registers a weight matrix (out, in) in the set's storage type, if
// that can hold its shape. A packed matrix is frozen for good.
func (s *Set) NewMatrix(name string, out, in int) *Param {
	shape := []int{out, in}
	d := tensor.Invalid
	if s.storage != nil {
		d = s.storage(s.prefix + name)
	}
	if !tensor.CanPack(d, shape) {
		return s.add(name, s.dev.Float(), shape)
	}
	p := s.add(name, d, shape)
	p.Frozen = true
	return p
}

func (s *Set) add(name string, d tensor.DType, shape []int) *Param {
	p := &Param{Name: s.prefix + name}
	p.Value = tensor.New(s.mem, d, shape...)
	*s.all = append(*s.all, p)
	return p
}

// NewBuffer registers state that is not trained.
func (s *Set) NewBuffer(name string, shape ...int) *Param {
	p := s.New(name, shape...)
	p.Buffer, p.Frozen = true, true
	return p
}

// All returns parameters and buffers in the order they were registered.
func (s *Set) All() []*Param { return *s.all }

// Trainable returns the parameters that are not frozen.
func (s *Set) Trainable() []*Param {
	var ps []*Param
	for _, p := range *s.all {
		if !p.Frozen {
			ps = append(ps, p)
		}
	}
	return ps
}

// Freeze freezes every parameter for which trainable returns false, and
// unfreezes the others. Buffers and packed matrices stay frozen.
func (s *Set) Freeze(trainable func(name string) bool) {
	for _, p := range *s.all {
		p.Frozen = p.Buffer || p.Value.DType().IsPacked() || !trainable(p.Name)
	}
}

// Count returns the number of elements of all parameters without buffers.
func (s *Set) Count() int {
	n := 0
	for _, p := range *s.all {
		if !p.Buffer {
			n += p.Value.Len()
		}
	}
	return n
}

// Free frees the memory of all parameters.
func (s *Set) Free() {
	for _, p := range *s.all {
		p.Leaf.Free()
	}
}

// Get returns the parameter of that full name, or nil.
func (s *Set) Get(name string) *Param {
	for _, p := range *s.all {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Load sets every parameter from get, which returns the elements for a name
// and shape. Names that get does not know (it returns ErrMissing) and other
// errors are collected into one.
func (s *Set) Load(get func(name string, shape []int) ([]float32, error)) error {
	var missing []string
	for _, p := range *s.all {
		v, err := get(p.Name, p.Value.Shape())
		if err == ErrMissing {
			missing = append(missing, p.Name)
			continue
		}
		if err != nil {
			return err
		}
		if err := p.Store(v); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		return fmt.Errorf("%d tensors are missing: %s", len(missing), abbreviate(missing))
	}
	return nil
}

// ErrMissing is what Load's get returns for a name it does not know.
var ErrMissing = fmt.Errorf("no such tensor")

func abbreviate(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// Read returns the parameter's elements.
func (p *Param) Read(ctx context.Context) ([]float32, error) { return p.Value.ReadFloat32(ctx) }

// Store sets the elements, rounded to the parameter's storage type. NaN and
// infinities do not fit into integers: the error names the parameter.
func (p *Param) Store(v []float32) error {
	if err := p.Value.Store(v); err != nil {
		return fmt.Errorf("tensor %s as %v: %w", p.Name, p.Value.DType(), err)
	}
	return nil
}

// Fill sets every element from f, which gives finite numbers.
func (p *Param) Fill(f func() float64) {
	v := make([]float32, p.Value.Len())
	for i := range v {
		v[i] = float32(f())
	}
	if err := p.Store(v); err != nil {
		panic(err)
	}
}

// Set sets every element to v.
func (p *Param) Set(v float64) { p.Fill(func() float64 { return v }) }

// Uniform fills with U(-bound, bound).
func (p *Param) Uniform(r *rand.Rand, bound float64) {
	p.Fill(func() float64 { return (2*r.Float64() - 1) * bound })
}

// Normal fills with N(0, std^2).
func (p *Param) Normal(r *rand.Rand, std float64) {
	p.Fill(func() float64 { return std * r.NormFloat64() })
}

// XavierUniform fills with U(-b, b), b = sqrt(6 / (fan in + fan out)).
func (p *Param) XavierUniform(r *rand.Rand) {
	out, in := p.Value.Dim(0), p.Value.Len()/p.Value.Dim(0)
	p.Uniform(r, math.Sqrt(6/float64(in+out)))
}
