package textencoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
)

// Kinds of encoders, as config.json names them in model_type.
const (
	MPNet   = "mpnet"
	RoBERTa = "roberta"
)

// Config holds the keys of config.json that the encoders need.
type Config struct {
	Kind         string  `json:"model_type"`
	HiddenSize   int     `json:"hidden_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Intermediate int     `json:"intermediate_size"`
	VocabSize    int     `json:"vocab_size"`
	Positions    int     `json:"max_position_embeddings"` // rows of the table; the first two are not positions
	TokenTypes   int     `json:"type_vocab_size"`         // RoBERTa only
	NormEps      float64 `json:"layer_norm_eps"`
	Buckets      int     `json:"relative_attention_num_buckets"` // MPNet only; 32 if the file has none
	Activation   string  `json:"hidden_act"`
	PositionKind string  `json:"position_embedding_type"`
}

// The largest sizes that are taken: far above any encoder, small enough that
// products of two do not overflow.
const (
	maxWidth  = 1 << 16
	maxLayers = 1 << 10
	maxVocab  = 1 << 22
)

// ParseConfig reads a config.json. Keys it does not know are skipped; settings
// that the two models do not have are errors.
func ParseConfig(b []byte) (Config, error) {
	c := Config{NormEps: 1e-5, Buckets: 32, Activation: "gelu", PositionKind: "absolute", TokenTypes: 1}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("not a model's config: %w", err)
	}
	return c, c.validate()
}

func (c Config) validate() error {
	if c.Kind != MPNet && c.Kind != RoBERTa {
		return fmt.Errorf("model_type is %q, want %q or %q", c.Kind, MPNet, RoBERTa)
	}
	for _, f := range []struct {
		name          string
		v, least, max int
	}{
		{"hidden_size", c.HiddenSize, 1, maxWidth}, {"num_hidden_layers", c.Layers, 1, maxLayers},
		{"num_attention_heads", c.Heads, 1, maxWidth}, {"intermediate_size", c.Intermediate, 1, maxWidth},
		{"vocab_size", c.VocabSize, firstPosition + 1, maxVocab}, {"max_position_embeddings", c.Positions, firstPosition + 2, maxVocab},
		{"type_vocab_size", c.TokenTypes, 1, maxWidth},
		{"relative_attention_num_buckets", c.Buckets, 4, maxWidth},
	} {
		if f.v < f.least || f.v > f.max {
			return fmt.Errorf("%s is %d, want %d to %d", f.name, f.v, f.least, f.max)
		}
	}
	switch {
	case c.HiddenSize%c.Heads != 0:
		return fmt.Errorf("hidden_size %d does not divide into %d heads", c.HiddenSize, c.Heads)
	case c.Buckets%4 != 0:
		return fmt.Errorf("relative_attention_num_buckets is %d, want a multiple of 4", c.Buckets)
	case !(c.NormEps >= 0 && c.NormEps < 1):
		return fmt.Errorf("layer_norm_eps is %v, want 0 to 1", c.NormEps)
	case c.Activation != "gelu":
		return fmt.Errorf("hidden_act is %q, want \"gelu\"", c.Activation)
	case c.PositionKind != "absolute":
		return fmt.Errorf("position_embedding_type is %q, want \"absolute\"", c.PositionKind)
	}
	return nil
}

// token is the name of a token: in JSON a text, or an object with "content".
type token string

func (t *token) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var object struct {
			Content string `json:"content"`
		}
		err := json.Unmarshal(b, &object)
		*t = token(object.Content)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// tokenizerConfig is tokenizer_config.json.
type tokenizerConfig struct {
	wordPieceOptions
	PrefixSpace bool    `json:"add_prefix_space"`
	MaxLength   float64 `json:"model_max_length"` // 1e30 where there is no limit
}

// sentenceConfig is what the folder of a sentence-transformers model adds.
type sentenceConfig struct {
	MaxLength float64 `json:"max_seq_length"` // sentence_bert_config.json
}

// pooling is 1_Pooling/config.json: how token vectors become one.
type pooling struct {
	CLS      bool  `json:"pooling_mode_cls_token"`
	Mean     *bool `json:"pooling_mode_mean_tokens"` // default true
	Max      bool  `json:"pooling_mode_max_tokens"`
	MeanRoot bool  `json:"pooling_mode_mean_sqrt_len_tokens"`
	Weighted bool  `json:"pooling_mode_weightedmean_tokens"`
	Last     bool  `json:"pooling_mode_lasttoken"`
}

func (p pooling) check() error {
	if p.CLS || p.Max || p.MeanRoot || p.Weighted || p.Last || !isOr(p.Mean, true) {
		return errors.New("expected the mean of the tokens (pooling_mode_mean_tokens) alone, found another pooling")
	}
	return nil
}

// maxTokens returns the longest sequence that a folder's settings allow, its
// two outer tokens included.
func (c Config) maxTokens(tok tokenizerConfig, sentence sentenceConfig) (int, error) {
	most := float64(c.Positions - firstPosition)
	for _, limit := range []float64{tok.MaxLength, sentence.MaxLength} {
		if limit != 0 {
			most = math.Min(most, limit)
		}
	}
	if most < 2 {
		return 0, fmt.Errorf("sequences of at most %v tokens have no room for a text", most)
	}
	return int(most), nil
}

// readJSON decodes a file of a folder; a missing file leaves v as it is.
func readJSON(folder fs.FS, name string, v any) error {
	b, err := fs.ReadFile(folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
