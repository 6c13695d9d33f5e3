//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"math/bits"

	"llana/tensor"
)

const (
	// blockAlign satisfies every device: Vulkan allows at most 256 as the
	// required alignment of a binding.
	blockAlign = 256
	// smallBlock separates the slabs of small tensors from those of large
	// ones: a scalar must not keep a large range from growing together.
	smallBlock = 1 << 20

	smallSlab = 16 << 20
	firstSlab = 64 << 20
	lastSlab  = 256 << 20
)

// pool hands out ranges of large buffers, the slabs: best fit by size class,
// and neighbouring free ranges grow together. S is a slab's buffer.
//
// A range above half the largest slab gets a slab of its own, which is reused
// for ranges of about its size only.
type pool[S any] struct {
	create  func(size int64) (S, error)
	destroy func(S)
	// limit is the size of the largest buffer the device can make.
	limit int64

	small, large tier[S]
	huge         []*slab[S]
	total        int64
	stats        tensor.Stats
}

// tier is a set of slabs with their free blocks by size class.
type tier[S any] struct {
	slabs []*slab[S]
	free  [4 * 64]*block[S] // heads of lists
}

type slab[S any] struct {
	buf   S
	size  int64
	tier  *tier[S] // nil for a huge block's own slab
	first *block[S]
}

// block is a range of a slab, in use or free.
type block[S any] struct {
	slab       *slab[S]
	off, size  int64
	free       bool
	prev, next *block[S] // neighbours in the slab
	up, down   *block[S] // in the list of its class, while free
}

// class numbers sizes by power of two and quarter within it.
func class(size int64) int {
	n := bits.Len64(uint64(size)) - 1
	return 4*n + int(size>>(n-2))&3
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// alloc returns a block of at least size bytes. It creates a slab if no free
// block fits; an error is the slab's.
func (p *pool[S]) alloc(size int64) (*block[S], error) {
	size = roundUp(max(size, 1), blockAlign)
	b, err := p.find(size)
	if err != nil {
		return nil, err
	}
	b.free = false
	p.stats.Live += b.size
	p.stats.Peak = max(p.stats.Peak, p.stats.Live)
	return b, nil
}

func (p *pool[S]) find(size int64) (*block[S], error) {
	if size > lastSlab/2 || size > p.limit/2 {
		return p.findHuge(size)
	}
	t := &p.large
	if size < smallBlock {
		t = &p.small
	}
	b := t.take(size)
	if b == nil {
		want := int64(smallSlab)
		if t == &p.large {
			want = min(int64(firstSlab)<<min(len(t.slabs), 8), lastSlab)
		}
		s, err := p.grow(max(size, min(want, p.limit)))
		if err != nil {
			return nil, err
		}
		s.tier = t
		t.slabs = append(t.slabs, s)
		b = s.first
	}
	t.split(b, size)
	return b, nil
}

// findHuge looks for an idle slab of at most a third more than size.
func (p *pool[S]) findHuge(size int64) (*block[S], error) {
	var best *slab[S]
	for _, s := range p.huge {
		if s.first.free && s.size >= size && s.size <= size/3*4 && (best == nil || s.size < best.size) {
			best = s
		}
	}
	if best == nil {
		s, err := p.grow(size)
		if err != nil {
			return nil, err
		}
		p.huge = append(p.huge, s)
		best = s
	}
	return best.first, nil
}

func (p *pool[S]) grow(size int64) (*slab[S], error) {
	buf, err := p.create(size)
	if err != nil {
		return nil, err
	}
	s := &slab[S]{buf: buf, size: size}
	s.first = &block[S]{slab: s, size: size, free: true}
	p.total += size
	return s, nil
}

// release gives b back.
func (p *pool[S]) release(b *block[S]) {
	p.stats.Live -= b.size
	b.free = true
	t := b.slab.tier
	if t == nil {
		return
	}
	if n := b.next; n != nil && n.free {
		t.unlink(n)
		b.join()
	}
	if n := b.prev; n != nil && n.free {
		t.unlink(n)
		b = n
		b.join()
	}
	t.link(b)
}

// trim destroys the slabs that hold nothing. The device must be idle.
func (p *pool[S]) trim() {
	drop := func(slabs []*slab[S]) []*slab[S] {
		keep := slabs[:0]
		for _, s := range slabs {
			if !s.first.free || s.first.next != nil {
				keep = append(keep, s)
				continue
			}
			if s.tier != nil {
				s.tier.unlink(s.first)
			}
			p.total -= s.size
			p.destroy(s.buf)
		}
		return keep
	}
	p.small.slabs, p.large.slabs, p.huge = drop(p.small.slabs), drop(p.large.slabs), drop(p.huge)
}

// destroyAll destroys every slab.
func (p *pool[S]) destroyAll() {
	for _, slabs := range [][]*slab[S]{p.small.slabs, p.large.slabs, p.huge} {
		for _, s := range slabs {
			p.destroy(s.buf)
		}
	}
}

// counts returns the statistics: what is not live is kept for reuse.
func (p *pool[S]) counts() tensor.Stats {
	s := p.stats
	s.Pooled = p.total - s.Live
	return s
}

// take removes and returns a free block of at least size bytes, or nil.
func (t *tier[S]) take(size int64) *block[S] {
	// In its own class a block may be too small; in a higher one any fits.
	var best *block[S]
	first := class(size)
	for b := t.free[first]; b != nil; b = b.down {
		if b.size >= size && (best == nil || b.size < best.size) {
			best = b
		}
	}
	for c := first + 1; best == nil && c < len(t.free); c++ {
		best = t.free[c]
	}
	if best != nil {
		t.unlink(best)
	}
	return best
}

// split cuts what b holds beyond size off as a free block.
func (t *tier[S]) split(b *block[S], size int64) {
	if b.size == size {
		return
	}
	rest := &block[S]{slab: b.slab, off: b.off + size, size: b.size - size, free: true, prev: b, next: b.next}
	if b.next != nil {
		b.next.prev = rest
	}
	b.next, b.size = rest, size
	t.link(rest)
}

// join swallows the next neighbour.
func (b *block[S]) join() {
	n := b.next
	b.size += n.size
	b.next = n.next
	if n.next != nil {
		n.next.prev = b
	}
}

func (t *tier[S]) link(b *block[S]) {
	head := &t.free[class(b.size)]
	b.up, b.down = nil, *head
	if *head != nil {
		(*head).up = b
	}
	*head = b
}

func (t *tier[S]) unlink(b *block[S]) {
	if b.up != nil {
		b.up.down = b.down
	} else {
		t.free[class(b.size)] = b.down
	}
	if b.down != nil {
		b.down.up = b.up
	}
	b.up, b.down = nil, nil
}
