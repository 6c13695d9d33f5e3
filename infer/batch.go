package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"llana/models/spatialllana"
)

// GenerateBatch continues several prompts at once, each with its object or nil,
// which is faster than one after another. They may have different lengths. What
// several prompts about one object (the same *Object) begin with is read once.
//
// All keys and values are in memory together: see llama.CacheBytes. The prompts'
// faults are told before anything is computed.
func GenerateBatch(ctx context.Context, m *spatialllana.Model, prompts [][]int32, objects []*spatialllana.Object, o Options) ([]Answer, error) {
	if len(objects) != len(prompts) {
		return nil, fmt.Errorf("%d prompts with %d objects", len(prompts), len(objects))
	}
	if len(o.Seeds) != 0 && len(o.Seeds) != len(prompts) {
		return nil, fmt.Errorf("%d prompts with %d seeds", len(prompts), len(o.Seeds))
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	all := make([]*row, len(prompts))
	for i, p := range prompts {
		r, err := newRow(m, p, objects[i], o)
		if err != nil {
			return nil, fmt.Errorf("prompt %d: %w", i, err)
		}
		if o.Seeds != nil {
			r.seed = o.Seeds[i]
		}
		all[i] = r
	}
	b := &batch{m: m, o: o, progress: &progress{report: o.Progress}}
	plans := planBatches(all, o.chunk())
	for _, p := range plans {
		b.total += p.tokens()
	}
	for _, p := range plans {
		if err := b.run(ctx, p); err != nil {
			return nil, err
		}
	}
	answers := make([]Answer, len(all))
	for i, r := range all {
		r.answer.decode(m)
		answers[i] = r.answer
	}
	return answers, nil
}

// row is a prompt of a batch and its answer.
type row struct {
	ids    []int32
	object *spatialllana.Object
	shown  int // the position behind the prompt's last object token, or 0
	seed   uint64
	answer Answer
}

func newRow(m *spatialllana.Model, ids []int32, object *spatialllana.Object, o Options) (*row, error) {
	if len(ids) == 0 {
		return nil, errors.New("it is empty")
	}
	room, err := o.room(m, len(ids))
	if err != nil {
		return nil, err
	}
	s, err := m.Sequences(oneRow(ids, object))
	if err != nil {
		return nil, err
	}
	return &row{ids, object, s.ObjectEnd(0), o.Seed, Answer{PromptIDs: ids, room: room}}, nil
}

// batch runs the parts of a batch.
type batch struct {
	m *spatialllana.Model
	o Options
	*progress
}

// run reads the prompts of a part and answers them.
func (b *batch) run(ctx context.Context, p *part) error {
	lens, room := make([]int, len(p.rows)), 0
	for i, r := range p.rows {
		lens[i] = len(r.ids)
		room = max(room, len(r.ids)+r.answer.room)
	}
	cache, err := newCache(b.m, len(p.rows), room, b.o)
	if err != nil {
		return err
	}
	defer cache.Free()
	if err := b.prefixes(ctx, p, cache); err != nil {
		return err
	}
	s, err := b.m.Sequences(filledUp(p.rows))
	if err != nil {
		return err
	}
	r := &reader{b.m, cache, b.o.chunk(), b.progress}
	last, err := r.last(ctx, s, lens)
	if err != nil {
		return err
	}
	defer last.Free()
	if slices.Min(lens) < slices.Max(lens) {
		cache.Lens = lens
	}
	g := &generator{m: b.m, cache: cache, o: b.o}
	for _, r := range p.rows {
		s := b.o.Sampling
		s.Seed = r.seed
		g.samplers = append(g.samplers, newSampler(s, r.ids))
	}
	return g.run(ctx, last, func(i int, t token) bool { return p.rows[i].answer.add(t, b.m, b.o) })
}

// filledUp returns a batch of rows of one length, which have zeros behind what
// is shorter: causal attention never looks there from a real token.
func filledUp(rows []*row) spatialllana.Batch {
	b := spatialllana.Batch{Rows: len(rows)}
	for _, r := range rows {
		b.Cols = max(b.Cols, len(r.ids))
	}
	for _, r := range rows {
		b.IDs = append(append(b.IDs, r.ids...), make([]int32, b.Cols-len(r.ids))...)
		b.Objects = append(b.Objects, r.object)
	}
	return b
}
