package language

import (
	"fmt"
	"slices"

	"llana/models/conversation"
	"llana/models/spatialllana"
)

// batch is examples ready for a step, with labels.
type batch struct {
	spatialllana.Batch
	labels []int32
	group  *spatialllana.Group // instead, if records share their object
	tokens int                 // without padding
}

// encoder turns samples into batches of a model.
type encoder struct {
	c        *Config
	m        *spatialllana.Model
	template conversation.Template
	data     *dataset
	warn     func(string)

	objects map[string]*spatialllana.Object // those read so far
	held    int                             // bytes of them
}

// holdBytes bounds how much of the objects is kept in memory.
const holdBytes = 2 << 30

func (e *encoder) batch(indices []int) (*batch, error) {
	if n := e.c.QuestionsPerObject; n > 0 {
		g, tokens, err := e.group(slices.Collect(slices.Chunk(indices, n)))
		return &batch{group: g, tokens: tokens}, err
	}
	examples := make([]conversation.Example, len(indices))
	objects := make([]*spatialllana.Object, len(indices))
	for i, n := range indices {
		var err error
		if examples[i], objects[i], err = e.example(&e.data.samples[n]); err != nil {
			return nil, err
		}
	}
	c := conversation.Collate(examples, e.m.Tokenizer.PadID())
	b := &batch{Batch: spatialllana.Batch{Rows: c.Rows, Cols: c.Cols, IDs: c.IDs, Objects: objects}, labels: c.Labels}
	for _, n := range c.Lengths {
		b.tokens += n
	}
	return b, nil
}

// example encodes a sample and reads its object, if it shows one.
func (e *encoder) example(s *sample) (conversation.Example, *spatialllana.Object, error) {
	if s.plain {
		return e.plain(s.text), nil, nil
	}
	var obj *spatialllana.Object
	patches := 0
	if s.record.HasPoint() {
		var err error
		if obj, err = e.object(s.record.ObjectID); err != nil {
			return conversation.Example{}, nil, err
		}
		patches = obj.Tokens
	}
	ex, err := e.template.Preprocess(e.m.Tokenizer, s.record, patches, e.c.ModelMaxLength)
	if err != nil {
		return ex, nil, err
	}
	if ex.Warning != "" {
		e.warn(ex.Warning)
	} else if len(ex.IDs) == e.c.ModelMaxLength {
		e.warn(fmt.Sprintf("object %q: cut off at model_max_length %d", s.record.ObjectID, e.c.ModelMaxLength))
	}
	if e.c.Labels == "all" {
		copy(ex.Labels, ex.IDs)
	}
	return ex, obj, nil
}

func (e *encoder) object(id string) (*spatialllana.Object, error) {
	if e.m.Projector == nil {
		return nil, fmt.Errorf("object %q: a model without projector cannot read it", id)
	}
	if o := e.objects[id]; o != nil {
		return o, nil
	}
	path, err := spatialllana.ObjectPath(e.data.vecs, id)
	if err != nil {
		return nil, err
	}
	o, err := e.m.Projector.ReadObject(path)
	if err == nil && e.held < holdBytes {
		e.objects[id] = o
		e.held += 4 * len(o.Data)
	}
	return o, err
}

// plain encodes a text, which ends with </s>, to be learnt as a whole.
func (e *encoder) plain(text string) conversation.Example {
	tok := e.m.Tokenizer
	var ids []int32
	for _, id := range tok.Encode(text) {
		ids = append(ids, int32(id))
	}
	if end := int32(tok.EOSID()); len(ids) == 0 || ids[len(ids)-1] != end {
		ids = append(ids, end)
	}
	if len(ids) > e.c.ModelMaxLength {
		e.warn(fmt.Sprintf("a text of %d tokens: cut off at model_max_length %d", len(ids), e.c.ModelMaxLength))
		ids = ids[:e.c.ModelMaxLength]
	}
	return conversation.Example{IDs: ids, Labels: ids}
}
