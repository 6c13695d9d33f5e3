package spatialllana

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"llana/autograd"
	"llana/models/checkpoint"
	"llana/models/llama"
	"llana/nn"
)

// Projector describes the object tokens and the network that maps them to the
// decoder's width: linear layers with GELU between them.
type Projector struct {
	Width  int   // of the object tokens ("trans_dim")
	Hidden []int // widths of the hidden layers
	// Tokens is how many tokens an object has ("num_group" + 1); 0 if the
	// folder does not say, and then any number will do.
	Tokens int
	// Pool is "" or "mean": the decoder reads the mean of an object's tokens
	// instead of the tokens, so that Tokens is 1. It is the baseline of one
	// global vector.
	Pool string
}

// PoolMean is the value of Projector.Pool for the mean.
const PoolMean = "mean"

// The file's form. Only these of the reference's entries matter.
type projectorFile struct {
	Model struct {
		Width       *int   `yaml:"trans_dim"`
		Groups      *int   `yaml:"num_group"`
		HiddenCount *int   `yaml:"projection_hidden_layer"`
		Hidden      []int  `yaml:"projection_hidden_dim,flow"`
		MaxPool     bool   `yaml:"use_max_pool"`
		Pool        string `yaml:"pool_tokens"`
	} `yaml:"model"`
}

// ParseProjector reads a projector.yaml in the reference's form.
func ParseProjector(b []byte) (Projector, error) {
	var f projectorFile
	// An empty file decodes to io.EOF.
	if err := yaml.Unmarshal(b, &f); err != nil && !errors.Is(err, io.EOF) {
		return Projector{}, fmt.Errorf("not a projector's YAML: %w", err)
	}
	m := f.Model
	if m.Width == nil || m.Groups == nil {
		return Projector{}, errors.New("model: trans_dim or num_group is missing")
	}
	if *m.Groups < 0 || *m.Groups > maxObjectTokens {
		return Projector{}, fmt.Errorf("num_group is %d, want 0 to %d", *m.Groups, maxObjectTokens)
	}
	if m.MaxPool {
		return Projector{}, errors.New("use_max_pool is true, which is not supported")
	}
	hidden := m.Hidden
	if m.HiddenCount != nil {
		if *m.HiddenCount < 0 || *m.HiddenCount > len(hidden) {
			return Projector{}, fmt.Errorf("projection_hidden_layer is %d, but projection_hidden_dim has %d entries", *m.HiddenCount, len(hidden))
		}
		hidden = hidden[:*m.HiddenCount]
	}
	p := Projector{Width: *m.Width, Hidden: hidden, Tokens: *m.Groups + 1, Pool: m.Pool}
	return p, p.Validate()
}

const (
	maxObjectTokens = 1 << 20
	maxWidth        = 1 << 20
	maxHidden       = 16
)

// Validate says what is wrong with the sizes, if anything.
func (p Projector) Validate() error {
	if len(p.Hidden) > maxHidden {
		return fmt.Errorf("projection_hidden_dim has %d entries, want at most %d", len(p.Hidden), maxHidden)
	}
	for _, w := range append([]int{p.Width}, p.Hidden...) {
		if w < 1 || w > maxWidth {
			return fmt.Errorf("trans_dim or projection_hidden_dim is %d, want 1 to %d", w, maxWidth)
		}
	}
	if p.Pool != "" && p.Pool != PoolMean {
		return fmt.Errorf("pool_tokens is %q, want %q or nothing", p.Pool, PoolMean)
	}
	if p.Pool != "" && p.Tokens != 1 {
		return fmt.Errorf("num_group is %d, want 0 with pool_tokens", p.Tokens-1)
	}
	return nil
}

// YAML returns the projector as a projector.yaml.
func (p Projector) YAML() []byte {
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Hidden), " ", ", "), "[]")
	pool := ""
	if p.Pool != "" {
		pool = ",\n  pool_tokens: " + p.Pool
	}
	return fmt.Appendf(nil, "model : {\n  trans_dim: %d,\n  num_group: %d,\n  projection_hidden_layer: %d,\n  projection_hidden_dim: [%s],\n  use_max_pool: false%s\n}\n",
		p.Width, p.Tokens-1, len(p.Hidden), dims, pool)
}

// sameSizes reports whether the layers of two projectors have the same shapes.
func (p Projector) sameSizes(q Projector) bool {
	return p.Width == q.Width && slices.Equal(p.Hidden, q.Hidden)
}

const projectorName = "model.vec_proj"

func projectorWeight(i int) string { return fmt.Sprintf("%s.%d.weight", projectorName, 2*i) }

// projectorOf derives the projector's sizes from a checkpoint's tensors. found
// is false if it has none.
func projectorOf(src checkpoint.Source, c llama.Config) (p Projector, found bool, err error) {
	var widths []int
	for i := 0; ; i++ {
		name := projectorWeight(i)
		info, err := src.Info(name)
		if errors.Is(err, checkpoint.ErrNoTensor) {
			break
		}
		if err != nil {
			return p, false, err
		}
		if len(info.Shape) != 2 || i > 0 && info.Shape[1] != widths[i] || i > maxHidden {
			return p, false, fmt.Errorf("tensor %s has shape %v, which does not follow layers of widths %v", name, info.Shape, widths)
		}
		if i == 0 {
			widths = append(widths, info.Shape[1])
		}
		widths = append(widths, info.Shape[0])
	}
	if widths == nil {
		return p, false, nil
	}
	if last := widths[len(widths)-1]; last != c.HiddenSize {
		return p, false, fmt.Errorf("the projector's output has width %d, want hidden_size %d", last, c.HiddenSize)
	}
	return Projector{Width: widths[0], Hidden: widths[1 : len(widths)-1]}, true, nil
}

// network is the projector's layers.
type network []*nn.Linear

func newNetwork(s *nn.Set, p Projector, out int) network {
	var n network
	in := p.Width
	for i, w := range append(slices.Clone(p.Hidden), out) {
		n = append(n, nn.NewLinear(s.At(projectorName, 2*i), in, w, true))
		in = w
	}
	return n
}

// init draws weights from N(0, 0.02^2), as transformers initialises layers that
// a checkpoint lacks; biases are 0.
func (n network) init(r *rand.Rand) {
	for _, l := range n {
		l.Weight.Normal(r, llama.InitStd)
		l.Bias.Set(0)
	}
}

// forward maps object tokens (N, width) to (N, hidden).
func (n network) forward(x *autograd.Var) *autograd.Var {
	for i, l := range n {
		x = l.Forward(x)
		if i < len(n)-1 {
			x = autograd.GELU(x)
		}
	}
	return x
}
