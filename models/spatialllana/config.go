package spatialllana

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"llana/models/conversation"
	"llana/models/llama"
)

// Config describes a model folder.
type Config struct {
	llama.Config
	// Projector is nil for a language model that reads no objects.
	Projector *Projector
	// SystemPrompt is the first sentence of every prompt, the published
	// models' unless config.json has another ("system_prompt").
	SystemPrompt string

	file       map[string]json.RawMessage // config.json, with the keys not known here
	generation map[string]json.RawMessage // generation_config.json
}

// Names of a model folder's files.
const (
	ConfigName     = "config.json"
	GenerationName = "generation_config.json"
	ProjectorName  = "projector.yaml"
)

// pointKeys are what config.json holds beside LLaMA's keys.
type pointKeys struct {
	Patch     string `json:"DEFAULT_POINT_PATCH_TOKEN"`
	Start     string `json:"DEFAULT_POINT_START_TOKEN"`
	End       string `json:"DEFAULT_POINT_END_TOKEN"`
	StartEnd  bool   `json:"mm_use_point_start_end"`
	Projector string `json:"weights2space_config"`
}

const systemPromptKey = "system_prompt"

// Template returns how the model's conversations are written.
func (c Config) Template() conversation.Template {
	t := conversation.VicunaV11()
	t.System = c.SystemPrompt
	return t
}

// ParseConfig reads a config.json, without the projector. projector is the file
// it names for the projector's sizes, if any.
func ParseConfig(b []byte) (c Config, projector string, err error) {
	if c.Config, err = llama.ParseConfig(b); err != nil {
		return c, "", err
	}
	if err := json.Unmarshal(b, &c.file); err != nil {
		return c, "", err
	}
	k := pointKeys{conversation.PointPatch, conversation.PointStart, conversation.PointEnd, true, ""}
	if err := json.Unmarshal(b, &k); err != nil {
		return c, "", err
	}
	for _, n := range [][2]string{{k.Patch, conversation.PointPatch}, {k.Start, conversation.PointStart}, {k.End, conversation.PointEnd}} {
		if n[0] != n[1] {
			return c, "", fmt.Errorf("a token of the point vocabulary is %q, want %q", n[0], n[1])
		}
	}
	c.SystemPrompt = conversation.DefaultSystem
	if raw, ok := c.file[systemPromptKey]; ok {
		if err := json.Unmarshal(raw, &c.SystemPrompt); err != nil {
			return c, "", fmt.Errorf("%s: %w", systemPromptKey, err)
		}
	}
	if !k.StartEnd {
		return c, "", errors.New("mm_use_point_start_end is false, want true")
	}
	return c, k.Projector, nil
}

// ReadConfig reads the configuration of a model folder: config.json, and, where
// they exist, generation_config.json and the projector's YAML, which is
// projector.yaml or the file that config.json names ("weights2space_config").
func ReadConfig(dir string) (Config, error) {
	path := filepath.Join(dir, ConfigName)
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	c, projector, err := ParseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.readGeneration(filepath.Join(dir, GenerationName)); err != nil {
		return Config{}, err
	}
	return c, c.readProjector(dir, projector)
}

// readGeneration reads the ids that end an answer, which come before those of
// config.json, as in transformers.
func (c *Config) readGeneration(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var g struct {
		EOS llama.TokenIDs `json:"eos_token_id"`
	}
	if err := errors.Join(json.Unmarshal(b, &c.generation), json.Unmarshal(b, &g)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(g.EOS) > 0 {
		c.EOS = g.EOS
	}
	return nil
}

// readProjector looks for the projector's YAML. The name in config.json is the
// reference's: a file of its code tree, without ".yaml".
func (c *Config) readProjector(dir, named string) error {
	names := []string{ProjectorName}
	if named != "" {
		base := strings.TrimSuffix(filepath.Base(filepath.FromSlash(named)), ".yaml")
		names = []string{base + ".yaml", ProjectorName}
	}
	for _, n := range names {
		path := filepath.Join(dir, n)
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		p, err := ParseProjector(b)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		c.Projector = &p
		return nil
	}
	return nil
}

// files returns the JSON files of a folder with this configuration.
func (c *Config) files() map[string][]byte {
	cfg := maps.Clone(c.file)
	if cfg == nil {
		cfg = map[string]json.RawMessage{}
	}
	merge(cfg, c.Config)
	merge(cfg, map[string]any{"hidden_act": "silu", "torch_dtype": "float32"})
	delete(cfg, systemPromptKey)
	if c.SystemPrompt != conversation.DefaultSystem {
		merge(cfg, map[string]any{systemPromptKey: c.SystemPrompt})
	}
	if c.Projector != nil {
		merge(cfg, pointKeys{conversation.PointPatch, conversation.PointStart, conversation.PointEnd, true, "projector"})
		merge(cfg, map[string]any{"architectures": []string{"Spatial_LLaNA"}, "model_type": "spatial_llana", "point_backbone": "weights2space"})
	} else {
		setDefault(cfg, "architectures", []string{"LlamaForCausalLM"})
		setDefault(cfg, "model_type", "llama")
	}
	gen := maps.Clone(c.generation)
	if gen == nil {
		gen = map[string]json.RawMessage{}
	}
	merge(gen, map[string]any{"bos_token_id": c.BOS, "eos_token_id": c.EOS, "pad_token_id": c.Pad})
	out := map[string][]byte{ConfigName: indented(cfg), GenerationName: indented(gen)}
	// Without a number of tokens there is nothing to say that the weights do not.
	if c.Projector != nil && c.Projector.Tokens > 0 {
		out[ProjectorName] = c.Projector.YAML()
	}
	return out
}

// merge sets the keys of v's JSON object in m.
func merge(m map[string]json.RawMessage, v any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		panic(err) // v is one of ours and has an object's form
	}
}

func setDefault(m map[string]json.RawMessage, key string, v any) {
	if _, ok := m[key]; !ok {
		merge(m, map[string]any{key: v})
	}
}

func indented(m map[string]json.RawMessage) []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // every value was valid JSON
	}
	return append(b, '\n')
}
