package llama

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Config holds the keys of a model's config.json that the decoder needs.
type Config struct {
	HiddenSize       int      `json:"hidden_size"`
	IntermediateSize int      `json:"intermediate_size"` // width inside the feed-forward layers
	Layers           int      `json:"num_hidden_layers"`
	Heads            int      `json:"num_attention_heads"`
	KeyHeads         int      `json:"num_key_value_heads"` // Heads if the file has none
	NormEps          float64  `json:"rms_norm_eps"`
	RopeTheta        float64  `json:"rope_theta"` // 10000 if the file has none
	MaxPositions     int      `json:"max_position_embeddings"`
	VocabSize        int      `json:"vocab_size"`
	TieEmbeddings    bool     `json:"tie_word_embeddings"` // the output matrix is the embedding table
	InitRange        float64  `json:"initializer_range"`   // standard deviation of initial weights, 0.02 if the file has none
	BOS              TokenIDs `json:"bos_token_id"`
	EOS              TokenIDs `json:"eos_token_id"` // one of them ends an answer
	Pad              TokenIDs `json:"pad_token_id"`
}

// HeadDim returns the size of a head.
func (c Config) HeadDim() int { return c.HiddenSize / c.Heads }

// MinContext is the least number of tokens that a model reads and writes unless
// told otherwise.
const MinContext = 4096

// Context returns how many tokens a prompt and its answer may have together
// unless told otherwise: what the model was made for, but MinContext at least.
// The published models say 2048 and read prompts of over 3000 tokens: positions
// beyond the limit go on by the same formula.
func (c Config) Context() int { return max(c.MaxPositions, MinContext) }

// TokenIDs are the ids of a kind of token: in JSON a number, a list or null.
type TokenIDs []int

// Has reports whether id is one of them.
func (t TokenIDs) Has(id int) bool { return slices.Contains(t, id) }

// UnmarshalJSON reads a number, a list of numbers or null.
func (t *TokenIDs) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = nil
		return nil
	}
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]int)(t))
	}
	var one int
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*t = TokenIDs{one}
	return nil
}

// MarshalJSON writes one id as a number and none as null.
func (t TokenIDs) MarshalJSON() ([]byte, error) {
	switch len(t) {
	case 0:
		return []byte("null"), nil
	case 1:
		return json.Marshal(t[0])
	}
	return json.Marshal([]int(t))
}

// fileConfig adds what the decoder does not vary but must refuse.
type fileConfig struct {
	Config
	HiddenAct     string          `json:"hidden_act"`
	AttentionBias bool            `json:"attention_bias"`
	MLPBias       bool            `json:"mlp_bias"`
	HeadDim       int             `json:"head_dim"`
	RopeScaling   json.RawMessage `json:"rope_scaling"`
}

// ParseConfig reads a config.json. Keys it does not know are skipped; settings
// that LLaMA-2 does not have are errors.
func ParseConfig(b []byte) (Config, error) {
	f := fileConfig{HiddenAct: "silu", Config: Config{RopeTheta: 10000, NormEps: math.NaN(), InitRange: InitStd}}
	if err := json.Unmarshal(b, &f); err != nil {
		return Config{}, fmt.Errorf("not a model's config: %w", err)
	}
	c := f.Config
	if c.KeyHeads == 0 {
		c.KeyHeads = c.Heads
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	switch {
	case f.HiddenAct != "silu" && f.HiddenAct != "swish":
		return Config{}, fmt.Errorf("hidden_act is %q, want \"silu\"", f.HiddenAct)
	case f.AttentionBias || f.MLPBias:
		return Config{}, fmt.Errorf("attention_bias or mlp_bias is true: biases are not supported")
	case f.HeadDim != 0 && f.HeadDim != c.HeadDim():
		return Config{}, fmt.Errorf("head_dim is %d, want hidden_size / num_attention_heads = %d", f.HeadDim, c.HeadDim())
	case len(f.RopeScaling) > 0 && string(f.RopeScaling) != "null":
		return Config{}, fmt.Errorf("rope_scaling is %.80s: scaled rotary positions are not supported", f.RopeScaling)
	}
	return c, nil
}

// The largest sizes that are taken: far above any model, small enough that
// products of two do not overflow.
const (
	maxWidth  = 1 << 20
	maxLayers = 1 << 12
	maxVocab  = 1 << 24
)

// Validate says what is wrong with the sizes, if anything.
func (c Config) Validate() error {
	for _, f := range []struct {
		name   string
		v, max int
	}{
		{"hidden_size", c.HiddenSize, maxWidth}, {"intermediate_size", c.IntermediateSize, maxWidth},
		{"num_hidden_layers", c.Layers, maxLayers}, {"num_attention_heads", c.Heads, maxWidth},
		{"num_key_value_heads", c.KeyHeads, maxWidth}, {"vocab_size", c.VocabSize, maxVocab},
	} {
		if f.v < 1 || f.v > f.max {
			return fmt.Errorf("%s is %d, want 1 to %d", f.name, f.v, f.max)
		}
	}
	switch {
	case c.HiddenSize%c.Heads != 0 || c.HeadDim()%2 != 0:
		return fmt.Errorf("hidden_size %d does not divide into %d heads of even size", c.HiddenSize, c.Heads)
	case c.Heads%c.KeyHeads != 0:
		return fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", c.Heads, c.KeyHeads)
	case !(c.NormEps >= 0 && c.NormEps < 1): // absent, it is not a number
		return fmt.Errorf("rms_norm_eps is %v, want 0 to 1", c.NormEps)
	case !(c.InitRange >= 0):
		return fmt.Errorf("initializer_range is %v, want 0 or more", c.InitRange)
	case !(c.RopeTheta > 0) || math.IsInf(c.RopeTheta, 0):
		return fmt.Errorf("rope_theta is %v, want more than 0", c.RopeTheta)
	}
	return nil
}
