package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// The files of a model folder.
const (
	modelFile       = "tokenizer.model"
	configFile      = "tokenizer_config.json"
	addedFile       = "added_tokens.json"
	specialMapFile  = "special_tokens_map.json"
	defaultBOS      = "<s>"
	defaultEOS      = "</s>"
	defaultUnknown  = "<unk>"
	maxAddedContent = 1024 // bytes; a special token is a name, not a text
)

// addedToken is a token that is cut out of the text before encoding. In JSON
// it is a string or an object with these keys.
type addedToken struct {
	Content    string `json:"content"`
	LStrip     bool   `json:"lstrip"` // also takes the white space to its left
	Normalized bool   `json:"normalized"`
	RStrip     bool   `json:"rstrip"` // also takes the white space to its right
	SingleWord bool   `json:"single_word"`
	Special    bool   `json:"special"` // left out when decoding for people
}

func (a *addedToken) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*a = addedToken{Special: true}
		return json.Unmarshal(data, &a.Content)
	}
	type plain addedToken // without this method
	return json.Unmarshal(data, (*plain)(a))
}

// specialNames are the keys that tokenizer_config.json and
// special_tokens_map.json share.
type specialNames struct {
	BOS        *addedToken  `json:"bos_token"`
	EOS        *addedToken  `json:"eos_token"`
	Unknown    *addedToken  `json:"unk_token"`
	Pad        *addedToken  `json:"pad_token"`
	Additional []addedToken `json:"additional_special_tokens"`
}

// config is tokenizer_config.json, completed by the two older files.
type config struct {
	specialNames
	Legacy       *bool                 `json:"legacy"`
	AddBOS       *bool                 `json:"add_bos_token"`
	AddEOS       *bool                 `json:"add_eos_token"`
	PrefixSpace  *bool                 `json:"add_prefix_space"`
	AddedDecoder map[string]addedToken `json:"added_tokens_decoder"`

	// byID are the added tokens of AddedDecoder and added_tokens.json.
	byID map[int]addedToken
	// raw is the whole file, so that saving keeps the keys not known here.
	raw map[string]json.RawMessage
}

// readConfig reads the JSON files of a model folder. Each may be missing.
func readConfig(fsys fs.FS) (*config, error) {
	c := &config{}
	if err := readJSON(fsys, configFile, c); err != nil {
		return nil, err
	}
	if err := readJSON(fsys, configFile, &c.raw); err != nil {
		return nil, err
	}
	var names specialNames
	if err := readJSON(fsys, specialMapFile, &names); err != nil {
		return nil, err
	}
	c.merge(names)
	if err := c.readAdded(fsys); err != nil {
		return nil, err
	}
	return c, nil
}

// readJSON decodes a file; a missing file leaves v as it is.
func readJSON(fsys fs.FS, name string, v any) error {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// merge adds special_tokens_map.json. Older folders keep their special tokens
// there; where tokenizer_config.json has added_tokens_decoder it is the newer
// of the two and wins.
func (c *config) merge(names specialNames) {
	newer := c.AddedDecoder != nil
	pick := func(have **addedToken, other *addedToken) {
		if *have == nil || !newer && other != nil {
			*have = other
		}
	}
	pick(&c.BOS, names.BOS)
	pick(&c.EOS, names.EOS)
	pick(&c.Unknown, names.Unknown)
	pick(&c.Pad, names.Pad)
	if c.Additional == nil || !newer && names.Additional != nil {
		c.Additional = names.Additional
	}
}

// readAdded fills byID.
func (c *config) readAdded(fsys fs.FS) error {
	c.byID = map[int]addedToken{}
	idOf := map[string]int{}
	for key, tok := range c.AddedDecoder {
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || strconv.Itoa(id) != key {
			return fmt.Errorf("%s: added_tokens_decoder: %q is not a token id", configFile, key)
		}
		if other, ok := idOf[tok.Content]; ok {
			return fmt.Errorf("%s: added_tokens_decoder: %q has the ids %d and %d",
				configFile, tok.Content, min(id, other), max(id, other))
		}
		c.byID[id] = tok
		idOf[tok.Content] = id
	}
	return c.readOlderAdded(fsys, idOf)
}

// readOlderAdded enters the tokens of added_tokens.json that
// added_tokens_decoder does not have; the two must not disagree.
func (c *config) readOlderAdded(fsys fs.FS, idOf map[string]int) error {
	var older map[string]int
	if err := readJSON(fsys, addedFile, &older); err != nil {
		return err
	}
	for content, id := range older {
		if other, ok := idOf[content]; ok {
			if other != id {
				return fmt.Errorf("%s: %q has id %d, but id %d in %s", addedFile, content, id, other, configFile)
			}
			continue
		}
		if id < 0 {
			return fmt.Errorf("%s: %q has id %d", addedFile, content, id)
		}
		if tok, ok := c.byID[id]; ok {
			return fmt.Errorf("%s: id %d is %q, but another token (%q) has it too", addedFile, id, content, tok.Content)
		}
		tok, ok := c.named(content)
		if !ok {
			tok = addedToken{Content: content}
		}
		c.byID[id] = tok
	}
	return nil
}

// named returns the special token that the files name so.
func (c *config) named(content string) (addedToken, bool) {
	for _, tok := range []*addedToken{c.BOS, c.EOS, c.Unknown, c.Pad} {
		if tok != nil && tok.Content == content {
			return *tok, true
		}
	}
	for _, tok := range c.Additional {
		if tok.Content == content {
			return tok, true
		}
	}
	return addedToken{}, false
}
