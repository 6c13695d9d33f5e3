package spatialllana

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"llana/models/checkpoint"
	"llana/models/llama"
	"llana/tensor"
)

// PlanOptions say what a Plan is for.
type PlanOptions struct {
	// Storage gives the type of each matrix, as for nn.Set.StoredAs; nil is
	// float32.
	Storage func(name string) tensor.DType
	Context int // tokens that the cache holds; PlanFolder takes 0 for the model's own
	Chunk   int // tokens of a prompt that are read at a time
	// CacheType is the type of keys and values; the zero value is float32.
	CacheType tensor.DType
	// Budget is the device's memory in bytes; 0 has no bound. Layers that do
	// not fit stay in the process' memory.
	Budget int64
}

// Plan says where a model's bytes go: computed from sizes, before anything is
// loaded.
type Plan struct {
	Layers   int // of the decoder
	Resident int // of them on the device

	Layer       int64 // the largest layer's weights
	LayersBytes int64 // all layers' weights
	Tables      int64 // embedding table and output matrix
	Other       int64 // norms behind the layers, projector
	Cache       int64 // keys and values of Context tokens
	Activations int64 // the most that reading a chunk of the prompt takes
}

// reserve is what a device holds beside tensors: buffers for transfers,
// kernels, and the rest of allocations that come in large pieces.
const reserve = 512 << 20

// NewPlan plans a model of the given sizes.
func NewPlan(c Config, o PlanOptions) Plan {
	p := Plan{Layers: c.Layers}
	matrix := func(name string, out, in int) int64 {
		shape := []int{out, in}
		d := tensor.F32
		if o.Storage != nil && tensor.CanPack(o.Storage(name), shape) {
			d = o.Storage(name)
		}
		return int64(d.Bytes(shape))
	}
	for i := range c.Layers {
		n := layerBytes(c.Config, i, matrix)
		p.LayersBytes += n
		p.Layer = max(p.Layer, n)
	}
	p.Tables = matrix("model.embed_tokens.weight", c.VocabSize, c.HiddenSize)
	if !c.TieEmbeddings {
		p.Tables += matrix("lm_head.weight", c.VocabSize, c.HiddenSize)
	}
	p.Other = int64(4 * c.HiddenSize)
	if c.Projector != nil {
		p.Other += projectorBytes(*c.Projector, c.HiddenSize)
	}
	p.Cache = llama.CacheBytes(c.Config, 1, o.Context, cmp.Or(o.CacheType, tensor.F32))
	p.Activations = activationBytes(c, o)
	p.place(o.Budget)
	return p
}

// layerBytes returns the bytes of a layer's weights.
func layerBytes(c llama.Config, i int, matrix func(name string, out, in int) int64) int64 {
	h, kv, f := c.HiddenSize, c.KeyHeads*c.HeadDim(), c.IntermediateSize
	n := int64(2 * 4 * h) // the norms
	for _, m := range []struct {
		name    string
		out, in int
	}{{"self_attn.q_proj", h, h}, {"self_attn.k_proj", kv, h}, {"self_attn.v_proj", kv, h}, {"self_attn.o_proj", h, h},
		{"mlp.gate_proj", f, h}, {"mlp.up_proj", f, h}, {"mlp.down_proj", h, f}} {
		n += matrix(fmt.Sprintf("model.layers.%d.%s.weight", i, m.name), m.out, m.in)
	}
	return n
}

func projectorBytes(p Projector, hidden int) int64 {
	var n int64
	in := p.Width
	for _, out := range append(append([]int(nil), p.Hidden...), hidden) {
		n += int64(4 * (in + 1) * out)
		in = out
	}
	return n
}

// activationBytes counts what is alive at the end of a layer for a chunk of the
// prompt: its input, two norms, queries (before and after turning), keys, values,
// what attention gives, the sum behind it, the wide rows of the feed-forward part
// (three, of which two are temporary) and its output; or, if that is more, the
// logits of a position.
func activationBytes(c Config, o PlanOptions) int64 {
	h, kv, f := c.HiddenSize, c.KeyHeads*c.HeadDim(), c.IntermediateSize
	layer := int64(min(o.Chunk, o.Context)) * int64(8*h+2*kv+3*f+c.Heads)
	return 4 * max(layer, int64(c.VocabSize))
}

// place decides how many layers are on the device. With some elsewhere, one
// more has its place there, into which they are copied.
func (p *Plan) place(budget int64) {
	p.Resident = p.Layers
	if budget <= 0 || p.DeviceBytes() <= budget {
		return
	}
	for p.Resident > 0 && p.DeviceBytes() > budget {
		p.Resident--
	}
}

// WeightBytes returns the bytes of all weights.
func (p Plan) WeightBytes() int64 { return p.LayersBytes + p.Tables + p.Other }

// DeviceBytes returns the device memory that the plan takes.
func (p Plan) DeviceBytes() int64 {
	n := p.Tables + p.Other + p.Cache + p.Activations + reserve
	if p.Resident == p.Layers {
		return n + p.LayersBytes
	}
	return n + int64(p.Resident+1)*p.Layer
}

// HostBytes returns the memory of the process for the layers that are not on
// the device.
func (p Plan) HostBytes() int64 { return int64(p.Layers-p.Resident) * p.Layer }

// PlanFolder plans a model folder, of which it reads the configuration and the
// files' headers; the configuration alone where there are no weights yet.
func PlanFolder(dir string, w Weights, o PlanOptions) (Plan, error) {
	c, err := ReadConfig(dir)
	if err != nil {
		return Plan{}, err
	}
	if o.Context == 0 {
		o.Context = c.Context()
	}
	has := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	if name, _ := checkpoint.WeightsFile(has); name == "" {
		if w.AsStored {
			w.DType = c.storedType()
		}
		o.Storage = llama.Storage(w.DType)
		return NewPlan(c, o), nil
	}
	src, err := checkpoint.Open(dir)
	if err != nil {
		return Plan{}, err
	}
	defer src.Close()
	if stored, found, err := projectorOf(src, c.Config); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", dir, err)
	} else if found {
		c.Projector = &stored
	}
	if err := checkSizes(src, c.Config); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", dir, err)
	}
	o.Storage = w.storage(src)
	return NewPlan(c, o), nil
}

// storedType returns the type that config.json says the weights have.
func (c Config) storedType() tensor.DType {
	switch string(c.file["torch_dtype"]) {
	case `"float16"`:
		return tensor.F16
	case `"bfloat16"`:
		return tensor.BF16
	}
	return tensor.Invalid
}

// Published returns the sizes of the published models, "7b" and "13b".
func Published(name string) (Config, bool) {
	c := Config{Projector: &Projector{Width: 516, Hidden: []int{publishedHidden}, Tokens: 3072}}
	switch name {
	case "7b":
		c.Config = llama.Config{HiddenSize: 4096, IntermediateSize: 11008, Layers: 32, Heads: 32}
	case "13b":
		c.Config = llama.Config{HiddenSize: 5120, IntermediateSize: 13824, Layers: 40, Heads: 40}
	default:
		return c, false
	}
	c.KeyHeads, c.VocabSize = c.Heads, 32003
	return c, true
}
