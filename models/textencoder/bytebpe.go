package textencoder

import (
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteBPE is GPT-2's tokenizer, as RoBERTa uses it: the bytes of each word are
// merged pair by pair, in the order in which training found the pairs.
type byteBPE struct {
	bytes    [256]int32          // id of each byte
	merges   map[[2]int32]merged // by pair of ids
	specials specials
	prefix   bool // a space is put before the text
}

// merged is what a pair becomes. Lower ranks come first.
type merged struct{ rank, id int32 }

// parseVocabJSON reads vocab.json: tokens, in the alphabet of byteAlphabet, and
// their ids.
func parseVocabJSON(b []byte) (map[string]int32, error) {
	var vocab map[string]int32
	if err := json.Unmarshal(b, &vocab); err != nil {
		return nil, fmt.Errorf("expected an object of tokens and ids: %w", err)
	}
	if len(vocab) == 0 {
		return nil, errors.New("expected tokens, found none")
	}
	for t, id := range vocab {
		if id < 0 {
			return nil, fmt.Errorf("token %q has id %d", t, id)
		}
	}
	return vocab, nil
}

// parseMerges reads merges.txt, "left right" a line in the order of training;
// a first line that begins with "#version" is skipped.
func parseMerges(text string, vocab map[string]int32) (map[[2]int32]merged, error) {
	merges := map[[2]int32]merged{}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSuffix(line, "\r")
		if line == "" || n == 1 && strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fmt.Errorf("line %d: expected two tokens, found %.60q", n, line)
		}
		var ids [3]int32
		for i, t := range []string{left, right, left + right} {
			if ids[i], ok = vocab[t]; !ok {
				return nil, fmt.Errorf("line %d: the vocabulary has no token %.60q", n, t)
			}
		}
		pair := [2]int32{ids[0], ids[1]}
		if _, ok := merges[pair]; ok {
			return nil, fmt.Errorf("line %d: %.60q is there twice", n, line)
		}
		merges[pair] = merged{int32(len(merges)), ids[2]}
	}
	return merges, nil
}

// byteAlphabet is how GPT-2's files write bytes: printable ones of Latin-1 as
// themselves, the others as the characters from 256 on.
func byteAlphabet() [256]rune {
	var a [256]rune
	next := rune(256)
	for b := range a {
		r := rune(b)
		if r == ' ' || !unicode.IsPrint(r) {
			r = next
			next++
		}
		a[b] = r
	}
	return a
}

func newByteBPE(vocab map[string]int32, merges map[[2]int32]merged, prefixSpace bool) (*byteBPE, error) {
	t := &byteBPE{merges: merges, prefix: prefixSpace}
	unknown, known := vocab["<unk>"]
	for b, r := range byteAlphabet() {
		id, ok := vocab[string(r)]
		if !ok && !known {
			return nil, fmt.Errorf("the vocabulary has neither byte 0x%02x (%q) nor <unk>", b, r)
		}
		if !ok {
			id = unknown
		}
		t.bytes[b] = id
	}
	t.specials = findSpecials(vocab, "<s>", "</s>", "<pad>", "<unk>", maskToken)
	return t, nil
}

func (t *byteBPE) encode(text string) []int32 {
	text = strings.ToValidUTF8(text, "\ufffd")
	if r, _ := utf8.DecodeRuneInString(text); t.prefix && text != "" && classOf(r) != space {
		text = " " + text
	}
	return t.specials.split(text, func(ids []int32, piece string) []int32 {
		for word := range gpt2Words(piece) {
			ids = t.mergeWord(ids, word)
		}
		return ids
	})
}

// mergeWord appends the ids of a word.
func (t *byteBPE) mergeWord(ids []int32, word string) []int32 {
	q := mergeQueue{merges: t.merges, at: make([]symbol, len(word))}
	for i := range len(word) {
		q.at[i] = symbol{t.bytes[word[i]], i - 1, i + 1}
	}
	for i := range len(word) - 1 {
		q.offer(i)
	}
	for q.Len() > 0 {
		q.apply(heap.Pop(&q).(candidate))
	}
	for i := 0; i < len(word); i = q.at[i].next {
		ids = append(ids, q.at[i].id)
	}
	return ids
}

// symbol is a token of a word in a list linked by position.
type symbol struct {
	id         int32
	prev, next int
}

// gone marks a symbol that was merged into the one before it.
const gone = math.MinInt32

// candidate is a pair that could be merged: the symbols at left and right, if
// they are still what they were.
type candidate struct {
	merged
	left, right int
	pair        [2]int32
}

// mergeQueue is a heap of candidates, lowest rank first, then leftmost.
type mergeQueue struct {
	merges map[[2]int32]merged
	at     []symbol
	heap   []candidate
}

func (q *mergeQueue) Len() int      { return len(q.heap) }
func (q *mergeQueue) Swap(i, j int) { q.heap[i], q.heap[j] = q.heap[j], q.heap[i] }
func (q *mergeQueue) Push(x any)    { q.heap = append(q.heap, x.(candidate)) }
func (q *mergeQueue) Less(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.rank < b.rank || a.rank == b.rank && a.left < b.left
}

func (q *mergeQueue) Pop() any {
	last := len(q.heap) - 1
	c := q.heap[last]
	q.heap = q.heap[:last]
	return c
}

// offer queues the pair of the symbol at i and the one behind it, if it can be
// merged.
func (q *mergeQueue) offer(i int) {
	next := q.at[i].next
	if next >= len(q.at) {
		return
	}
	pair := [2]int32{q.at[i].id, q.at[next].id}
	if m, ok := q.merges[pair]; ok {
		heap.Push(q, candidate{m, i, next, pair})
	}
}

// apply merges a candidate, unless one of its symbols has changed.
func (q *mergeQueue) apply(c candidate) {
	l, r := &q.at[c.left], &q.at[c.right]
	if l.id != c.pair[0] || r.id != c.pair[1] || l.next != c.right {
		return
	}
	l.id, l.next = c.id, r.next
	r.id = gone
	if l.next < len(q.at) {
		q.at[l.next].prev = c.left
		q.offer(c.left)
	}
	if l.prev >= 0 {
		q.offer(l.prev)
	}
}
