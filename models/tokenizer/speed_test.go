package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// pointPrompt is a prompt with as many point tokens as one NeRF has.
func pointPrompt() string {
	return "USER: <point_start>" + strings.Repeat("<point_patch>", 3072) + "<point_end>\nWhat is this? ASSISTANT:"
}

func TestPointPrompt(t *testing.T) {
	tok := loadLegacy(t)
	ids := tok.Encode(pointPrompt())
	first := slices.Index(ids, 600)
	if first < 1 || len(ids) < first+3073 || ids[first-1] != 601 || ids[first+3072] != 602 {
		t.Fatalf("no <point_start>, 3072 x <point_patch>, <point_end> in %d ids", len(ids))
	}
	for _, id := range ids[first : first+3072] {
		if id != 600 {
			t.Fatalf("id %d among the point tokens", id)
		}
	}
}

// TestLongText would take minutes if merging were quadratic.
func TestLongText(t *testing.T) {
	tok := loadLegacy(t)
	word := "featuring"
	n := 50_000
	ids := tok.EncodeSegment(strings.Repeat(word+" ", n))
	id, _ := tok.ID("▁" + word)
	if len(ids) != n+1 || ids[0] != id || ids[n-1] != id {
		t.Errorf("%d ids, want %d times %d and a space", len(ids), n, id)
	}
	run := strings.Repeat("l", 300_000) // one unbroken run of overlapping pairs
	if got := tok.Decode(tok.EncodeSegment(run), true); got != run {
		t.Error("a run of one letter does not come back")
	}
}

func BenchmarkEncodePointPrompt(b *testing.B) {
	tok := loadLegacy(b)
	text := pointPrompt()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Encode(text)
	}
}

func BenchmarkEncodeText(b *testing.B) {
	tok := loadLegacy(b)
	text := strings.Repeat("The silver wings sit above the fabric shade, in front of the tall bench! ", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Encode(text)
	}
}
