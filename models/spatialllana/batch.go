package spatialllana

import (
	"fmt"
	"path/filepath"

	"llana/autograd"
	"llana/models/checkpoint"
)

// Batch is a batch of sequences.
type Batch struct {
	Rows, Cols int
	IDs        []int32   // (Rows, Cols), filled up on the right
	Objects    []*Object // of each row, nil for text only; or none at all
}

// Object is the tokens of an object, as the projector reads them. They may be
// shared between batches.
type Object struct {
	Tokens, Width int
	Data          []float32 // (Tokens, Width)
}

// ReadObject reads an object's tokens from a .npy file of shape (tokens, width)
// or (width), and takes their mean if the model wants that.
func (p Projector) ReadObject(path string) (*Object, error) {
	o, err := ReadObjectFile(path)
	if err != nil {
		return nil, err
	}
	if o, err = p.fit(o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// Object is ReadObject for an array at hand.
func (p Projector) Object(x *checkpoint.Tensor) (*Object, error) {
	o, err := NewObject(x)
	if err != nil {
		return nil, err
	}
	return p.fit(o)
}

// fit returns an object as the projector reads it.
func (p Projector) fit(o *Object) (*Object, error) {
	if o.Width != p.Width {
		return nil, fmt.Errorf("%d object tokens of width %d, want width %d", o.Tokens, o.Width, p.Width)
	}
	if p.Pool == PoolMean {
		return o.Mean(), nil
	}
	if p.Tokens != 0 && o.Tokens != p.Tokens {
		return nil, fmt.Errorf("%d object tokens, want %d object tokens", o.Tokens, p.Tokens)
	}
	return o, nil
}

// ReadObjectFile reads an object's tokens of any width and number.
func ReadObjectFile(path string) (*Object, error) {
	x, err := checkpoint.ReadNPY(path)
	if err != nil {
		return nil, err
	}
	o, err := NewObject(x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// NewObject makes an Object of an array (tokens, width) or (width).
func NewObject(x *checkpoint.Tensor) (*Object, error) {
	shape := x.Shape
	if len(shape) == 1 {
		shape = []int{1, shape[0]}
	}
	if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
		return nil, fmt.Errorf("array of shape %v, want object tokens (tokens, width)", x.Shape)
	}
	v, err := x.Float32s()
	if err != nil {
		return nil, err
	}
	return &Object{shape[0], shape[1], v}, nil
}

// Mean returns one token, the mean of the object's.
func (o *Object) Mean() *Object { return &Object{1, o.Width, meanRow(o.Data, o.Width)} }

// ObjectPath returns where a folder of tokens holds those of an object. An id
// that would lead out of the folder is an error.
func ObjectPath(dir, id string) (string, error) {
	name := filepath.FromSlash(id) + ".npy"
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("object id %q is not a file name", id)
	}
	return filepath.Join(dir, name), nil
}

// layout says where each position's embedding comes from; -1 is from nowhere.
type layout struct {
	text   []int32 // a row of the embedding table without gradient or with
	points []int32 // a row of it with gradient, only with PointTokensOnly
	object []int32 // a row of the batch's object tokens, one object after another
	tokens []float32
	count  int
}

// Embed returns the embeddings (Rows, Cols, hidden) of a batch: of its ids,
// and between <point_start> and <point_end> the projected object tokens. The
// error says what is wrong with the batch.
func (m *Model) Embed(t *autograd.Tape, b Batch, o Options) (*autograd.Var, error) {
	l, err := m.lay(b, o)
	if err != nil {
		return nil, err
	}
	table := t.Use(&m.LM.Table().Leaf)
	text := table
	if o.PointTokensOnly {
		text = table.Detach()
	}
	// An index of -1 gives zeros, and nothing gets its gradient: the sum picks
	// each position's embedding from one of its sources.
	x := autograd.Embedding(text, t.Int32(l.text, b.Rows, b.Cols))
	if o.PointTokensOnly {
		x = autograd.Add(x, autograd.Embedding(table, t.Int32(l.points, b.Rows, b.Cols)))
	}
	if l.count > 0 {
		tokens := m.project.forward(t.Float32(l.tokens, l.count, m.Projector.Width))
		x = autograd.Add(x, autograd.Embedding(tokens, t.Int32(l.object, b.Rows, b.Cols)))
	}
	return x, nil
}

func (m *Model) lay(b Batch, o Options) (*layout, error) {
	n := b.Rows * b.Cols
	if n == 0 || len(b.IDs) != n || b.Objects != nil && len(b.Objects) != b.Rows {
		return nil, fmt.Errorf("batch of %d x %d with %d ids and %d objects", b.Rows, b.Cols, len(b.IDs), len(b.Objects))
	}
	l := &layout{text: make([]int32, n), object: make([]int32, n)}
	ids := m.pointIDs()
	for r := range b.Rows {
		row := b.IDs[r*b.Cols : (r+1)*b.Cols]
		var obj *Object
		if b.Objects != nil {
			obj = b.Objects[r]
		}
		if err := m.layRow(l, r*b.Cols, row, obj, ids); err != nil {
			return nil, fmt.Errorf("row %d: %w", r, err)
		}
	}
	if o.PointTokensOnly {
		l.points = make([]int32, n)
		for i, id := range l.text {
			l.points[i] = -1
			if id >= 0 && (id == ids.start || id == ids.end) {
				l.text[i], l.points[i] = -1, id
			}
		}
	}
	return l, nil
}

// layRow lays one sequence, whose first position is number at of the batch.
func (m *Model) layRow(l *layout, at int, row []int32, obj *Object, ids pointIDs) error {
	patches := false
	for i, id := range row {
		if id < 0 || int(id) >= m.VocabSize {
			return fmt.Errorf("id %d at position %d, want 0 to %d", id, i, m.VocabSize-1)
		}
		patches = patches || id == ids.patch
		l.text[at+i], l.object[at+i] = id, -1
	}
	if !patches {
		return nil
	}
	if obj == nil || m.Projector == nil {
		return fmt.Errorf("it has <point_patch>, but there is no object or no projector")
	}
	if obj.Width != m.Projector.Width || len(obj.Data) != obj.Tokens*obj.Width {
		return fmt.Errorf("object of %d x %d, want tokens of width %d", obj.Tokens, obj.Width, m.Projector.Width)
	}
	placed := false
	for s, id := range row {
		if id != ids.start {
			continue
		}
		end := s + obj.Tokens + 1
		if end >= len(row) || row[end] != ids.end {
			return fmt.Errorf("no <point_end> %d positions behind the <point_start> at position %d (an object has %d tokens)", obj.Tokens+1, s, obj.Tokens)
		}
		for i := s + 1; i < end; i++ {
			l.text[at+i], l.object[at+i] = -1, int32(l.count+i-s-1)
		}
		placed = true
	}
	if placed {
		l.tokens = append(l.tokens, obj.Data...)
		l.count += obj.Tokens
	}
	return nil
}
