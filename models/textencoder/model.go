package textencoder

import (
	"math"

	"llana/autograd"
	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// Ids and positions that both models share.
const (
	startID       = 0 // <s>
	padID         = 1 // <pad>
	endID         = 2 // </s>
	firstPosition = 2 // of the first token; padding has position 1
)

// transformer is the encoder of either model: post-norm layers on the sum of
// token and position embeddings.
type transformer struct {
	Config
	words, positions *nn.Param // (vocabulary, hidden), (positions, hidden)
	types            *nn.Param // (types, hidden), RoBERTa only
	norm             *nn.LayerNorm
	layers           []*layer
	bias             *nn.Param  // (buckets, heads), MPNet only
	pooler           *nn.Linear // RoBERTa only
}

// layer is one encoder layer.
type layer struct {
	heads                  int
	query, key, value, out *nn.Linear
	attentionNorm, norm    *nn.LayerNorm
	up, down               *nn.Linear
}

// newTransformer registers the parameters under Hugging Face's names, which
// differ inside the attention.
func newTransformer(s *nn.Set, c Config) *transformer {
	m := &transformer{Config: c}
	eps := float32(c.NormEps)
	e := s.In("embeddings")
	m.words = e.In("word_embeddings").New("weight", c.VocabSize, c.HiddenSize)
	m.positions = e.In("position_embeddings").New("weight", c.Positions, c.HiddenSize)
	if c.Kind == RoBERTa {
		m.types = e.In("token_type_embeddings").New("weight", c.TokenTypes, c.HiddenSize)
		m.pooler = nn.NewLinear(s.In("pooler").In("dense"), c.HiddenSize, c.HiddenSize, true)
	}
	m.norm = nn.NewLayerNorm(e.In("LayerNorm"), c.HiddenSize, eps)
	if c.Kind == MPNet {
		m.bias = s.In("encoder").In("relative_attention_bias").New("weight", c.Buckets, c.Heads)
	}
	for i := range c.Layers {
		m.layers = append(m.layers, newLayer(s.In("encoder").At("layer", i), c))
	}
	return m
}

func newLayer(s *nn.Set, c Config) *layer {
	width, eps := c.HiddenSize, float32(c.NormEps)
	linear := func(s *nn.Set) *nn.Linear { return nn.NewLinear(s, width, width, true) }
	l := &layer{heads: c.Heads}
	a := s.In("attention")
	if c.Kind == MPNet {
		p := a.In("attn")
		l.query, l.key, l.value, l.out = linear(p.In("q")), linear(p.In("k")), linear(p.In("v")), linear(p.In("o"))
		l.attentionNorm = nn.NewLayerNorm(a.In("LayerNorm"), width, eps)
	} else {
		p, o := a.In("self"), a.In("output")
		l.query, l.key, l.value = linear(p.In("query")), linear(p.In("key")), linear(p.In("value"))
		l.out = linear(o.In("dense"))
		l.attentionNorm = nn.NewLayerNorm(o.In("LayerNorm"), width, eps)
	}
	l.up = nn.NewLinear(s.In("intermediate").In("dense"), width, c.Intermediate, true)
	l.down = nn.NewLinear(s.In("output").In("dense"), c.Intermediate, width, true)
	l.norm = nn.NewLayerNorm(s.In("output").In("LayerNorm"), width, eps)
	return l
}

// batch is a number of texts, padded to the length of the longest.
type batch struct {
	rows, tokens int
	ids          []int32 // (rows, tokens)
	lengths      []int32 // (rows)
}

func newBatch(texts [][]int32) *batch {
	b := &batch{rows: len(texts)}
	for _, ids := range texts {
		b.tokens = max(b.tokens, len(ids))
		b.lengths = append(b.lengths, int32(len(ids)))
	}
	for _, ids := range texts {
		b.ids = append(b.ids, ids...)
		for range b.tokens - len(ids) {
			b.ids = append(b.ids, padID)
		}
	}
	return b
}

// positionIDs counts the tokens of each row from firstPosition; padding has
// the position of its id.
func (b *batch) positionIDs() []int32 {
	out := make([]int32, len(b.ids))
	for i := range out {
		if at := i % b.tokens; at < int(b.lengths[i/b.tokens]) {
			out[i] = int32(firstPosition + at)
		} else {
			out[i] = padID
		}
	}
	return out
}

// hidden returns the last hidden states (rows, tokens, width) of a batch.
// Those of padding mean nothing.
func (m *transformer) hidden(t *autograd.Tape, b *batch) *autograd.Var {
	ids := t.Int32(b.ids, b.rows, b.tokens)
	positions := t.Int32(b.positionIDs(), b.rows, b.tokens)
	x := autograd.Add(autograd.Embedding(t.Use(&m.words.Leaf), ids), autograd.Embedding(t.Use(&m.positions.Leaf), positions))
	if m.types != nil {
		x = autograd.Add(x, autograd.Slice(t.Use(&m.types.Leaf), 0, 0, 1).View(m.HiddenSize))
	}
	x = m.norm.Forward(x)
	attend := m.attention(t, b)
	for _, l := range m.layers {
		x = autograd.Block(func(in ...*autograd.Var) *autograd.Var { return l.forward(in[0], attend) }, x)
	}
	return x
}

// attentionFunc attends from q to k and v, each (rows, tokens, heads, size).
type attentionFunc func(q, k, v *autograd.Var) *autograd.Var

// attention returns how a batch attends: without its padding, in MPNet with a
// bias on the scores that depends on the distance.
func (m *transformer) attention(t *autograd.Tape, b *batch) attentionFunc {
	if m.bias == nil {
		lengths := t.Int32(b.lengths, b.rows)
		return func(q, k, v *autograd.Var) *autograd.Var {
			return autograd.Attention(q, k, v, kernels.AttentionParams{}, lengths)
		}
	}
	bias := m.biasOf(t, b)
	return func(q, k, v *autograd.Var) *autograd.Var { return biasedAttention(q, k, v, bias) }
}

func (l *layer) forward(x *autograd.Var, attend attentionFunc) *autograd.Var {
	rows, tokens, width := x.Dim(0), x.Dim(1), x.Dim(2)
	heads := func(l2 *nn.Linear) *autograd.Var {
		return l2.Forward(x).View(rows, tokens, l.heads, width/l.heads)
	}
	y := attend(heads(l.query), heads(l.key), heads(l.value)).View(rows, tokens, width)
	x = l.attentionNorm.Forward(autograd.Add(x, l.out.Forward(y)))
	return l.norm.Forward(autograd.Add(x, l.down.Forward(autograd.GELU(l.up.Forward(x)))))
}

// masked is added to the scores of padding: its weights become exactly 0.
const masked = -1e30

// biasOf returns what a batch adds to the scores, (rows, heads, tokens,
// tokens): the bias of the distance between query and key, and masked where
// the key is padding.
func (m *transformer) biasOf(t *autograd.Tape, b *batch) *autograd.Var {
	n := b.tokens
	buckets := make([]int32, 0, n*n)
	for q := range n {
		for k := range n {
			buckets = append(buckets, relativeBucket(q-k, m.Buckets))
		}
	}
	table := autograd.Embedding(t.Use(&m.bias.Leaf), t.Int32(buckets, n, n)) // (query, key, heads)
	mask := make([]float32, b.rows*n)
	for i := range mask {
		if i%n >= int(b.lengths[i/n]) {
			mask[i] = masked
		}
	}
	return autograd.Add(autograd.Transpose(table, 2, 0, 1), t.Float32(mask, b.rows, 1, 1, n))
}

// maxDistance is the distance from which MPNet's buckets are the same.
const maxDistance = 128

// relativeBucket numbers the distance n = query - key: the upper half of the
// buckets for keys behind the query; in each half one bucket for each small
// distance, then ever wider ones up to maxDistance (as in T5: Raffel et al.,
// JMLR 2020, section 2.1).
func relativeBucket(n, buckets int) int32 {
	half := buckets / 2
	first := 0
	if n < 0 {
		first, n = half, -n
	}
	exact := half / 2
	if n < exact {
		return int32(first + n)
	}
	// PyTorch takes the logarithm in float32.
	wide := float32(math.Log(float64(float32(n)/float32(exact)))) / float32(math.Log(float64(maxDistance)/float64(exact))) * float32(half-exact)
	return int32(first + min(half-1, exact+int(wide)))
}

// biasedAttention is attention with bias (rows, heads, tokens, tokens) on the
// scaled scores.
func biasedAttention(q, k, v, bias *autograd.Var) *autograd.Var {
	rows, tokens, heads, size := q.Dim(0), q.Dim(1), q.Dim(2), q.Dim(3)
	split := func(x *autograd.Var) *autograd.Var {
		return autograd.Transpose(x, 0, 2, 1, 3).View(rows*heads, tokens, size)
	}
	scores := autograd.MatMul(split(q), split(k), kernels.MatMulParams{TransB: true})
	scores = autograd.Scale(scores, float32(1/math.Sqrt(float64(size)))).View(rows, heads, tokens, tokens)
	weights := autograd.Softmax(autograd.Add(scores, bias)).View(rows*heads, tokens, tokens)
	y := autograd.MatMul(weights, split(v), kernels.MatMulParams{}).View(rows, heads, tokens, size)
	return autograd.Transpose(y, 0, 2, 1, 3)
}

// embed returns a vector (rows, width) for each text: RoBERTa's pooler output,
// or the mean of MPNet's hidden states.
func (m *transformer) embed(t *autograd.Tape, b *batch) *tensor.Tensor {
	x := m.hidden(t, b)
	if m.pooler != nil {
		first := autograd.Slice(x, 1, 0, 1).View(b.rows, m.HiddenSize)
		return autograd.Tanh(m.pooler.Forward(first)).Value()
	}
	share := make([]float32, b.rows*b.tokens)
	for i := range share {
		if n := b.lengths[i/b.tokens]; i%b.tokens < int(n) {
			share[i] = 1 / float32(n)
		}
	}
	mean := autograd.MatMul(t.Float32(share, b.rows, 1, b.tokens), x, kernels.MatMulParams{})
	return mean.View(b.rows, m.HiddenSize).Value()
}
