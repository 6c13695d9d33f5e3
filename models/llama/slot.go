package llama

import (
	"strings"

	"llana/autograd"
	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// slot is a layer on the device that stands in for the layers kept elsewhere,
// one at a time.
type slot struct {
	dev   kernels.Device
	layer *layer // nil until it is needed
}

// present returns a layer that is on the device: l or its copy in the slot.
func (m *Model) present(l *layer, t *autograd.Tape) *layer {
	if !l.away {
		return l
	}
	if t.Recording() { // Backward would find another layer in the slot
		panic("llama: a model with layers in host memory cannot be trained")
	}
	return m.slot.load(l)
}

// load copies a layer into the slot. Work launched before reads what was there;
// what is launched next reads the copy.
func (s *slot) load(l *layer) *layer {
	if s.layer == nil {
		set := nn.NewSet(s.dev).StoredAs(l.typeOf)
		s.layer = newLayer(set, l.c)
	}
	for i, p := range l.params {
		at := s.layer.params[i]
		if at.Value.DType() != p.Value.DType() { // of layers stored in different types
			at.Value.Free()
			at.Value = tensor.New(s.dev, p.Value.DType(), p.Value.Shape()...)
		}
		at.Frozen = true
		at.Value.StoreRaw(0, tensor.Raw(p.Value))
	}
	return s.layer
}

// typeOf returns how the layer stores the matrix of a name without prefix.
func (l *layer) typeOf(name string) tensor.DType {
	for _, p := range l.params {
		if strings.HasSuffix(p.Name, "."+name) {
			return p.Value.DType()
		}
	}
	return tensor.Invalid
}

func (s *slot) free() {
	if s.layer == nil {
		return
	}
	for _, p := range s.layer.params {
		p.Leaf.Free()
	}
	s.layer = nil
}
