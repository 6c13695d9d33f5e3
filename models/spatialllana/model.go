package spatialllana

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"llana/autograd"
	"llana/kernels"
	"llana/models/conversation"
	"llana/models/llama"
	"llana/models/tokenizer"
	"llana/nn"
	"llana/tensor"
)

// Model is a language model that reads objects, with its tokenizer.
type Model struct {
	Config
	Tokenizer *tokenizer.Tokenizer
	Params    *nn.Set
	LM        *llama.Model
	// Fresh says which parts the folder lacked and were initialised.
	Fresh []string

	project network
}

// New registers a model's parameters on d. They are not initialised.
func New(d kernels.Device, c Config, tok *tokenizer.Tokenizer) *Model {
	return newModel(d, c, tok, nil, c.Layers)
}

// newModel is New with the language model's matrices stored in the types that
// storage gives, and its first resident layers on d (see llama.NewSplit).
func newModel(d kernels.Device, c Config, tok *tokenizer.Tokenizer, storage func(name string) tensor.DType, resident int) *Model {
	m := &Model{Config: c, Tokenizer: tok, Params: nn.NewSet(d)}
	m.LM = llama.NewSplit(m.Params.StoredAs(storage), c.Config, resident)
	if c.Projector != nil {
		m.project = newNetwork(m.Params, *c.Projector, c.HiddenSize)
	}
	return m
}

// Init draws all parameters as transformers does.
func (m *Model) Init(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	m.LM.Init(r)
	m.project.init(r)
}

// Free frees the parameters.
func (m *Model) Free() {
	m.Params.Free()
	m.LM.Free()
}

// Device returns where the parameters live.
func (m *Model) Device() kernels.Device { return m.Params.Device() }

// pointIDs are the ids of the point vocabulary, -1 for a token that the
// tokenizer lacks.
type pointIDs struct{ patch, start, end int32 }

func (m *Model) pointIDs() pointIDs {
	id := func(name string) int32 {
		if i, ok := m.Tokenizer.ID(name); ok {
			return int32(i)
		}
		return -1
	}
	return pointIDs{id(conversation.PointPatch), id(conversation.PointStart), id(conversation.PointEnd)}
}

// AddPointTokens adds the tokens of the point vocabulary that the tokenizer
// lacks, and rows for them to the embedding table and the output matrix. As in
// the reference the patch's rows, which are never read, are drawn from
// N(0, 0.02^2), and those of start and end are the mean of all rows before
// them. It returns how many tokens were new.
func (m *Model) AddPointTokens(ctx context.Context, seed uint64) (int, error) {
	old := m.Tokenizer.VocabSize()
	added, err := m.Tokenizer.AddSpecialTokens(conversation.PointPatch, conversation.PointStart, conversation.PointEnd)
	if err != nil || added == 0 {
		return 0, err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	rows := max(m.VocabSize, m.Tokenizer.VocabSize())
	tables := []*nn.Param{m.LM.Table()}
	if m.LM.Head() != m.LM.Table() {
		tables = append(tables, m.LM.Head())
	}
	for _, p := range tables {
		if err := m.grow(ctx, p, rows, old, r); err != nil {
			return 0, err
		}
	}
	m.VocabSize, m.LM.VocabSize = rows, rows
	return added, nil
}

// grow gives p the given number of rows. Rows of tokens from old on are new.
func (m *Model) grow(ctx context.Context, p *nn.Param, rows, old int, r *rand.Rand) error {
	v, err := p.Read(ctx)
	if err != nil {
		return err
	}
	width := p.Value.Dim(1)
	v = append(v, make([]float32, rows*width-len(v))...)
	ids := m.pointIDs()
	row := func(i int32) []float32 { return v[int(i)*width:][:width] }
	if int(ids.patch) >= old {
		for i := range row(ids.patch) {
			row(ids.patch)[i] = float32(llama.InitStd * r.NormFloat64())
		}
	}
	mean := meanRow(v[:int(min(ids.start, ids.end))*width], width)
	for _, id := range []int32{ids.start, ids.end} {
		if int(id) >= old {
			copy(row(id), mean)
		}
	}
	d, dtype := m.Device(), p.Value.DType()
	p.Leaf.Free()
	p.Value = tensor.New(d, dtype, rows, width)
	return p.Store(v)
}

// meanRow returns the mean of rows of the given width.
func meanRow(rows []float32, width int) []float32 {
	sum := make([]float64, width)
	for i, x := range rows {
		sum[i%width] += float64(x)
	}
	mean := make([]float32, width)
	for i, s := range sum {
		mean[i] = float32(s * float64(width) / float64(max(width, len(rows))))
	}
	return mean
}

// Forward returns the hidden states behind the last layer, not normed, of a
// batch: (Rows, Cols, hidden). The error says what is wrong with the batch.
func (m *Model) Forward(t *autograd.Tape, b Batch, o Options) (*autograd.Var, error) {
	x, err := m.Embed(t, b, o)
	if err != nil {
		return nil, err
	}
	return m.LM.Forward(x, o.Options), nil
}

// Options of Forward.
type Options struct {
	llama.Options
	// PointTokensOnly gives gradients to the embeddings of <point_start> and
	// <point_end> only: every other row of the table gets a gradient of
	// exactly zero. This is the reference's first training stage.
	PointTokensOnly bool
}

// Logits returns the logits (n, vocabulary) at some positions, row*Cols+column,
// of hidden states (Rows, Cols, hidden).
func (m *Model) Logits(h *autograd.Var, positions []int32) *autograd.Var {
	t := h.Tape()
	rows := autograd.Embedding(h.View(-1, m.HiddenSize), t.Int32(positions, len(positions)))
	return m.LM.Logits(m.LM.Norm(rows))
}

// Loss returns the mean cross entropy (1) of predicting, from each position,
// the label of the next one, over all labels of the batch that are not
// conversation.Ignore. labels are (Rows, Cols). It computes logits only where
// a label asks for them.
func (m *Model) Loss(t *autograd.Tape, b Batch, labels []int32, o Options) (*autograd.Var, error) {
	if len(labels) != b.Rows*b.Cols {
		return nil, fmt.Errorf("%d labels for a batch of %d x %d", len(labels), b.Rows, b.Cols)
	}
	h, err := m.Forward(t, b, o)
	if err != nil {
		return nil, err
	}
	var at, want []int32
	for i, l := range labels {
		if i%b.Cols > 0 && l != conversation.Ignore {
			at, want = append(at, int32(i-1)), append(want, l)
		}
	}
	return autograd.CrossEntropy(m.Logits(h, at), t.Int32(want, len(want))), nil
}

// Stage1Trainable tells Params.Freeze what the first training stage trains: the
// projector and, with Options.PointTokensOnly, two rows of the embedding table.
func Stage1Trainable(name string) bool {
	return strings.HasPrefix(name, projectorName+".") || name == "model.embed_tokens.weight"
}

// Ends reports whether a token ends an answer.
func (m *Model) Ends(id int) bool {
	return m.EOS.Has(id) || len(m.EOS) == 0 && id == m.Tokenizer.EOSID()
}
