package weights2space

import (
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// Model is weights2space: a row-wise encoder of a NeRF's weight matrix, a
// transformer decoder whose learned queries become the tokens of a tri-plane,
// and the implicit decoder that training reads the tri-plane with.
type Model struct {
	Config
	Params     *nn.Set
	HasDecoder bool // false for a checkpoint that can only encode

	scale, shift *nn.Param // of the input, or nil

	queries *nn.Param
	encoder []encoderLayer
	layers  []decoderLayer
	decoder implicitDecoder

	fixed *tensor.Tensor // queries behind the first self-attention, with Fix
}

// encoderLayer is a 1x1 convolution over the rows, followed by batch norm and
// ReLU except after the last.
type encoderLayer struct {
	conv *nn.Linear
	norm *nn.BatchNorm
}

// decoderLayer is a pre-norm torch.nn.TransformerDecoderLayer.
type decoderLayer struct {
	norm1, norm2, norm3 *nn.LayerNorm
	self, cross         *nn.MultiheadAttention
	linear1, linear2    *nn.Linear
	dropout             float32
}

// implicitDecoder maps encoded coordinates and tri-plane features to colour
// and density.
type implicitDecoder struct {
	in, skip      *nn.Linear
	before, after [2]*nn.Linear
	out           *nn.Linear
}

// New registers a model's parameters on d under the published state-dict
// names, in the order of the reference's optimiser. They are not initialised.
func New(d kernels.Device, c Config) *Model {
	s := nn.NewSet(d)
	m := &Model{Config: c, Params: s, HasDecoder: true}
	m.queries = s.New("query_tokens", 1, c.Tokens(), c.Width)
	m.newEncoder(s.In("encoder"))
	for i := range c.Layers {
		m.layers = append(m.layers, newDecoderLayer(s.At("transformer.layers", i), c))
	}
	m.decoder = newImplicitDecoder(s.In("decoder"), c)
	if c.Normalize {
		m.scale = s.NewBuffer(normScale, c.Rows, c.RowWidth)
		m.shift = s.NewBuffer(normShift, c.Rows, c.RowWidth)
	}
	return m
}

// Names of the input's normalisation, which the published model lacks.
const (
	normScale = "input_norm.scale"
	normShift = "input_norm.shift"
)

// SetNormalization sets the fixed map x*scale + shift of the input, one value
// for each element of the matrix.
func (m *Model) SetNormalization(scale, shift []float32) {
	m.scale.Value.SetFloat32(scale)
	m.shift.Value.SetFloat32(shift)
}

func (m *Model) newEncoder(s *nn.Set) {
	in := m.RowWidth
	for i, out := range append(append([]int(nil), m.Hidden...), m.Memory) {
		conv := &nn.Linear{Weight: s.At("layers", 3*i).New("weight", out, in, 1), Bias: s.At("layers", 3*i).New("bias", out)}
		l := encoderLayer{conv: conv}
		if i < len(m.Hidden) {
			l.norm = nn.NewBatchNorm(s.At("layers", 3*i+1), out)
		}
		m.encoder = append(m.encoder, l)
		in = out
	}
}

func newDecoderLayer(s *nn.Set, c Config) decoderLayer {
	l := decoderLayer{
		self:    nn.NewMultiheadAttention(s.In("self_attn"), c.Width, c.Width, c.Heads),
		cross:   nn.NewMultiheadAttention(s.In("multihead_attn"), c.Width, c.Memory, c.Heads),
		linear1: nn.NewLinear(s.In("linear1"), c.Width, c.FFN, true),
		linear2: nn.NewLinear(s.In("linear2"), c.FFN, c.Width, true),
		norm1:   nn.NewLayerNorm(s.In("norm1"), c.Width, 1e-5),
		norm2:   nn.NewLayerNorm(s.In("norm2"), c.Width, 1e-5),
		norm3:   nn.NewLayerNorm(s.In("norm3"), c.Width, 1e-5),
		dropout: c.Dropout,
	}
	l.linear1.Act = kernels.ActReLU
	l.self.Dropout, l.cross.Dropout = c.Dropout, c.Dropout
	return l
}

func newImplicitDecoder(s *nn.Set, c Config) implicitDecoder {
	in := 6*c.Octaves + c.Width
	relu := func(name string, in, out int) *nn.Linear {
		l := nn.NewLinear(s.In(name), in, out, true)
		l.Act = kernels.ActReLU
		return l
	}
	return implicitDecoder{
		in:     relu("in_layer.0", in, c.Decoder),
		skip:   relu("skip_proj.0", in, c.Decoder),
		before: [2]*nn.Linear{relu("before_skip.0.0", c.Decoder, c.Decoder), relu("before_skip.1.0", c.Decoder, c.Decoder)},
		after:  [2]*nn.Linear{relu("after_skip.0.0", c.Decoder, c.Decoder), relu("after_skip.1.0", c.Decoder, c.Decoder)},
		out:    nn.NewLinear(s.In("after_skip.2"), c.Decoder, 4, true),
	}
}

// QueryStd is the published standard deviation of the initial queries.
const QueryStd = 0.02

// Init draws all parameters as the reference does, but for two choices: the
// transformer's layers are drawn one by one instead of starting as copies of
// one, and the queries' standard deviation is the caller's.
func (m *Model) Init(seed uint64, queryStd float64) {
	r := rand.New(rand.NewPCG(seed, 0))
	m.queries.Normal(r, queryStd)
	for _, l := range m.encoder {
		l.conv.Init(r)
	}
	for _, l := range m.layers {
		l.self.Init(r)
		l.cross.Init(r)
		l.linear1.Init(r)
		l.linear2.Init(r)
	}
	d := m.decoder
	for _, l := range []*nn.Linear{d.in, d.skip, d.before[0], d.before[1], d.after[0], d.after[1], d.out} {
		l.Init(r)
	}
}

// SetDropout sets the dropout rate of the transformer while training.
func (m *Model) SetDropout(p float32) {
	m.Dropout = p
	for i := range m.layers {
		l := &m.layers[i]
		l.dropout, l.self.Dropout, l.cross.Dropout = p, p, p
	}
}

// Encode maps weight matrices (B, rows, row width) to the memory the queries
// attend to (B, rows, memory width).
func (m *Model) Encode(matrix *autograd.Var) *autograd.Var {
	b, rows := matrix.Dim(0), matrix.Dim(1)
	if m.Normalize {
		t := matrix.Tape()
		matrix = autograd.Add(autograd.Mul(matrix, t.Use(&m.scale.Leaf)), t.Use(&m.shift.Leaf))
	}
	x := matrix.View(b*rows, matrix.Dim(2))
	for _, l := range m.encoder {
		x = l.conv.Forward(x)
		if l.norm != nil {
			x = autograd.ReLU(l.norm.Forward(x))
		}
	}
	return x.View(b, rows, m.Memory)
}

// Tokens maps weight matrices (B, rows, row width) to tokens (B, 3 Res^2,
// width). progress, which may be nil, is called after each layer.
func (m *Model) Tokens(matrix *autograd.Var, progress func(layer int)) *autograd.Var {
	t := matrix.Tape()
	memory := m.Encode(matrix)
	x, first := m.begin(t, matrix.Dim(0))
	for i := range m.layers {
		layer := m.layers[i].forward
		if i == 0 {
			layer = first
		}
		x = autograd.Block(layer, x, memory)
		if progress != nil {
			progress(i)
		}
	}
	return x
}

// begin returns the queries of a batch of b items and what the first layer does
// to them. Its self-attention sees the learned queries only, the same for every
// item: without dropout it is computed once, and with Fix not even that.
func (m *Model) begin(t *autograd.Tape, b int) (x *autograd.Var, first func(...*autograd.Var) *autograd.Var) {
	l := &m.layers[0]
	x, first = t.Use(&m.queries.Leaf), l.forward
	switch {
	case m.fixed != nil && !t.Recording():
		x, first = t.Const(m.fixed), l.read
	case !t.Training() || l.dropout == 0:
		x, first = autograd.Block(l.attend, x), l.read
	}
	return autograd.Add(x, t.Float32(make([]float32, b), b, 1, 1)), first
}

// Fix computes what no NeRF changes of Tokens once and for all, for tapes that
// do not record. When parameters have changed, it has to be called again.
func (m *Model) Fix() {
	t := autograd.Inference(m.Params.Device())
	defer t.Release()
	x := m.layers[0].attend(t.Use(&m.queries.Leaf)).Value()
	m.fixed.Free()
	m.fixed = x.View(x.Shape()...)
}

// Free frees the model's memory.
func (m *Model) Free() {
	m.Params.Free()
	m.fixed.Free()
}

// forward maps queries (B, T, width), in[0], and the memory, in[1].
func (l *decoderLayer) forward(in ...*autograd.Var) *autograd.Var {
	return l.read(l.attend(in[0]), in[1])
}

// attend is the layer's self-attention, over queries (B, T, width).
func (l *decoderLayer) attend(in ...*autograd.Var) *autograd.Var {
	n := l.norm1.Forward(in[0])
	return l.add(in[0], l.self.Out, l.self.Attend(n, n))
}

// read is the rest of the layer, which reads the memory, in[1].
func (l *decoderLayer) read(in ...*autograd.Var) *autograd.Var {
	x, memory := in[0], in[1]
	x = l.add(x, l.cross.Out, l.cross.Attend(l.norm2.Forward(x), memory))
	h := autograd.Dropout(l.linear1.Forward(l.norm3.Forward(x)), l.dropout)
	return l.add(x, l.linear2, h)
}

// add returns x + dropout(last(y)).
func (l *decoderLayer) add(x *autograd.Var, last *nn.Linear, y *autograd.Var) *autograd.Var {
	if l.dropout == 0 || !x.Tape().Training() {
		return last.Add(x, y)
	}
	return autograd.Add(x, autograd.Dropout(last.Forward(y), l.dropout))
}

// Points are positions at which a tri-plane is read: Unit (B*N, 3) in box
// units (0 to 1 inside) and Signed (B, N, 3) from -1 to 1.
type Points struct{ Unit, Signed *tensor.Tensor }

// NewPoints uploads B lists of N positions in the world's coordinates, given
// one after another, onto the tape.
func (c Config) NewPoints(t *autograd.Tape, positions []float32, b int) Points {
	unit := make([]float32, len(positions))
	signed := make([]float32, len(positions))
	for i, p := range positions {
		u := (p + c.Half) / (2 * c.Half)
		unit[i], signed[i] = u, 2*u-1
	}
	n := len(positions) / 3
	return Points{t.Float32(unit, n, 3).Value(), t.Float32(signed, b, n/b, 3).Value()}
}

// Features samples the tri-plane of tokens (B, T, width) at p: (B, N, width).
func (m *Model) Features(tokens *autograd.Var, p Points) *autograd.Var {
	return autograd.Triplane(tokens, p.Signed)
}

// Decode reads the tri-plane of tokens (B, T, width) at p: colours (B N, 3)
// and densities (B N).
func (m *Model) Decode(tokens *autograd.Var, p Points) (rgb, sigma *autograd.Var) {
	return autograd.Radiance(m.Raw(tokens, p), p.Unit)
}

// Raw is Decode without the activations: (B N, 4), three colour logits and the
// logarithm of the density plus 1.
func (m *Model) Raw(tokens *autograd.Var, p Points) *autograd.Var {
	t := tokens.Tape()
	enc := autograd.FrequencyEncode(t, p.Unit, m.Octaves)
	z := autograd.Concat(1, enc, m.Features(tokens, p).View(-1, m.Width))
	d := m.decoder
	h := d.before[1].Forward(d.before[0].Forward(d.in.Forward(z)))
	h = autograd.Add(h, d.skip.Forward(z))
	return d.out.Forward(d.after[1].Forward(d.after[0].Forward(h)))
}
