package cpu

import (
	"sync"
	"sync/atomic"
)

// pool runs loops on a fixed set of goroutines. The caller's goroutine is
// worker 0; the others are its helpers. Between loops they spin for a moment,
// because operations follow one another closely and waking a thread takes
// longer than many an operation, then sleep.
type pool struct {
	workers []*worker
	common  worker // scratch buffers that a loop's iterations share
	helpers []*helper

	begun atomic.Uint32 // loops so far
	next  atomic.Int64  // first iteration not taken yet
	busy  atomic.Int32  // helpers inside the loop; changed under mu

	mu     sync.Mutex
	idle   sync.Cond // signalled when busy drops to 0
	open   bool      // a loop is running that helpers may join
	n      int
	body   func(w *worker, i int)
	caught any // the first panic of a helper
}

// worker is what one goroutine needs while it computes.
type worker struct {
	tile    tile
	scratch [numScratch][]float32
	right   [3][]gemm // packed operands of an attention
}

// Scratch buffers of a worker. Each has one user at a time.
const (
	scratchPackA = iota
	scratchPackB
	scratchTile
	scratch0
	scratch1
	scratch2
	scratch3
	scratch4
	scratch5
	scratch6
	scratch7
	scratchScales // of blocks of packed weights
	scratchRows   // widened rows
	numScratch
)

// floats returns n floats of undefined contents, aligned to 64 bytes. They
// stay the caller's until the same slot is asked for again.
func (w *worker) floats(slot, n int) []float32 {
	if cap(w.scratch[slot]) < n {
		// Go aligns allocations of 16 KiB and more to pages.
		w.scratch[slot] = make([]float32, max(4096, n+n/4))
	}
	return w.scratch[slot][:n]
}

// helper is a goroutine that takes part in loops.
type helper struct {
	worker
	asleep atomic.Bool
	wake   chan struct{}
}

func newPool(threads int) *pool {
	p := &pool{workers: []*worker{{}}}
	p.idle.L = &p.mu
	for range threads - 1 {
		h := &helper{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, &h.worker)
		p.helpers = append(p.helpers, h)
		go p.help(h)
	}
	return p
}

func (p *pool) close() {
	for _, h := range p.helpers {
		close(h.wake)
	}
	p.helpers = nil
}

// spins bounds how long a goroutine spins: about 50 microseconds.
const spins = 100

// spin waits for a condition, but not for long, and tells whether it came.
func spin(ready func() bool) bool {
	for range spins {
		if ready() {
			return true
		}
		pause()
	}
	return false
}

// loop calls body for 0..n-1, in any order, on all workers, and returns when
// all calls have returned. A helper that wakes up too late is not waited for.
// Loops cannot be nested.
func (p *pool) loop(n int, body func(w *worker, i int)) {
	if n <= 1 || len(p.helpers) == 0 {
		for i := range n {
			body(p.workers[0], i)
		}
		return
	}
	p.mu.Lock()
	p.body, p.n, p.open = body, n, true
	p.next.Store(0)
	p.mu.Unlock()
	p.begun.Add(1)
	for _, h := range p.helpers[:min(n-1, len(p.helpers))] {
		if !h.asleep.Load() {
			continue
		}
		select {
		case h.wake <- struct{}{}:
		default: // still to wake up for an earlier loop
		}
	}
	defer p.finish()
	p.work(p.workers[0], n, body)
}

// finish closes the loop and waits for the helpers in it.
func (p *pool) finish() {
	p.next.Store(int64(p.n)) // after a panic, take nothing new
	p.mu.Lock()
	p.open = false
	p.mu.Unlock()
	spin(func() bool { return p.busy.Load() == 0 })
	p.mu.Lock()
	for p.busy.Load() > 0 {
		p.idle.Wait()
	}
	caught := p.caught
	p.body, p.caught = nil, nil
	p.mu.Unlock()
	if caught != nil {
		panic(caught)
	}
}

func (p *pool) help(h *helper) {
	for seen := uint32(0); ; {
		if !spin(func() bool { return p.begun.Load() != seen }) {
			h.asleep.Store(true)
			if p.begun.Load() == seen { // else a loop began that did not see it asleep
				if _, ok := <-h.wake; !ok {
					return
				}
			}
			h.asleep.Store(false)
		}
		seen = p.begun.Load()
		p.mu.Lock()
		if !p.open {
			p.mu.Unlock()
			continue
		}
		p.busy.Add(1)
		n, body := p.n, p.body
		p.mu.Unlock()
		p.helpOnce(&h.worker, n, body)
	}
}

func (p *pool) helpOnce(w *worker, n int, body func(w *worker, i int)) {
	defer func() {
		r := recover()
		p.mu.Lock()
		if r != nil && p.caught == nil {
			p.caught = r
		}
		if p.busy.Add(-1) == 0 {
			p.idle.Signal()
		}
		p.mu.Unlock()
	}()
	p.work(w, n, body)
}

func (p *pool) work(w *worker, n int, body func(w *worker, i int)) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= n {
			return
		}
		body(w, i)
	}
}

// minWork is the number of elementary steps (about a nanosecond each) below
// which waking another thread costs more than it saves.
const minWork = 16 << 10

// split cuts n elements into pieces and calls body for each. The pieces hold
// a multiple of 16 elements and about minWork steps of work; they do not
// depend on the number of threads.
func (p *pool) split(n, cost int, body func(w *worker, lo, hi int)) {
	size := (max(minWork/max(cost, 1), 1) + 15) &^ 15
	if n <= size {
		if n > 0 {
			body(p.workers[0], 0, n)
		}
		return
	}
	p.loop((n+size-1)/size, func(w *worker, i int) { body(w, i*size, min((i+1)*size, n)) })
}

// rows cuts n rows of the given cost each into pieces of whole rows.
func (p *pool) rows(n, cost int, body func(w *worker, lo, hi int)) {
	size := max(minWork/max(cost, 1), 1)
	if n <= size {
		if n > 0 {
			body(p.workers[0], 0, n)
		}
		return
	}
	p.loop((n+size-1)/size, func(w *worker, i int) { body(w, i*size, min((i+1)*size, n)) })
}

// small is rows for loops that are short but often run: pieces are smaller.
func (p *pool) small(n, cost int, body func(w *worker, lo, hi int)) {
	size := max(minWork/4/max(cost, 1), 1)
	if n <= size {
		if n > 0 {
			body(p.workers[0], 0, n)
		}
		return
	}
	p.loop((n+size-1)/size, func(w *worker, i int) { body(w, i*size, min((i+1)*size, n)) })
}
