package language

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gopkg.in/yaml.v3"

	"llana/models/spatialllana"
	"llana/nn"
	"llana/train"
)

// Stage is a part of the recipe.
type Stage string

const (
	Text   Stage = "text"   // language-model training without objects
	Stage1 Stage = "stage1" // the projector, with the decoder frozen
	Stage2 Stage = "stage2" // everything
)

// Config is a training configuration under the reference's names.
type Config struct {
	ModelPath string `yaml:"model_name_or_path"` // a model folder to start from
	OutputDir string `yaml:"output_dir"`

	// Data of the stages: Root/Split/AnnoFolder/conversations_*.json and
	// Root/Split/DataFolder/<object id>.npy.
	Root              string `yaml:"root"`
	Split             string `yaml:"split"`
	DataFolder        string `yaml:"data_folder"`
	AnnoFolder        string `yaml:"anno_folder"`
	ConversationTypes Names  `yaml:"conversation_types"`
	// Data of Text: JSON files of conversations, or of objects {"text": ...},
	// one a line.
	TrainFiles Names `yaml:"train_file"`
	// Labels is "answers", or "all" to learn to predict questions as well.
	// Plain texts are always learnt as a whole.
	Labels string `yaml:"labels"`
	// FromScratch initialises all weights of Text: the model folder needs only
	// config.json and the tokenizer.
	FromScratch bool `yaml:"from_scratch"`

	ModelMaxLength  int     `yaml:"model_max_length"` // longer examples are cut off
	SystemPrompt    *string `yaml:"system_prompt"`    // instead of the model's
	FixLLM          bool    `yaml:"fix_llm"`
	TrainPointToken bool    `yaml:"train_point_tokens"` // with fix_llm: also <point_start> and <point_end>
	ProjectorHidden []int   `yaml:"projection_hidden_dim"`
	PoolTokens      string  `yaml:"pool_tokens"` // "mean": the decoder reads the mean of an object's tokens

	Epochs       float64 `yaml:"num_train_epochs"`
	MaxSteps     int     `yaml:"max_steps"` // if more than 0, instead of epochs
	BatchSize    int     `yaml:"per_device_train_batch_size"`
	Accumulation int     `yaml:"gradient_accumulation_steps"`
	// QuestionsPerObject, if more than 0, makes a batch of
	// per_device_train_batch_size objects with so many records each, drawn
	// anew each epoch; an epoch is then all objects, and what the records of an
	// object begin with is computed once.
	QuestionsPerObject int     `yaml:"questions_per_object"`
	Optimiser          string  `yaml:"optim"` // adamw_torch, or muon for the matrices of decoder and projector
	LearningRate       float64 `yaml:"learning_rate"`
	WeightDecay        float64 `yaml:"weight_decay"`
	Beta1              float64 `yaml:"adam_beta1"`
	Beta2              float64 `yaml:"adam_beta2"`
	Epsilon            float64 `yaml:"adam_epsilon"`
	WarmupRatio        float64 `yaml:"warmup_ratio"`
	Scheduler          string  `yaml:"lr_scheduler_type"` // cosine, constant or constant_with_warmup
	MaxGradNorm        float64 `yaml:"max_grad_norm"`     // 0: no clipping
	Checkpoint         bool    `yaml:"gradient_checkpointing"`
	BF16               bool    `yaml:"bf16"` // accepted for the reference's files; arithmetic is float32
	Seed               uint64  `yaml:"seed"`
	Shuffle            bool    `yaml:"shuffle"`

	LoggingSteps   int  `yaml:"logging_steps"`
	SaveSteps      int  `yaml:"save_steps"`       // 0: only at the end
	SaveTotalLimit int  `yaml:"save_total_limit"` // checkpoints that are kept; 0: all
	Overwrite      bool `yaml:"overwrite_output_dir"`
}

// Names is a list of strings; in YAML a single one may stand for itself.
type Names []string

// UnmarshalYAML reads a string or a list of strings.
func (n *Names) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		var s string
		if err := node.Decode(&s); err != nil {
			return err
		}
		*n = Names{s}
		return nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return err
	}
	*n = list
	return nil
}

// Types of conversations.
const (
	Brief    = "brief_description"
	Detailed = "detailed_description"
	Single   = "single_round"
	Multi    = "multi_round"
)

// Defaults returns the published settings of a stage. Text has none published.
func Defaults(s Stage) Config {
	c := Config{
		Split: "train", DataFolder: "vecs", AnnoFolder: "texts", Labels: "answers",
		ModelMaxLength: 4096, TrainPointToken: true,
		Epochs: 3, BatchSize: 8, Accumulation: 1, Optimiser: "adamw_torch", LearningRate: 2e-3,
		Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WarmupRatio: 0.03, Scheduler: "cosine", MaxGradNorm: 1,
		Seed: 42, Shuffle: true, LoggingSteps: 1,
	}
	switch s {
	case Text:
		c.Epochs, c.LearningRate, c.Labels = 1, 1e-3, "all"
	case Stage1:
		c.FixLLM = true
		c.ConversationTypes = Names{Brief}
	case Stage2:
		c.BatchSize, c.LearningRate = 4, 2e-5
		c.ConversationTypes = Names{Brief, Detailed, Single, Multi}
	}
	return c
}

// ReadConfig reads a YAML file (none if path is "") over the stage's defaults,
// and then settings "key=value".
func ReadConfig(s Stage, path string, set []string) (Config, error) {
	c := Defaults(s)
	if err := train.ReadConfig(path, set, &c); err != nil {
		return c, err
	}
	if err := c.validate(s); err != nil {
		if path != "" {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return c, err
	}
	return c, nil
}

func (c *Config) validate(s Stage) error {
	for _, f := range []struct{ name, v string }{{"model_name_or_path", c.ModelPath}, {"output_dir", c.OutputDir}} {
		if f.v == "" {
			return fmt.Errorf("%s is missing", f.name)
		}
	}
	switch s {
	case Text:
		if len(c.TrainFiles) == 0 {
			return errors.New("train_file is missing")
		}
	case Stage1, Stage2:
		if c.Root == "" {
			return errors.New("root is missing")
		}
		for _, t := range c.ConversationTypes {
			if !slices.Contains([]string{Brief, Detailed, Single, Multi}, t) {
				return fmt.Errorf("conversation_types has %q, want %s, %s, %s or %s", t, Brief, Detailed, Single, Multi)
			}
		}
		if len(c.ConversationTypes) == 0 || len(c.TrainFiles) > 0 || c.FromScratch {
			return fmt.Errorf("%s wants conversation_types, and neither train_file nor from_scratch", s)
		}
	default:
		return fmt.Errorf("stage %q, want %s, %s or %s", s, Text, Stage1, Stage2)
	}
	return c.validateNumbers()
}

func (c *Config) validateNumbers() error {
	for _, f := range []struct {
		name string
		v    int
		low  int
	}{
		{"model_max_length", c.ModelMaxLength, 2}, {"per_device_train_batch_size", c.BatchSize, 1},
		{"gradient_accumulation_steps", c.Accumulation, 1}, {"logging_steps", c.LoggingSteps, 1},
		{"questions_per_object", c.QuestionsPerObject, 0}, {"save_steps", c.SaveSteps, 0}, {"save_total_limit", c.SaveTotalLimit, 0},
	} {
		if f.v < f.low || f.v > math.MaxInt32 {
			return fmt.Errorf("%s is %d, want at least %d", f.name, f.v, f.low)
		}
	}
	for _, f := range []struct {
		name      string
		v         float64
		low, high float64
	}{
		{"num_train_epochs", c.Epochs, 0, 1e9}, {"learning_rate", c.LearningRate, 0, 1e9}, {"weight_decay", c.WeightDecay, 0, 1e9},
		{"warmup_ratio", c.WarmupRatio, 0, 1}, {"max_grad_norm", c.MaxGradNorm, 0, 1e30},
		{"adam_beta1", c.Beta1, 0, 0.9999999}, {"adam_beta2", c.Beta2, 0, 0.9999999}, {"adam_epsilon", c.Epsilon, 0, 1},
	} {
		if !(f.v >= f.low && f.v <= f.high) {
			return fmt.Errorf("%s is %v, want %v to %v", f.name, f.v, f.low, f.high)
		}
	}
	switch {
	case c.Labels != "answers" && c.Labels != "all":
		return fmt.Errorf("labels is %q, want answers or all", c.Labels)
	case c.PoolTokens != "" && c.PoolTokens != spatialllana.PoolMean:
		return fmt.Errorf("pool_tokens is %q, want %s or nothing", c.PoolTokens, spatialllana.PoolMean)
	}
	if c.Optimiser != "adamw_torch" && c.Optimiser != "muon" {
		return fmt.Errorf("optim is %q, want adamw_torch or muon", c.Optimiser)
	}
	if _, err := c.schedule(1); err != nil {
		return err
	}
	return nil
}

// schedule returns the factor of the learning rate for a training of so many
// steps.
func (c *Config) schedule(total int) (train.Schedule, error) {
	switch c.Scheduler {
	case "cosine":
		return train.CosineWarmup(total, c.WarmupRatio), nil
	case "constant":
		return train.Constant(total, 0), nil
	case "constant_with_warmup":
		return train.Constant(total, c.WarmupRatio), nil
	}
	return nil, fmt.Errorf("lr_scheduler_type is %q, want cosine, constant or constant_with_warmup", c.Scheduler)
}

// optimiser returns the optimiser of a model's trainable parameters.
func (c *Config) optimiser(m *spatialllana.Model) train.Optimiser {
	d, params := m.Device(), m.Params.Trainable()
	set := func(o *train.AdamW) {
		o.Beta1, o.Beta2, o.Eps = c.Beta1, c.Beta2, c.Epsilon
		o.WeightDecay, o.MaxNorm = c.WeightDecay, float32(c.MaxGradNorm)
	}
	if c.Optimiser == "muon" {
		o := train.NewMuon(d, params, func(p *nn.Param) bool {
			return p.Name != m.LM.Table().Name && p.Name != m.LM.Head().Name
		})
		set(o.AdamW)
		return o
	}
	o := train.NewAdamW(d, params)
	set(o)
	return o
}
