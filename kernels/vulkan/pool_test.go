//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// testPool has slabs that are just numbered.
func testPool(limit int64) (*pool[int], *int) {
	made := 0
	p := &pool[int]{limit: limit}
	p.create = func(int64) (int, error) {
		made++
		return made, nil
	}
	p.destroy = func(int) {}
	return p, &made
}

func mustAlloc(t *testing.T, p *pool[int], size int64) *block[int] {
	t.Helper()
	b, err := p.alloc(size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Random allocations never overlap, are aligned, are counted right, and leave
// whole slabs behind.
func TestPoolRandom(t *testing.T) {
	p, _ := testPool(1 << 30)
	r := rand.New(rand.NewPCG(1, 2))
	var live []*block[int]
	var bytes int64
	for range 20000 {
		if len(live) > 0 && r.IntN(100) < 48 {
			i := r.IntN(len(live))
			bytes -= live[i].size
			p.release(live[i])
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		size := int64(1) << r.IntN(24)
		size += r.Int64N(size)
		b := mustAlloc(t, p, size)
		if b.size < size || b.off%blockAlign != 0 || b.off+b.size > b.slab.size {
			t.Fatalf("block at %d of %d bytes for %d in a slab of %d", b.off, b.size, size, b.slab.size)
		}
		bytes += b.size
		live = append(live, b)
		if s := p.counts(); s.Live != bytes || s.Peak < bytes || s.Live+s.Pooled != p.total {
			t.Fatalf("counts %+v, live %d, total %d", s, bytes, p.total)
		}
	}
	checkSlabs(t, p)
	for _, b := range live {
		p.release(b)
	}
	checkSlabs(t, p)
	if s := p.counts(); s.Live != 0 || s.Pooled != p.total {
		t.Errorf("counts %+v after everything was given back", s)
	}
	p.trim()
	if p.total != 0 || len(p.small.slabs)+len(p.large.slabs)+len(p.huge) != 0 {
		t.Errorf("%d bytes left after trim", p.total)
	}
}

// checkSlabs walks the blocks of every slab.
func checkSlabs(t *testing.T, p *pool[int]) {
	t.Helper()
	for _, tr := range []*tier[int]{&p.small, &p.large} {
		for _, s := range tr.slabs {
			var at int64
			for b := s.first; b != nil; b = b.next {
				if b.off != at || b.next != nil && (b.next.prev != b || b.free && b.next.free) {
					t.Fatalf("slab %d is torn at %d", s.buf, b.off)
				}
				at += b.size
			}
			if at != s.size {
				t.Fatalf("slab %d: blocks cover %d of %d bytes", s.buf, at, s.size)
			}
		}
	}
}

// A step that repeats its allocations gets the same places again, and no new
// slab: bind groups can be found again.
func TestPoolRepeats(t *testing.T) {
	p, made := testPool(1 << 30)
	weights := mustAlloc(t, p, 3<<20)
	var before []int64
	for step := range 5 {
		var places []int64
		var live []*block[int]
		for _, size := range []int64{256, 5 << 20, 4096, 7 << 20, 100, 200 << 20, 5 << 20} {
			b := mustAlloc(t, p, size)
			places = append(places, int64(b.slab.buf), b.off)
			live = append(live, b)
		}
		for i := len(live) - 1; i >= 0; i-- {
			p.release(live[i])
		}
		for i := range before {
			if places[i] != before[i] {
				t.Fatalf("step %d: places %v, before %v", step, places, before)
			}
		}
		before = places
	}
	if *made != 3 {
		t.Errorf("%d slabs, want one for small, one for large and one huge", *made)
	}
	p.release(weights)
}

func TestPoolHuge(t *testing.T) {
	p, made := testPool(4 << 30)
	b := mustAlloc(t, p, 600<<20)
	p.release(b)
	p.release(mustAlloc(t, p, 500<<20))
	if *made != 1 {
		t.Errorf("an idle slab of about the size was not reused")
	}
	p.release(mustAlloc(t, p, 200<<20))
	if *made != 2 {
		t.Errorf("a slab thrice the size was used")
	}
}

// A device whose largest buffer is small gets slabs of that size.
func TestPoolSmallDevice(t *testing.T) {
	p, _ := testPool(8 << 20)
	for range 10 {
		mustAlloc(t, p, 3<<20)
		mustAlloc(t, p, 100)
	}
	for _, s := range append(p.small.slabs, p.large.slabs...) {
		if s.size > 8<<20 {
			t.Errorf("slab of %d bytes", s.size)
		}
	}
}

func TestPoolError(t *testing.T) {
	p, _ := testPool(1 << 30)
	full := errors.New("full")
	p.create = func(int64) (int, error) { return 0, full }
	if _, err := p.alloc(10); err != full {
		t.Errorf("got %v", err)
	}
	if s := p.counts(); s.Live != 0 || s.Pooled != 0 {
		t.Errorf("counts %+v after an error", s)
	}
}
