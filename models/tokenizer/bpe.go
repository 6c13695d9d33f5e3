package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// appendIDs appends the ids of a text without special tokens. dummyPrefix puts
// "▁" in front; an empty text has no ids either way.
func (m *model) appendIDs(ids []int, text string, dummyPrefix bool) []int {
	if text == "" {
		return ids
	}
	normalized := normalize(text, dummyPrefix)
	symbols := m.split(normalized)
	m.merge(normalized, symbols)

	afterUnknown := false
	for i := 0; i >= 0; i = symbols[i].next {
		part := normalized[symbols[i].start:symbols[i].end]
		id, known := m.merged[part] // not m.lookup: text never becomes a control piece
		switch {
		case known:
			ids = append(ids, id)
		case m.byteFallback:
			for _, b := range []byte(part) {
				ids = append(ids, m.byteID[b])
			}
		case !afterUnknown: // a run of unknown characters is one unknown piece
			ids = append(ids, m.unknown)
		}
		afterUnknown = !known
	}
	return ids
}

// normalize replaces spaces by "▁" and each byte that is not part of valid
// UTF-8 by U+FFFD.
func normalize(text string, dummyPrefix bool) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2 + len(space))
	if dummyPrefix {
		b.WriteString(space)
	}
	for _, r := range text {
		if r == ' ' {
			b.WriteString(space)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// symbol is a stretch of the text in a doubly linked list. A symbol that was
// merged into its left neighbour is empty.
type symbol struct {
	start, end int
	prev, next int // -1 at the ends
	frozen     bool
}

// split cuts the text into characters and user-defined pieces; the latter are
// never merged.
func (m *model) split(text string) []symbol {
	symbols := make([]symbol, 0, len(text))
	for at := 0; at < len(text); {
		_, size := m.userDefined.longest(text[at:])
		frozen := size > 0
		if !frozen {
			_, size = utf8.DecodeRuneInString(text[at:])
		}
		n := len(symbols)
		symbols = append(symbols, symbol{start: at, end: at + size, prev: n - 1, next: n + 1, frozen: frozen})
		at += size
	}
	symbols[len(symbols)-1].next = -1
	return symbols
}

// merge joins neighbours into the pieces of the highest score until no pair
// forms a piece. A queue makes it O(n log n) in the number of characters.
func (m *model) merge(text string, symbols []symbol) {
	var queue pairQueue
	consider := func(left, right int) {
		if left < 0 || right < 0 || symbols[left].frozen || symbols[right].frozen {
			return
		}
		start, end := symbols[left].start, symbols[right].end
		if id, ok := m.merged[text[start:end]]; ok {
			queue.push(pair{score: m.pieces[id].score, left: left, right: right, size: end - start})
		}
	}
	for i := 1; i < len(symbols); i++ {
		consider(i-1, i)
	}
	for len(queue) > 0 {
		p := queue.pop()
		l, r := &symbols[p.left], &symbols[p.right]
		// The pair is stale if either side was merged since.
		if l.start == l.end || r.start == r.end || r.end-l.start != p.size {
			continue
		}
		l.end = r.end
		l.next = r.next
		if r.next >= 0 {
			symbols[r.next].prev = p.left
		}
		r.start = r.end
		consider(l.prev, p.left)
		consider(p.left, l.next)
	}
}

// pair is two neighbouring symbols that form a piece of size bytes.
type pair struct {
	score       float32
	left, right int
	size        int
}

func (p pair) before(q pair) bool {
	return p.score > q.score || p.score == q.score && p.left < q.left
}

// pairQueue is a binary heap with the next pair to merge at the front.
// (container/heap would allocate for every pair.)
type pairQueue []pair

func (q *pairQueue) push(p pair) {
	h := append(*q, p)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !p.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = p
	*q = h
}

func (q *pairQueue) pop() pair {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	*q = h
	return top
}
