package hub

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"llana/models/checkpoint"
)

// Part says which of a repository's files are wanted.
type Part int

const (
	// Model is a model folder: configuration, tokenizer, weights, and the
	// projector's and the encoder's files where there are any. Weights that
	// exist in several formats are taken in one.
	Model Part = iota
	// Tokenizer is what text needs: a model folder without weights.
	Tokenizer
	// Encoder is a weights2space checkpoint.
	Encoder
)

// EncoderNames are the names of an encoder's checkpoint in a model folder.
var EncoderNames = []string{"weights2space.safetensors", "weights2space.pt"}

const (
	configName     = "config.json"
	encoderSidecar = "weights2space.json"
)

// tokenizerNames are the vocabularies, of which there must be one.
var tokenizerNames = []string{"tokenizer.model", "vocab.txt", "vocab.json"}

// textNames belong to a tokenizer where they exist.
var textNames = []string{"generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt"}

// selection is what a part consists of in a repository.
type selection struct {
	files []string
	index string // one of the files: it names further ones, the shards
	main  string // the file that an encoder is; "" for a folder
}

// choose selects a part's files from the names of all. It is an error if one
// without which the part is of no use is not there.
func (p Part) choose(r Reference, names []string) (selection, error) {
	has := func(name string) bool { return slices.Contains(names, name) }
	if p == Encoder {
		return chooseEncoder(r, names, has)
	}
	var s selection
	var missing []string
	if p == Model && !has(configName) {
		missing = append(missing, configName)
	}
	if !slices.ContainsFunc(tokenizerNames, has) {
		missing = append(missing, "tokenizer ("+strings.Join(tokenizerNames, ", ")+")")
	}
	for _, n := range names {
		yaml, encoder := path.Ext(n) == ".yaml", strings.HasPrefix(n, "weights2space.")
		if n == configName || slices.Contains(tokenizerNames, n) || slices.Contains(textNames, n) ||
			p == Model && !strings.Contains(n, "/") && (yaml || encoder) {
			s.files = append(s.files, n)
		}
	}
	if p == Model {
		weights, index := checkpoint.WeightsFile(has)
		switch {
		case weights == "":
			missing = append(missing, "weights (safetensors or pytorch_model.bin)")
		case index:
			s.index = weights
			fallthrough
		default:
			s.files = append(s.files, weights)
		}
	}
	if missing != nil {
		return s, fmt.Errorf("no %s", strings.Join(missing, ", no "))
	}
	return s, nil
}

func chooseEncoder(r Reference, names []string, has func(string) bool) (selection, error) {
	s := selection{main: r.File}
	if s.main != "" && !has(s.main) {
		return s, fmt.Errorf("no %s", s.main)
	}
	if i := slices.IndexFunc(EncoderNames, has); s.main == "" && i >= 0 {
		s.main = EncoderNames[i]
	}
	if s.main == "" {
		var others []string
		for _, n := range names {
			if ext := path.Ext(n); (ext == ".pt" || ext == ".safetensors") && !strings.HasPrefix(n, "model") {
				others = append(others, n)
			}
		}
		switch len(others) {
		case 0:
			return s, errors.New("no encoder: no .pt or .safetensors file")
		case 1:
			s.main = others[0]
		default:
			return s, fmt.Errorf("several files could be the encoder: say which, as %s/%s", r.Repository(), others[0])
		}
	}
	s.files = []string{s.main}
	if sidecar := path.Join(path.Dir(s.main), encoderSidecar); has(sidecar) {
		s.files = append(s.files, sidecar)
	}
	return s, nil
}
