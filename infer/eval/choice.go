package eval

import (
	"regexp"
	"slices"
	"strings"

	"llana/train/toyworld"
)

// Choice is what a multiple-choice question is scored by. The published
// release has no protocol for these questions; this one is the project's own
// (docs/evaluation.md).
type Choice struct {
	// Options are the texts of options A, B, …; none if the question embeds
	// none.
	Options []string `json:"options,omitempty"`
	Key     int      `json:"key"` // the right option, -1 without options
	// Relation is what the question is about, for the table by relation.
	Relation string `json:"relation"`
}

// Letter returns the letter of option i, "" for -1.
func Letter(i int) string {
	if i < 0 {
		return ""
	}
	return string(rune('A' + i))
}

// maxOptions bounds the options of a question, A to J.
const maxOptions = 10

// marker is how an option begins: "A)", "(A)", "[A]", "A.", "A:" or "A -" at
// the beginning of a line or behind white space or a bracket.
var marker = regexp.MustCompile(`(?:^|[\s,;(\[])([A-Ja-j])(?:[).:\]]|\s-)(?:\s|$)`)

// ParseOptions finds the options that a question embeds: markers A, B, … in
// this order, at least two. An option goes to the next marker; the last one to
// the end of its line.
func ParseOptions(question string) []string {
	type place struct{ start, text int }
	var found []place
	for at := 0; len(found) < maxOptions; {
		m := marker.FindStringSubmatchIndex(question[at:])
		if m == nil {
			break
		}
		letter, end := question[at+m[2]], at+m[3]
		// The white space behind a marker may be what the next begins with.
		next := end + 1
		if letter&^0x20 == 'A'+byte(len(found)) {
			found = append(found, place{at + m[2], next})
		}
		at = next
	}
	if len(found) < 2 {
		return nil
	}
	options := make([]string, len(found))
	for i, p := range found {
		text := question[p.text:]
		if i+1 < len(found) {
			text = question[p.text:found[i+1].start]
		} else {
			text = strings.TrimLeft(text, " \t-")
			text, _, _ = strings.Cut(text, "\n")
		}
		options[i] = strings.Trim(text, " \t\r\n,;([)-")
	}
	return options
}

// plain is a text for comparing answers: lower case, single spaces, without
// surrounding punctuation.
func plain(s string) string {
	return strings.Trim(strings.Join(strings.Fields(strings.ToLower(s)), " "), ".,;:!?\"'()[] ")
}

// letterAlone finds option letters: upper case, between what is not part of a
// word; or lower case in brackets or before a bracket.
var letterAlone = regexp.MustCompile(`(?:^|[^\pL\pN'])([A-J])(?:[^\pL\pN']|$)|\(([a-j])\)|(?:^|\s)([a-j])\)`)

// Pick returns the option that a reply chooses, or -1: the option whose text
// the reply equals up to case and punctuation, or whose letter it is; or else
// the first option letter that stands alone. A bare "A" in front of a word is
// the article, not a letter.
func (c *Choice) Pick(reply string) int {
	for i, o := range c.Options {
		if plain(o) != "" && plain(o) == plain(reply) {
			return i
		}
	}
	if p := plain(reply); len(p) == 1 && int(p[0])-'a' >= 0 && int(p[0])-'a' < len(c.Options) {
		return int(p[0]) - 'a'
	}
	for at := 0; at < len(reply); {
		m := letterAlone.FindStringSubmatchIndex(reply[at:])
		if m == nil {
			break
		}
		group := slices.IndexFunc(m[2:], func(p int) bool { return p >= 0 })
		start := at + m[2+group]
		i := int(reply[start]&^0x20 - 'A')
		at = start + 1
		if i < len(c.Options) && !article(reply[start:]) {
			return i
		}
	}
	return -1
}

// article reports whether a text begins with "A" and a word behind it, as in
// "A red chair".
func article(s string) bool {
	rest, ok := strings.CutPrefix(s, "A ")
	return ok && rest != "" && strings.IndexFunc(rest, func(r rune) bool { return r >= 'a' && r <= 'z' }) == 0
}

// Right reports whether a reply is right. Without options it is if it equals
// the true answer up to case and punctuation or, of the toy world, comes to
// the same verdict.
func (c *Choice) Right(reply, truth string, verdict bool) bool {
	switch {
	case len(c.Options) > 0:
		return c.Pick(reply) == c.Key
	case verdict:
		return toyworld.Verdict(reply) == toyworld.Verdict(truth)
	}
	return plain(reply) == plain(truth)
}

// relations are the words that tell what a question is about.
var relations = []struct {
	name  string
	words *regexp.Regexp
}{
	{"left/right", regexp.MustCompile(`(?i)\b(left|right|leftmost|rightmost)\b`)},
	{"above/below", regexp.MustCompile(`(?i)\b(above|below|under|underneath|beneath|over|top|bottom|higher|lower|highest|lowest|up|down|upper)\b`)},
	{"front/behind", regexp.MustCompile(`(?i)\b(front|behind|back|rear|nearer|nearest|further away|furthest)\b`)},
	{"inside/outside", regexp.MustCompile(`(?i)\b(inside|outside|within|contains?|enclosed|interior|exterior)\b`)},
	{"near/far", regexp.MustCompile(`(?i)\b(near|far|close|closer|closest|farther|farthest|distance|adjacent|next to|beside)\b`)},
	{"size", regexp.MustCompile(`(?i)\b(larger|smaller|largest|smallest|bigger|biggest|taller|tallest|shorter|longer|wider|size)\b`)},
	{"count", regexp.MustCompile(`(?i)\b(how many|number of|count)\b`)},
}

// relationOf names a question's relation by its words: the first group that has
// one of them, or "other".
func relationOf(question string) string {
	for _, r := range relations {
		if r.words.MatchString(question) {
			return r.name
		}
	}
	return "other"
}
