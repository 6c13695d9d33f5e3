package llama

import (
	"math/rand/v2"
	"strings"

	"llana/autograd"
	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// Model is the decoder with its embedding table and output matrix.
type Model struct {
	Config
	table  *nn.Param // (vocabulary, hidden)
	head   *nn.Param // the same shape; the table itself if they are tied
	norm   *nn.RMSNorm
	layers []*layer
	slot   *slot // for the layers that are not on the device
}

// layer is one decoder layer.
type layer struct {
	c                      *Config
	params                 []*nn.Param // all of the layer's
	away                   bool        // not on the device
	inputNorm, postNorm    *nn.RMSNorm
	query, key, value, out *nn.Linear
	gate, up, down         *nn.Linear
}

// Storage returns how the matrices of a model are stored as d, for
// nn.Set.StoredAs. With 4-bit integers the embedding table and the output matrix
// have 8: they are a small part of a model, and their error goes straight into
// its input and its logits.
func Storage(d tensor.DType) func(name string) tensor.DType {
	return func(name string) tensor.DType {
		if d == tensor.Q4 && (name == "model.embed_tokens.weight" || name == "lm_head.weight") {
			return tensor.Q8
		}
		return d
	}
}

// IsMatrix reports whether a name is that of one of a decoder's matrices, which
// can be stored packed: not of a norm, nor of another network in the same file.
func IsMatrix(name string) bool {
	return name == "model.embed_tokens.weight" || name == "lm_head.weight" ||
		strings.HasPrefix(name, "model.layers.") && strings.HasSuffix(name, "_proj.weight")
}

// New registers a model's parameters in s under Hugging Face's names. They are
// not initialised, but for the norms' weights, which are 1.
func New(s *nn.Set, c Config) *Model { return NewSplit(s, c, c.Layers) }

// NewSplit is New for a device that cannot hold all layers: the first resident
// ones are there, the others in the memory of the process, from where each is
// copied to the device whenever it is used. That is slower and gives the same
// numbers. Such a model cannot be trained.
func NewSplit(s *nn.Set, c Config, resident int) *Model {
	m := &Model{Config: c}
	in := s.In("model")
	m.table = in.In("embed_tokens").NewMatrix("weight", c.VocabSize, c.HiddenSize)
	host := in.InMemory(tensor.NewHost())
	for i := range c.Layers {
		where := in
		if i >= resident {
			where = host
		}
		l := newLayer(where.At("layers", i), &m.Config)
		l.away = i >= resident
		m.layers = append(m.layers, l)
	}
	if resident < c.Layers {
		m.slot = &slot{dev: s.Device()}
	}
	m.norm = nn.NewRMSNorm(in.In("norm"), c.HiddenSize, float32(c.NormEps))
	m.head = m.table
	if !c.TieEmbeddings {
		m.head = s.In("lm_head").NewMatrix("weight", c.VocabSize, c.HiddenSize)
	}
	return m
}

// Free frees what the model holds besides the parameters of its set.
func (m *Model) Free() {
	if m.slot != nil {
		m.slot.free()
	}
}

func newLayer(s *nn.Set, c *Config) *layer {
	before := len(s.All())
	width, keys := c.HiddenSize, c.KeyHeads*c.HeadDim()
	attn, mlp := s.In("self_attn"), s.In("mlp")
	eps := float32(c.NormEps)
	l := &layer{
		c:         c,
		query:     nn.NewLinear(attn.In("q_proj"), width, width, false),
		key:       nn.NewLinear(attn.In("k_proj"), width, keys, false),
		value:     nn.NewLinear(attn.In("v_proj"), width, keys, false),
		out:       nn.NewLinear(attn.In("o_proj"), width, width, false),
		gate:      nn.NewLinear(mlp.In("gate_proj"), width, c.IntermediateSize, false),
		up:        nn.NewLinear(mlp.In("up_proj"), width, c.IntermediateSize, false),
		down:      nn.NewLinear(mlp.In("down_proj"), c.IntermediateSize, width, false),
		inputNorm: nn.NewRMSNorm(s.In("input_layernorm"), width, eps),
		postNorm:  nn.NewRMSNorm(s.In("post_attention_layernorm"), width, eps),
	}
	l.params = s.All()[before:]
	return l
}

// InitStd is the usual standard deviation of initial weights.
const InitStd = 0.02

// Init draws every matrix from N(0, InitRange^2), as transformers does.
func (m *Model) Init(r *rand.Rand) {
	m.table.Normal(r, m.InitRange)
	for _, l := range m.layers {
		for _, w := range []*nn.Linear{l.query, l.key, l.value, l.out, l.gate, l.up, l.down} {
			w.Weight.Normal(r, m.InitRange)
		}
	}
	if m.head != m.table {
		m.head.Normal(r, m.InitRange)
	}
}

// Table returns the embedding table (vocabulary, hidden), and Head the output
// matrix of the same shape, which is the table if they are tied.
func (m *Model) Table() *nn.Param { return m.table }

// Head returns the output matrix; see Table.
func (m *Model) Head() *nn.Param { return m.head }

// Embed returns the embeddings of ids, of any shape, with the width behind.
// An id below 0 gives zeros.
func (m *Model) Embed(t *autograd.Tape, ids *tensor.Tensor) *autograd.Var {
	return autograd.Embedding(t.Use(&m.table.Leaf), ids)
}

// Options of Forward.
type Options struct {
	// Cache, if not nil, holds the keys and values of the tokens before x,
	// which are then those of positions Cache.Len and on (or of Cache.Lens);
	// x's own are added.
	Cache *Cache
	// Trace, if not nil, is called with the output of each layer.
	Trace func(layer int, x *autograd.Var)
}

// Forward runs the decoder layers on embeddings x (B, T, hidden).
func (m *Model) Forward(x *autograd.Var, o Options) *autograd.Var {
	if o.Cache != nil {
		o.Cache.begin(x)
	}
	for i, l := range m.layers {
		l = m.present(l, x.Tape())
		f := func(in ...*autograd.Var) *autograd.Var { return l.forward(in[0], o.Cache, i) }
		x = autograd.Block(f, x)
		if o.Trace != nil {
			o.Trace(i, x)
		}
	}
	if o.Cache != nil {
		o.Cache.end(x.Dim(1))
	}
	return x
}

func (l *layer) forward(x *autograd.Var, cache *Cache, i int) *autograd.Var {
	x = l.out.Add(x, l.attend(l.inputNorm.Forward(x), cache, i))
	return l.feedForward(x)
}

// feedForward is the layer's second half.
func (l *layer) feedForward(x *autograd.Var) *autograd.Var {
	n, t := l.postNorm.Forward(x), x.Tape()
	return l.down.Add(x, autograd.SwiGLULinear(n, t.Use(&l.gate.Weight.Leaf), t.Use(&l.up.Weight.Leaf)))
}

// project returns queries, keys and values (..., heads*size) of normed x.
func (l *layer) project(x *autograd.Var) (q, k, v *autograd.Var) {
	t := x.Tape()
	return autograd.QKV(x, t.Use(&l.query.Weight.Leaf), t.Use(&l.key.Weight.Leaf), t.Use(&l.value.Weight.Leaf))
}

// attend is self-attention, to the tokens in the cache as well, before the
// output matrix.
func (l *layer) attend(x *autograd.Var, cache *Cache, i int) *autograd.Var {
	b, t, d := x.Dim(0), x.Dim(1), l.c.HeadDim()
	theta := float32(l.c.RopeTheta)
	q, k, v := l.project(x)
	q, k, v = q.View(b, t, l.c.Heads, d), k.View(b, t, l.c.KeyHeads, d), v.View(b, t, l.c.KeyHeads, d)
	p := kernels.AttentionParams{Causal: true}
	var lengths *tensor.Tensor
	if cache != nil {
		p, lengths = cache.mask(t)
		q, k, v = cache.add(i, theta, q, k, v)
	} else {
		q, k = autograd.RoPE(q, theta, 0), autograd.RoPE(k, theta, 0)
	}
	return autograd.Attention(q, k, v, p, lengths).View(b, t, l.c.HiddenSize)
}

// Norm is the norm behind the last layer.
func (m *Model) Norm(x *autograd.Var) *autograd.Var { return m.norm.Forward(x) }

// Logits maps normed hidden states (..., hidden) to (..., vocabulary).
func (m *Model) Logits(h *autograd.Var) *autograd.Var {
	return autograd.Linear(h, h.Tape().Use(&m.head.Leaf), nil, kernels.ActNone)
}
