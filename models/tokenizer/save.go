package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"llana/models/checkpoint/atomicfile"
)

// Save writes the tokenizer's four files into a model folder that exists:
// tokenizer.model as it was read or built, and the JSON files with the added
// tokens. Keys of tokenizer_config.json that this package does not know are
// kept.
func (t *Tokenizer) Save(dir string) error {
	files, err := t.files()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

// files returns the contents of the four files by name.
func (t *Tokenizer) files() (map[string][]byte, error) {
	out := map[string][]byte{modelFile: t.modelData}
	for name, v := range map[string]any{
		configFile:     t.configJSON(),
		specialMapFile: t.specialMapJSON(),
		addedFile:      t.addedJSON(),
	} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // "<s>" stays readable
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = b.Bytes()
	}
	return out, nil
}

func (t *Tokenizer) configJSON() map[string]any {
	decoder := map[string]addedToken{}
	for id, tok := range t.special {
		decoder[strconv.Itoa(id)] = tok.addedToken
	}
	out := map[string]any{
		"clean_up_tokenization_spaces": false,
		"padding_side":                 "right",
		"sp_model_kwargs":              struct{}{},
		"tokenizer_class":              "LlamaTokenizer",
	}
	for key, value := range t.config.raw {
		out[key] = value
	}
	out["legacy"] = t.legacy
	out["add_bos_token"] = t.addBOS
	out["add_eos_token"] = t.addEOS
	out["bos_token"] = t.Piece(t.bos)
	out["eos_token"] = t.Piece(t.eos)
	out["unk_token"] = t.Piece(t.unk)
	out["pad_token"] = t.Piece(t.pad)
	out["added_tokens_decoder"] = decoder
	out["additional_special_tokens"] = t.additional()
	return out
}

func (t *Tokenizer) specialMapJSON() map[string]any {
	return map[string]any{
		"bos_token":                 t.special[t.bos].addedToken,
		"eos_token":                 t.special[t.eos].addedToken,
		"unk_token":                 t.special[t.unk].addedToken,
		"pad_token":                 t.Piece(t.pad),
		"additional_special_tokens": t.additional(),
	}
}

func (t *Tokenizer) addedJSON() map[string]int {
	out := map[string]int{}
	for i, name := range t.added {
		out[name] = len(t.model.pieces) + i
	}
	return out
}

// additional lists the special tokens behind the model's vocabulary in the
// order of their ids, and those that tokenizer_config.json listed.
func (t *Tokenizer) additional() []string {
	listed := map[string]bool{}
	for _, tok := range t.config.Additional {
		listed[tok.Content] = true
	}
	out := []string{}
	for _, id := range slices.Sorted(maps.Keys(t.special)) {
		tok := t.special[id]
		if listed[tok.Content] || tok.Special && tok.separate && id >= len(t.model.pieces) {
			out = append(out, tok.Content)
		}
	}
	return out
}
