package weights2space

import (
	"fmt"

	model "llana/models/weights2space"
)

// Config is a training configuration. The names are the reference's, in lower
// case, where it has one.
type Config struct {
	TrainJSON      string `yaml:"train_json"`      // list of NeRF folders
	ValidationJSON string `yaml:"validation_json"` // may be empty
	Root           string `yaml:"root"`            // the lists' folders are relative to it; default: the list's own folder
	OutputDir      string `yaml:"output_dir"`

	NumEpochs int `yaml:"num_epochs"`
	MaxSteps  int `yaml:"max_steps"` // ends earlier if more than 0
	BatchSize int `yaml:"batch_size"`

	LR          float64 `yaml:"lr"`
	WD          float64 `yaml:"wd"`
	Optimizer   string  `yaml:"optimizer"`         // adamw or muon
	Scheduler   string  `yaml:"lr_scheduler_type"` // epoch_warmup (the reference's), cosine or constant
	WarmupRatio float64 `yaml:"warmup_ratio"`      // of cosine and constant
	WorldSize   int     `yaml:"world_size"`        // what epoch_warmup rises to
	MaxGradNorm float64 `yaml:"max_grad_norm"`     // 0: no clipping
	LossScale   float64 `yaml:"loss_scale"`        // the reference multiplies the loss by 1024 and never divides
	Seed        uint64  `yaml:"seed"`

	// Supervision is "rays", the reference's rendering loss, or "points":
	// colour logits and density of the NeRF itself at single points.
	Supervision string  `yaml:"supervision"`
	BgWeight    float64 `yaml:"bg_weight"`
	NumRays     int     `yaml:"num_rays"`
	DrawnRays   int     `yaml:"drawn_rays"` // at most so many are drawn to find num_rays that hit
	MaxFG       int     `yaml:"max_foreground_coordinates"`
	MaxBG       int     `yaml:"max_background_coordinates"`
	ImageSize   int     `yaml:"image_size"` // 0: 224, or 512 for Objaverse
	// DoubleComposite blends the background into the target twice, as the
	// reference does.
	DoubleComposite bool `yaml:"double_composite"`
	// SharedBackground gives all NeRFs of a batch one background colour, as
	// the reference does.
	SharedBackground bool    `yaml:"shared_background"`
	NumPoints        int     `yaml:"num_points"`    // of supervision "points", for each NeRF
	InsideWeight     float64 `yaml:"inside_weight"` // of the half of them that lies in occupied cells
	ColourWeight     float64 `yaml:"colour_weight"`

	LoggingSteps   int `yaml:"logging_steps"`
	SaveSteps      int `yaml:"save_steps"`
	ValidationSize int `yaml:"validation_size"` // NeRFs to validate on
	ValidateEvery  int `yaml:"validate_every"`  // epochs

	Model ModelConfig `yaml:"model"`
}

// ModelConfig are the sizes of the model; the zero value of each means the
// published one.
type ModelConfig struct {
	Hidden     []int   `yaml:"hidden"`
	Memory     int     `yaml:"memory"`
	Width      int     `yaml:"width"`
	Heads      int     `yaml:"num_heads"`
	FFN        int     `yaml:"ffn"`
	Layers     int     `yaml:"layers"`
	Resolution int     `yaml:"resolution"`
	Decoder    int     `yaml:"decoder"`
	Octaves    int     `yaml:"octaves"`
	Dropout    float32 `yaml:"dropout"`
	QueryStd   float64 `yaml:"query_std"`
	// Normalize is "" for raw weights, as published, or "shared_init": each
	// weight matrix as W0/std(W0) + (W-W0)/std(W-W0), W0 being the shared
	// initialisation and the second deviation the training set's.
	Normalize string `yaml:"normalize"`
}

// Defaults returns the published settings.
func Defaults() Config {
	return Config{
		NumEpochs: 501, BatchSize: 2, LR: 1e-5, WD: 0.01, Optimizer: "adamw", Scheduler: "epoch_warmup",
		WorldSize: 1, LossScale: 1, Seed: 42,
		Supervision: "rays", BgWeight: 0.2, NumRays: 512, DrawnRays: 55000, MaxFG: 25000, MaxBG: 32000,
		NumPoints: 192, InsideWeight: 0.3, ColourWeight: 3,
		LoggingSteps: 10, ValidationSize: 64, ValidateEvery: 10,
		Model: ModelConfig{Dropout: 0.1, QueryStd: model.QueryStd},
	}
}

// Sizes returns the model's configuration for NeRFs whose matrix has the given
// shape.
func (m ModelConfig) Sizes(rows, width int) model.Config {
	c := model.Published()
	c.Rows, c.RowWidth = rows, width
	if len(m.Hidden) > 0 {
		c.Hidden = m.Hidden
	}
	for _, f := range []struct {
		to   *int
		from int
	}{{&c.Memory, m.Memory}, {&c.Width, m.Width}, {&c.Heads, m.Heads}, {&c.FFN, m.FFN}, {&c.Layers, m.Layers},
		{&c.Res, m.Resolution}, {&c.Decoder, m.Decoder}, {&c.Octaves, m.Octaves}} {
		if f.from != 0 {
			*f.to = f.from
		}
	}
	c.Dropout = m.Dropout
	c.Normalize = m.Normalize != ""
	return c
}

// Validate says which setting is wrong, if any.
func (c *Config) Validate() error {
	oneOf := func(key, v string, allowed ...string) error {
		for _, a := range allowed {
			if v == a {
				return nil
			}
		}
		return fmt.Errorf("%s is %q, want one of %q", key, v, allowed)
	}
	for _, err := range []error{
		oneOf("supervision", c.Supervision, "rays", "points"),
		oneOf("optimizer", c.Optimizer, "adamw", "muon"),
		oneOf("lr_scheduler_type", c.Scheduler, "epoch_warmup", "cosine", "constant"),
		oneOf("model.normalize", c.Model.Normalize, "", "shared_init"),
	} {
		if err != nil {
			return err
		}
	}
	for _, f := range []struct {
		key string
		v   int
	}{{"num_epochs", c.NumEpochs}, {"batch_size", c.BatchSize}, {"num_rays", c.NumRays}, {"num_points", c.NumPoints},
		{"max_foreground_coordinates", c.MaxFG}, {"max_background_coordinates", c.MaxBG}, {"world_size", c.WorldSize}} {
		if f.v < 1 {
			return fmt.Errorf("%s is %d, want at least 1", f.key, f.v)
		}
	}
	if c.TrainJSON == "" || c.OutputDir == "" {
		return fmt.Errorf("train_json and output_dir must be set")
	}
	if !(c.LR > 0) || !(c.LossScale > 0) || c.BgWeight < 0 || c.BgWeight > 1 {
		return fmt.Errorf("lr %g, loss_scale %g or bg_weight %g out of range", c.LR, c.LossScale, c.BgWeight)
	}
	return nil
}
