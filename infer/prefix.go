package infer

import (
	"cmp"
	"context"
	"slices"

	"llana/models/llama"
	"llana/models/spatialllana"
)

// part is what is computed together: prompts whose object tokens end at the same
// position. Rows of one group begin alike, and stand together.
type part struct {
	rows   []*row
	groups []int // the number of rows of each group
	// prefix is how many tokens of each group are read once for all its rows, and
	// together how many groups at a time.
	prefix, together int
}

// minShared is the length from which a common beginning is worth a pass over the
// model's weights of its own.
const minShared = 64

// planBatches divides prompts into parts.
func planBatches(all []*row, chunk int) []*part {
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b *row) int { return cmp.Compare(a.shown, b.shown) })
	var parts []*part
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].shown == order[0].shown {
			n++
		}
		parts = append(parts, newPart(order[:n], chunk))
		order = order[n:]
	}
	return parts
}

func newPart(rows []*row, chunk int) *part {
	var groups [][]*row
	for _, r := range rows {
		i := slices.IndexFunc(groups, func(g []*row) bool { return r.beginsLike(g[0]) })
		if i < 0 {
			i, groups = len(groups), append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	p := &part{prefix: len(rows[0].ids)}
	for _, g := range groups {
		p.rows, p.groups = append(p.rows, g...), append(p.groups, len(g))
		for _, r := range g {
			p.prefix = min(p.prefix, common(r.ids, g[0].ids), len(r.ids)-1)
		}
	}
	if len(groups) == len(rows) || p.prefix < minShared || p.prefix == rows[0].shown { // its object would lack <point_end>
		p.prefix = 0
	}
	p.together = max(1, chunk/max(1, p.prefix))
	return p
}

// beginsLike reports whether two prompts show the same object and are the same up
// to its end, or both show none.
func (r *row) beginsLike(q *row) bool {
	return r.shown == 0 || r.object == q.object && slices.Equal(r.ids[:r.shown], q.ids[:q.shown])
}

// common returns the length of the common beginning of a and b.
func common(a, b []int32) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// tokens counts the tokens that are read before the first ones of the answers.
func (p *part) tokens() int {
	longest := 0
	for _, r := range p.rows {
		longest = max(longest, len(r.ids))
	}
	return len(p.groups)*p.prefix + len(p.rows)*(longest-p.prefix)
}

// prefixes reads the beginning of each group and copies its keys and values to
// the group's rows of cache.
func (b *batch) prefixes(ctx context.Context, p *part, cache *llama.Cache) error {
	if p.prefix == 0 {
		return nil
	}
	at := 0 // the first row of the groups that are read
	for groups := range slices.Chunk(p.groups, p.together) {
		s, err := b.m.Sequences(beginnings(p, groups, at))
		if err != nil {
			return err
		}
		if err := b.prefixesOf(ctx, p, s, groups, at, cache); err != nil {
			return err
		}
		for _, n := range groups {
			at += n
		}
	}
	cache.Len = p.prefix
	return nil
}

func (b *batch) prefixesOf(ctx context.Context, p *part, s *spatialllana.Sequences, groups []int, at int, cache *llama.Cache) error {
	one, err := newCache(b.m, len(groups), p.prefix, b.o)
	if err != nil {
		return err
	}
	defer one.Free()
	r := &reader{b.m, one, b.o.chunk(), b.progress}
	if err := r.pieces(ctx, s, p.prefix, nil); err != nil {
		return err
	}
	for i, n := range groups {
		cache.CopyRow(one, i, p.prefix, at, at+n)
		at += n
	}
	return nil
}

// beginnings is the batch of the prefixes of some groups, whose rows begin with
// number at of the part.
func beginnings(p *part, groups []int, at int) spatialllana.Batch {
	b := spatialllana.Batch{Rows: len(groups), Cols: p.prefix}
	for _, n := range groups {
		r := p.rows[at]
		b.IDs, b.Objects = append(b.IDs, r.ids[:p.prefix]...), append(b.Objects, r.object)
		at += n
	}
	return b
}
