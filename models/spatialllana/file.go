package spatialllana

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/llama"
	"llana/models/tokenizer"
	"llana/nn"
	"llana/tensor"
)

// OpenOptions say how a folder that is not complete is opened.
type OpenOptions struct {
	// Projector, if not nil, is the projector the model is to have. If the
	// folder's has other sizes, or it has none, it is initialised. Without
	// Hidden, it has the folder's hidden layers, or else the published one.
	Projector *Projector
	// Random initialises all weights, with the projector that projector.yaml
	// describes, if there is one: no weights are read.
	Random bool
	Seed   uint64 // of what is initialised
	// Weights is how the language model's matrices are stored.
	Weights Weights
	// HostLayers is how many layers, counted from the last, stay in the memory
	// of the process and are copied to the device when they are used.
	HostLayers int
}

func (o OpenOptions) resident(c Config) int { return max(0, c.Layers-o.HostLayers) }

// Weights says how a language model's matrices are stored on the device. Packed
// ones cannot be trained.
type Weights struct {
	// AsStored keeps the type that the files have: nothing is rounded, and
	// 16-bit files take half the memory of float32.
	AsStored bool
	// DType is a packed type to round to, or Invalid for float32.
	DType tensor.DType
}

// ParseWeights reads auto (as stored), f32, bf16, f16, int8 or int4.
func ParseWeights(s string) (Weights, error) {
	if s == "auto" {
		return Weights{AsStored: true}, nil
	}
	d, ok := nn.Storage(s)
	if !ok {
		return Weights{}, fmt.Errorf("weights %q: want auto, f32, bf16, f16, int8 or int4", s)
	}
	return Weights{DType: d}, nil
}

// storage returns the type of each matrix by its name.
func (w Weights) storage(src checkpoint.Source) func(name string) tensor.DType {
	if !w.AsStored {
		return llama.Storage(w.DType)
	}
	return func(name string) tensor.DType {
		info, err := src.Info(name)
		if err != nil || !info.DType.IsPacked() {
			return tensor.Invalid // a missing tensor is told of later
		}
		return info.DType
	}
}

// Open loads a model folder onto d.
func Open(d kernels.Device, dir string, o OpenOptions) (*Model, error) {
	c, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return nil, err
	}
	if o.Random {
		m := newModel(d, c, tok, llama.Storage(o.Weights.DType), o.resident(c))
		m.Init(o.Seed)
		m.Fresh = []string{"all weights"}
		return m, nil
	}
	src, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	m, err := fromTensors(d, c, tok, src, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return m, nil
}

// publishedHidden is the width of the published projector's hidden layer.
const publishedHidden = 2048

func fromTensors(d kernels.Device, c Config, tok *tokenizer.Tokenizer, src checkpoint.Source, o OpenOptions) (*Model, error) {
	stored, found, err := projectorOf(src, c.Config)
	if err != nil {
		return nil, err
	}
	described := c.Projector
	c.Projector = nil
	if found {
		c.Projector = &stored
		if described != nil {
			stored.Tokens, stored.Pool = described.Tokens, described.Pool
		}
	}
	fresh := false
	if o.Projector != nil {
		want := *o.Projector
		switch {
		case want.Hidden != nil:
		case described != nil:
			want.Hidden = described.Hidden
		case found:
			want.Hidden = stored.Hidden
		default:
			want.Hidden = []int{publishedHidden}
		}
		c.Projector, fresh = &want, !found || !stored.sameSizes(want)
	}
	if err := checkSizes(src, c.Config); err != nil {
		return nil, err
	}
	m := newModel(d, c, tok, o.Weights.storage(src), o.resident(c))
	if fresh {
		m.project.init(rand.New(rand.NewPCG(o.Seed, 2)))
		m.Fresh = append(m.Fresh, "projector")
	}
	if err := m.load(src, fresh); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}

// checkSizes compares the sizes that config.json claims with the tensors, so
// that no memory is taken for a claim. The other tensors are checked by load.
func checkSizes(src checkpoint.Source, c llama.Config) error {
	layers := 0
	for _, n := range src.Names() {
		if strings.HasPrefix(n, "model.layers.") && strings.HasSuffix(n, ".self_attn.q_proj.weight") {
			layers++
		}
	}
	if layers != c.Layers {
		return fmt.Errorf("%s: num_hidden_layers is %d, but the weights have %d layers", ConfigName, c.Layers, layers)
	}
	for _, t := range []struct {
		name  string
		shape []int
	}{
		{"model.embed_tokens.weight", []int{c.VocabSize, c.HiddenSize}},
		{"model.layers.0.self_attn.q_proj.weight", []int{c.HiddenSize, c.HiddenSize}},
		{"model.layers.0.self_attn.k_proj.weight", []int{c.KeyHeads * c.HeadDim(), c.HiddenSize}},
		{"model.layers.0.mlp.gate_proj.weight", []int{c.IntermediateSize, c.HiddenSize}},
	} {
		info, err := src.Info(t.name)
		if err != nil {
			return err
		}
		if !slices.Equal(info.Shape, t.shape) {
			return fmt.Errorf("tensor %s has shape %v, but %s says %v", t.name, info.Shape, ConfigName, t.shape)
		}
	}
	return nil
}

// load sets the parameters from src, the projector's only if it is not fresh.
// Missing, unknown and misshapen tensors are told in one error.
func (m *Model) load(src checkpoint.Source, freshProjector bool) error {
	skip := func(name string) bool { return freshProjector && strings.HasPrefix(name, projectorName+".") }
	var missing, misshapen, unknown []string
	known := map[string]bool{}
	for _, p := range m.Params.All() {
		known[p.Name] = true
		if skip(p.Name) {
			continue
		}
		info, err := src.Info(p.Name)
		switch {
		case errors.Is(err, checkpoint.ErrNoTensor):
			missing = append(missing, p.Name)
		case err != nil:
			return err
		case !slices.Equal(info.Shape, p.Value.Shape()):
			misshapen = append(misshapen, fmt.Sprintf("%s %v, want %v", p.Name, info.Shape, p.Value.Shape()))
		}
	}
	for _, n := range src.Names() {
		// Buffers of older versions of transformers, and a tied output matrix.
		ignored := strings.HasSuffix(n, "rotary_emb.inv_freq") || m.TieEmbeddings && n == "lm_head.weight"
		if !known[n] && !ignored && !skip(n) {
			unknown = append(unknown, n)
		}
	}
	var faults []string
	for _, f := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"misshapen", misshapen}, {"not known", unknown}} {
		if len(f.names) > 0 {
			faults = append(faults, fmt.Sprintf("%d tensors are %s: %s", len(f.names), f.what, abbreviate(f.names)))
		}
	}
	if faults != nil {
		return errors.New(strings.Join(faults, "; "))
	}
	for _, p := range m.Params.All() {
		if skip(p.Name) {
			continue
		}
		if err := checkpoint.Load(src, p.Name, p.Value); err != nil {
			return err
		}
		if err := m.Device().Err(); err != nil {
			return fmt.Errorf("tensor %s: %w", p.Name, err)
		}
	}
	return nil
}

func abbreviate(names []string) string {
	sort.Strings(names)
	if len(names) > 8 {
		names = append(names[:8:8], "…")
	}
	return strings.Join(names, ", ")
}
