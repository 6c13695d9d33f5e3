package wordnet

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// parseIndex reads an index file: "lemma pos synset_cnt p_cnt symbols...
// sense_cnt tagsense_cnt offsets...", a line for each lemma. Lines of the
// license begin with a space.
func (p *part) parseIndex(text string) error {
	p.senses = make(map[string]span, strings.Count(text, "\n"))
	for n, line := range lines(text) {
		if strings.HasPrefix(line, " ") || line == "" {
			continue
		}
		if err := p.addLemma(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(p.senses) == 0 {
		return fmt.Errorf("expected lemmas, found none")
	}
	return nil
}

func (p *part) addLemma(line string) error {
	lemma, rest := field(line)
	_, rest = field(rest)
	count, rest := field(rest)
	synsets, err := strconv.ParseUint(count, 10, 16)
	pointers, rest := field(rest)
	skip, err2 := strconv.ParseUint(pointers, 10, 16)
	if err != nil || err2 != nil || synsets == 0 {
		return fmt.Errorf("expected a lemma with its synsets, found %.60q", line)
	}
	for range skip + 2 {
		_, rest = field(rest)
	}
	at := span{from: int32(len(p.offsets))}
	for {
		var f string
		if f, rest = field(rest); f == "" {
			break
		}
		o, err := strconv.ParseInt(f, 10, 32)
		if err != nil {
			return fmt.Errorf("lemma %q: %w", lemma, err)
		}
		if _, ok := p.synsets[int32(o)]; !ok {
			return fmt.Errorf("lemma %q: no synset begins at byte %d of data.%s", lemma, o, p.suffix)
		}
		p.offsets = append(p.offsets, int32(o))
	}
	at.to = int32(len(p.offsets))
	if found := at.to - at.from; found != int32(synsets) {
		return fmt.Errorf("lemma %q: expected %d offsets, as the line says, found %d", lemma, synsets, found)
	}
	p.senses[lemma] = at
	return nil
}

// field returns the text up to the next space, and what is behind it and
// further spaces.
func field(s string) (first, rest string) {
	first, rest, _ = strings.Cut(s, " ")
	return first, strings.TrimLeft(rest, " ")
}

// parseData reads a data file: "synset_offset lex_filenum ss_type w_cnt word
// lex_id [word lex_id...] ...", a line for each synset, which begins at the
// byte that synset_offset says. w_cnt is hexadecimal.
func (p *part) parseData(text string) error {
	p.data, p.synsets = text, make(map[int32]span, strings.Count(text, "\n"))
	for at := 0; at < len(text); {
		line, _, found := strings.Cut(text[at:], "\n")
		if line != "" && line[0] != ' ' {
			words, err := synsetWords(line, at)
			if err != nil {
				return fmt.Errorf("byte %d: %w", at, err)
			}
			p.synsets[int32(at)] = words
		}
		at += len(line)
		if found {
			at++
		}
	}
	if len(p.synsets) == 0 {
		return fmt.Errorf("expected synsets, found none")
	}
	return nil
}

// synsetWords returns the part of the file that holds the words of the synset
// whose line begins at a byte.
func synsetWords(line string, at int) (span, error) {
	rest := line
	var head [4]string
	for i := range head {
		if head[i], rest, _ = strings.Cut(rest, " "); head[i] == "" {
			return span{}, fmt.Errorf("expected a synset, found %.60q", line)
		}
	}
	if offset, err := strconv.ParseUint(head[0], 10, 31); err != nil || int(offset) != at {
		return span{}, fmt.Errorf("expected the synset of this offset, %08d, found %.20q (were line ends converted?)", at, head[0])
	}
	n, err := strconv.ParseUint(head[3], 16, 16)
	if err != nil || n == 0 {
		return span{}, fmt.Errorf("expected a number of words, found %.20q", head[3])
	}
	from := len(line) - len(rest)
	to := from
	for range 2 * n {
		i := strings.IndexByte(line[to:], ' ')
		if i <= 0 {
			return span{}, fmt.Errorf("expected %d words, found %.60q", n, rest)
		}
		to += i + 1
	}
	return span{int32(at + from), int32(at + to)}, nil
}

// parseExceptions reads a list of exceptions: "inflected base [base...]" a
// line.
func (p *part) parseExceptions(text string) error {
	p.exceptions = map[string][]string{}
	for n, line := range lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1:
			p.exceptions[f[0]] = f[1:]
		case len(f) == 1:
			return fmt.Errorf("line %d: expected base forms of %q, found none", n, f[0])
		}
	}
	return nil
}

// lines yields the lines of a text with their numbers.
func lines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.SplitSeq(text, "\n") {
			if n++; !yield(n, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}
