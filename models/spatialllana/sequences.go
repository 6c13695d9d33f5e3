package spatialllana

import (
	"fmt"
	"slices"

	"llana/autograd"
)

// Sequences are the sequences of a batch, found to be well formed, with the
// source of each position's embedding: a row of the embedding table or a token
// of an object. They are embedded as a whole or piece by piece.
type Sequences struct {
	Rows, Cols int

	m       *Model
	text    []int32 // (Rows, Cols) rows of the table; -1 where an object's token stands
	token   []int32 // (Rows, Cols) object tokens, counted through all objects, or -1
	objects []*Object
	first   []int32 // the number of each object's first token
}

// Sequences checks a batch. The error says what is wrong with it.
func (m *Model) Sequences(b Batch) (*Sequences, error) {
	n := b.Rows * b.Cols
	if n == 0 || len(b.IDs) != n || b.Objects != nil && len(b.Objects) != b.Rows {
		return nil, fmt.Errorf("batch of %d x %d with %d ids and %d objects", b.Rows, b.Cols, len(b.IDs), len(b.Objects))
	}
	s := &Sequences{Rows: b.Rows, Cols: b.Cols, m: m, text: slices.Clone(b.IDs), token: make([]int32, n)}
	ids := m.pointIDs()
	for r := range b.Rows {
		var obj *Object
		if b.Objects != nil {
			obj = b.Objects[r]
		}
		if err := s.lay(r*b.Cols, b.IDs[r*b.Cols:(r+1)*b.Cols], obj, ids); err != nil {
			return nil, fmt.Errorf("row %d: %w", r, err)
		}
	}
	return s, nil
}

// lay lays one sequence, whose first position is number at of the batch.
func (s *Sequences) lay(at int, row []int32, obj *Object, ids pointIDs) error {
	patches := false
	for i, id := range row {
		if id < 0 || int(id) >= s.m.VocabSize {
			return fmt.Errorf("id %d at position %d, want 0 to %d", id, i, s.m.VocabSize-1)
		}
		patches = patches || id == ids.patch
		s.token[at+i] = -1
	}
	if !patches {
		return nil
	}
	p := s.m.Projector
	if obj == nil || p == nil {
		return fmt.Errorf("it has <point_patch>, but there is no object or no projector")
	}
	if obj.Width != p.Width || len(obj.Data) != obj.Tokens*obj.Width {
		return fmt.Errorf("object of %d x %d, want tokens of width %d", obj.Tokens, obj.Width, p.Width)
	}
	first := s.number(obj)
	for start, id := range row {
		if id != ids.start {
			continue
		}
		end := start + obj.Tokens + 1
		if end >= len(row) || row[end] != ids.end {
			return fmt.Errorf("no <point_end> %d positions behind the <point_start> at position %d (an object has %d tokens)", obj.Tokens+1, start, obj.Tokens)
		}
		for i := range obj.Tokens {
			s.text[at+start+1+i], s.token[at+start+1+i] = -1, first+int32(i)
		}
	}
	return nil
}

// number returns the number of an object's first token.
func (s *Sequences) number(obj *Object) int32 {
	if i := slices.Index(s.objects, obj); i >= 0 {
		return s.first[i]
	}
	var next int32
	if i := len(s.objects) - 1; i >= 0 {
		next = s.first[i] + int32(s.objects[i].Tokens)
	}
	s.objects, s.first = append(s.objects, obj), append(s.first, next)
	return next
}

// tokenData returns the elements of an object token.
func (s *Sequences) tokenData(n int32) []float32 {
	next, _ := slices.BinarySearch(s.first, n+1)
	o := s.objects[next-1]
	return o.Data[int(n-s.first[next-1])*o.Width:][:o.Width]
}

// ObjectEnd returns the position behind the last object token of a row; 0 if it
// has none.
func (s *Sequences) ObjectEnd(row int) int {
	for i := s.Cols; i > 0; i-- {
		if s.token[row*s.Cols+i-1] >= 0 {
			return i
		}
	}
	return 0
}

// Embed returns the embeddings (Rows, hi-lo, hidden) of the columns lo to hi-1.
// Only the object tokens in them are projected.
func (s *Sequences) Embed(t *autograd.Tape, lo, hi int) *autograd.Var {
	return s.embed(t, lo, hi, Options{})
}

// Embed returns the embeddings (Rows, Cols, hidden) of a batch: of its ids,
// and between <point_start> and <point_end> the projected object tokens. The
// error says what is wrong with the batch.
func (m *Model) Embed(t *autograd.Tape, b Batch, o Options) (*autograd.Var, error) {
	s, err := m.Sequences(b)
	if err != nil {
		return nil, err
	}
	return s.embed(t, 0, b.Cols, o), nil
}

func (s *Sequences) embed(t *autograd.Tape, lo, hi int, o Options) *autograd.Var {
	m, n := s.m, hi-lo
	cut := func(x []int32) []int32 {
		var y []int32
		for r := range s.Rows {
			y = append(y, x[r*s.Cols+lo:r*s.Cols+hi]...)
		}
		return y
	}
	ids := cut(s.text)
	table := t.Use(&m.LM.Table().Leaf)
	// An index of -1 gives zeros, and nothing gets its gradient: the sum picks
	// each position's embedding from one of its sources.
	var x *autograd.Var
	if o.PointTokensOnly {
		points := m.takePoints(ids)
		x = autograd.Embedding(table.Detach(), t.Int32(ids, s.Rows, n))
		x = autograd.Add(x, autograd.Embedding(table, t.Int32(points, s.Rows, n)))
	} else {
		x = autograd.Embedding(table, t.Int32(ids, s.Rows, n))
	}
	tokens := cut(s.token)
	data := s.gather(tokens)
	if data == nil {
		return x
	}
	projected := m.project.forward(t.Float32(data, len(data)/m.Projector.Width, m.Projector.Width))
	return autograd.Add(x, autograd.Embedding(projected, t.Int32(tokens, s.Rows, n)))
}

// takePoints takes <point_start> and <point_end> out of ids, leaving -1, and
// returns them with -1 elsewhere.
func (m *Model) takePoints(ids []int32) []int32 {
	p := m.pointIDs()
	points := make([]int32, len(ids))
	for i, id := range ids {
		points[i] = -1
		if id >= 0 && (id == p.start || id == p.end) {
			ids[i], points[i] = -1, id
		}
	}
	return points
}

// gather returns the elements of the object tokens that occur, each once, and
// numbers the tokens by their place in it.
func (s *Sequences) gather(tokens []int32) []float32 {
	var data []float32
	place := map[int32]int32{}
	for i, n := range tokens {
		if n < 0 {
			continue
		}
		at, known := place[n]
		if !known {
			at = int32(len(place))
			place[n] = at
			data = append(data, s.tokenData(n)...)
		}
		tokens[i] = at
	}
	return data
}
