// Package wordnet looks up synonyms in the WordNet database (Princeton
// University, version 3.0; file formats: wndb(5WN) of its manual) as nltk's
// corpus reader does.
package wordnet

import (
	"slices"
	"strings"
)

// DB is a WordNet database in memory. Its methods may be called from several
// goroutines at once.
type DB struct {
	Path    string // folder or archive it was read from
	Version string // as its license names it, usually "3.0"; "" if it does not
	parts   [4]part
}

// part is the database of one part of speech.
type part struct {
	suffix     string              // of its file names
	senses     map[string]span     // lemma, in lower case -> part of offsets
	offsets    []int32             // bytes at which synsets begin
	synsets    map[int32]span      // byte at which a synset begins -> its words in data
	data       string              // the file data.*
	exceptions map[string][]string // inflected form -> base forms
	rules      []ending
}

// span is a part of a list or a text.
type span struct{ from, to int32 }

// ending is a rule of detachment: a suffix and what stands for it in the base
// form.
type ending struct{ from, to string }

// partsOfSpeech are nouns, verbs, adjectives and adverbs, with the rules of
// morphy(7WN).
func partsOfSpeech() [4]part {
	return [4]part{
		{suffix: "noun", rules: []ending{{"s", ""}, {"ses", "s"}, {"ves", "f"}, {"xes", "x"}, {"zes", "z"},
			{"ches", "ch"}, {"shes", "sh"}, {"men", "man"}, {"ies", "y"}}},
		{suffix: "verb", rules: []ending{{"s", ""}, {"ies", "y"}, {"es", "e"}, {"es", ""}, {"ed", "e"}, {"ed", ""},
			{"ing", "e"}, {"ing", ""}}},
		{suffix: "adj", rules: []ending{{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}}},
		{suffix: "adv"},
	}
}

// Synonyms returns the words of one piece ("_" joins those of several) in all
// synsets of all base forms of a word, which must be in lower case. They keep
// the case of the database, are sorted, and each is there once; a word that the database does not have has
// none.
func (db *DB) Synonyms(word string) []string {
	var names []string
	for i := range db.parts {
		p := &db.parts[i]
		for _, base := range p.morphy(word) {
			at := p.senses[base]
			for _, offset := range p.offsets[at.from:at.to] {
				words := p.synsets[offset]
				names = appendLemmas(names, p.data[words.from:words.to])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// appendLemmas appends the words of a synset that have one piece. words is
// "word lex_id word lex_id ...". A marker of syntax behind an adjective, such
// as "(p)", is not part of it.
func appendLemmas(names []string, words string) []string {
	for i, w := range strings.Fields(words) {
		if i%2 == 1 {
			continue
		}
		if strings.HasSuffix(w, ")") {
			if at := strings.IndexByte(w, '('); at >= 0 {
				w = w[:at]
			}
		}
		if !strings.Contains(w, "_") {
			names = append(names, w)
		}
	}
	return names
}

// morphy returns the base forms of a word that are in the database. If the
// word is an exception, the rules are not used. Else they are applied once;
// only if that finds nothing, nor the word itself, they are applied again and
// again.
func (p *part) morphy(word string) []string {
	if bases, ok := p.exceptions[word]; ok {
		return p.known(append([]string{word}, bases...))
	}
	forms := p.detach([]string{word})
	found := p.known(append([]string{word}, forms...))
	for found == nil && len(forms) > 0 {
		forms = p.detach(forms)
		found = p.known(forms)
	}
	return found
}

// known returns the forms that are in the database, each once.
func (p *part) known(forms []string) []string {
	var found []string
	for _, f := range forms {
		if _, ok := p.senses[f]; ok && !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}

// detach applies every rule to every form.
func (p *part) detach(forms []string) []string {
	var out []string
	for _, f := range forms {
		for _, r := range p.rules {
			if stem, ok := strings.CutSuffix(f, r.from); ok {
				out = append(out, stem+r.to)
			}
		}
	}
	return out
}
