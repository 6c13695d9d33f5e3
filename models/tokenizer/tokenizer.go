package tokenizer

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Tokenizer encodes and decodes text. It is safe for use by several
// goroutines at once, except while AddSpecialTokens runs.
type Tokenizer struct {
	model     *model
	modelData []byte
	config    *config

	legacy, prefixSpace bool
	addBOS, addEOS      bool
	bos, eos, unk, pad  int

	// added are the tokens behind the vocabulary of the model: added[i] has
	// the id len(model.pieces)+i.
	added []string
	// special holds all tokens that are cut out of the text, by id: those in
	// added and named pieces of the model, such as <s>.
	special map[int]specialToken
	cut     prefixSet
	// unknownLength is the number of ids of the text "<unk>".
	unknownLength int
}

// specialToken is what the tokenizer knows about a token that is cut out of
// the text.
type specialToken struct {
	addedToken
	// separate says that decoding sets the token off by spaces from its
	// neighbours.
	separate bool
}

// Load reads the tokenizer of a model folder: tokenizer.model and, where they
// exist, tokenizer_config.json, added_tokens.json and special_tokens_map.json.
// Errors name the file, what was expected and what was found.
func Load(dir string) (*Tokenizer, error) {
	t, err := LoadFS(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("tokenizer in %s: %w", dir, err)
	}
	return t, nil
}

// LoadFS is Load for a file system, such as an embedded one.
func LoadFS(fsys fs.FS) (*Tokenizer, error) {
	data, err := fs.ReadFile(fsys, modelFile)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(fsys)
	if err != nil {
		return nil, err
	}
	return newTokenizer(data, c)
}

func newTokenizer(modelData []byte, c *config) (*Tokenizer, error) {
	m, err := parseModel(modelData)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelFile, err)
	}
	t := &Tokenizer{
		model:       m,
		modelData:   modelData,
		config:      c,
		legacy:      valueOr(c.Legacy, true),
		prefixSpace: valueOr(c.PrefixSpace, true),
		addBOS:      valueOr(c.AddBOS, true),
		addEOS:      valueOr(c.AddEOS, false),
		special:     map[int]specialToken{},
	}
	if err := t.addByID(); err != nil {
		return nil, err
	}
	if err := t.addNamed(); err != nil {
		return nil, err
	}
	unknown, _ := t.token(t.unk)
	t.unknownLength = len(m.appendIDs(nil, unknown, false))
	return t, nil
}

func valueOr(p *bool, fallback bool) bool {
	if p == nil {
		return fallback
	}
	return *p
}

// addByID enters the added tokens whose ids the files give.
func (t *Tokenizer) addByID() error {
	ids := make([]int, 0, len(t.config.byID))
	for id := range t.config.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		tok := t.config.byID[id]
		have, ok := t.model.lookup(tok.Content)
		switch {
		case id < len(t.model.pieces) && (!ok || have != id):
			return fmt.Errorf("added token %q has id %d, which is the piece %q of %s",
				tok.Content, id, t.model.pieces[id].text, modelFile)
		case id >= len(t.model.pieces) && ok:
			return fmt.Errorf("added token %q has id %d, but id %d in %s", tok.Content, id, have, modelFile)
		case id > t.VocabSize():
			return fmt.Errorf("added token %q has id %d, but id %d is not taken", tok.Content, id, t.VocabSize())
		case id == t.VocabSize():
			t.added = append(t.added, tok.Content)
		}
		_, named := t.config.named(tok.Content)
		if err := t.setSpecial(id, tok, !named); err != nil {
			return err
		}
	}
	return nil
}

// addNamed enters <s>, </s>, <unk>, the padding token and the additional
// special tokens.
func (t *Tokenizer) addNamed() error {
	c := t.config
	for _, n := range []struct {
		key      string
		tok      *addedToken
		fallback string
		id       *int
	}{
		{"unk_token", c.Unknown, defaultUnknown, &t.unk},
		{"bos_token", c.BOS, defaultBOS, &t.bos},
		{"eos_token", c.EOS, defaultEOS, &t.eos},
		{"pad_token", c.Pad, "", &t.pad},
	} {
		tok := n.tok
		if tok == nil && n.fallback == "" {
			*n.id = t.unk // the models here pad with <unk>
			continue
		}
		if tok == nil {
			tok = &addedToken{Content: n.fallback, Special: true}
		}
		id, ok := t.ID(tok.Content)
		if !ok {
			return fmt.Errorf("%s %q is neither in %s nor an added token", n.key, tok.Content, modelFile)
		}
		*n.id = id
		if err := t.name(id, *tok, false); err != nil {
			return err
		}
	}
	for _, tok := range c.Additional {
		id, ok := t.ID(tok.Content)
		if !ok { // named without an id: it gets the next one
			id = t.VocabSize()
			t.added = append(t.added, tok.Content)
		}
		if err := t.name(id, tok, id >= len(t.model.pieces)); err != nil {
			return err
		}
	}
	return nil
}

// name makes the token a special one; flags given with its id go first.
func (t *Tokenizer) name(id int, tok addedToken, separate bool) error {
	if have, ok := t.special[id]; ok {
		tok, separate = have.addedToken, separate || have.separate
	}
	tok.Special = true
	return t.setSpecial(id, tok, separate)
}

func (t *Tokenizer) setSpecial(id int, tok addedToken, separate bool) error {
	switch {
	case tok.Content == "" || len(tok.Content) > maxAddedContent:
		return fmt.Errorf("special token %d has %d bytes, want 1 to %d", id, len(tok.Content), maxAddedContent)
	case tok.SingleWord:
		return fmt.Errorf("special token %q: single_word is not supported", tok.Content)
	}
	t.special[id] = specialToken{tok, separate}
	t.cut.add(tok.Content, id)
	return nil
}

// AddSpecialTokens gives each name that is not in the vocabulary yet the next
// id, in order, and cuts all of them out of text from then on. It returns how
// many rows the embedding tables have to grow by.
func (t *Tokenizer) AddSpecialTokens(names ...string) (int, error) {
	before := t.VocabSize()
	for _, name := range names {
		id, ok := t.ID(name)
		if !ok {
			id = t.VocabSize()
		}
		if err := t.name(id, addedToken{Content: name}, id >= len(t.model.pieces)); err != nil {
			return t.VocabSize() - before, err
		}
		if !ok {
			t.added = append(t.added, name)
		}
	}
	return t.VocabSize() - before, nil
}

// VocabSize is the number of ids, added tokens included.
func (t *Tokenizer) VocabSize() int { return len(t.model.pieces) + len(t.added) }

// BOSID is the id of the token at the start of every text, <s>.
func (t *Tokenizer) BOSID() int { return t.bos }

// EOSID is the id of the token that ends an answer, </s>.
func (t *Tokenizer) EOSID() int { return t.eos }

// UnknownID is the id of the unknown token, <unk>.
func (t *Tokenizer) UnknownID() int { return t.unk }

// PadID is the id that pads a batch; <unk> where the files name none.
func (t *Tokenizer) PadID() int { return t.pad }

// Legacy reports whether every part of the text between special tokens gets
// its own "▁" in front.
func (t *Tokenizer) Legacy() bool { return t.legacy }

// Piece returns the token with this id as it stands in the vocabulary, spaces
// as "▁". It returns "" for an id outside the vocabulary.
func (t *Tokenizer) Piece(id int) string {
	text, _ := t.token(id)
	return text
}

func (t *Tokenizer) token(id int) (string, bool) {
	n := len(t.model.pieces)
	switch {
	case id < 0 || id >= t.VocabSize():
		return "", false
	case id < n:
		return t.model.pieces[id].text, true
	}
	return t.added[id-n], true
}

// ID returns the id of a token given exactly as in the vocabulary, such as
// "<point_patch>" or "▁chair".
func (t *Tokenizer) ID(token string) (int, bool) {
	if id, ok := t.cut.ids[token]; ok {
		return id, true
	}
	return t.model.lookup(token)
}

// IsSpecial reports whether decoding for people leaves the token out.
func (t *Tokenizer) IsSpecial(id int) bool { return t.special[id].Special }
