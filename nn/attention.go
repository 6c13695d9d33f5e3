package nn

import (
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/kernels"
)

// MultiheadAttention is torch.nn.MultiheadAttention with batch_first, without
// masks.
type MultiheadAttention struct {
	Heads    int
	InWeight *Param    // (3 E, E), rows q, k, v; nil if keys have another width
	QKV      [3]*Param // (E, E), (E, M), (E, M) instead
	InBias   *Param    // (3 E)
	Out      *Linear
	Dropout  float32 // of the attention probabilities while training
}

// NewMultiheadAttention registers the parameters of attention of queries of
// the given width to a memory of width memory, as PyTorch names them: packed
// in "in_proj_weight" if both widths are the same, else apart.
func NewMultiheadAttention(s *Set, width, memory, heads int) *MultiheadAttention {
	m := &MultiheadAttention{Heads: heads}
	if memory == width {
		m.InWeight = s.New("in_proj_weight", 3*width, width)
	} else {
		m.QKV = [3]*Param{s.New("q_proj_weight", width, width), s.New("k_proj_weight", width, memory), s.New("v_proj_weight", width, memory)}
	}
	m.InBias = s.New("in_proj_bias", 3*width)
	m.Out = NewLinear(s.In("out_proj"), width, width, true)
	return m
}

// Init draws the input projections Xavier-uniformly and the output's weight as
// a linear layer's; biases are 0.
func (m *MultiheadAttention) Init(r *rand.Rand) {
	if m.InWeight != nil {
		m.InWeight.XavierUniform(r)
	} else {
		for _, p := range m.QKV {
			p.XavierUniform(r)
		}
	}
	m.Out.Init(r)
	m.InBias.Set(0)
	m.Out.Bias.Set(0)
}

// Forward lets x (B, T, E) attend to memory (B, S, M), which may be x itself.
func (m *MultiheadAttention) Forward(x, memory *autograd.Var) *autograd.Var {
	return m.Out.Forward(m.Attend(x, memory))
}

// Attend is Forward without the output projection Out.
func (m *MultiheadAttention) Attend(x, memory *autograd.Var) *autograd.Var {
	q, k, v := m.project(x, memory)
	width := x.Dim(-1)
	head := width / m.Heads
	p := kernels.AttentionParams{Scale: float32(1 / math.Sqrt(float64(head)))}
	if x.Tape().Training() {
		p.Dropout = m.Dropout
	}
	y := autograd.Attention(q.View(x.Dim(0), x.Dim(1), m.Heads, head),
		k.View(memory.Dim(0), memory.Dim(1), m.Heads, head),
		v.View(memory.Dim(0), memory.Dim(1), m.Heads, head), p, nil)
	return y.View(x.Dim(0), x.Dim(1), width)
}

func (m *MultiheadAttention) project(x, memory *autograd.Var) (q, k, v *autograd.Var) {
	t := x.Tape()
	e := x.Dim(-1)
	bias := t.Use(&m.InBias.Leaf)
	if m.InWeight != nil && x == memory {
		qkv := autograd.Linear(x, t.Use(&m.InWeight.Leaf), bias, kernels.ActNone)
		return autograd.Slice(qkv, -1, 0, e), autograd.Slice(qkv, -1, e, 2*e), autograd.Slice(qkv, -1, 2*e, 3*e)
	}
	part := func(x *autograd.Var, i int) *autograd.Var {
		var w *autograd.Var
		if m.InWeight != nil {
			w = autograd.Slice(t.Use(&m.InWeight.Leaf), 0, i*e, (i+1)*e)
		} else {
			w = t.Use(&m.QKV[i].Leaf)
		}
		return autograd.Linear(x, w, autograd.Slice(bias, 0, i*e, (i+1)*e), kernels.ActNone)
	}
	return part(x, 0), part(memory, 1), part(memory, 2)
}
