package weights2space

import "fmt"

// Config holds the sizes of a model. Published gives those of Spatial LLaNA.
type Config struct {
	Rows     int   // rows of the weight matrix
	RowWidth int   // values in a row
	Hidden   []int // widths of the row encoder's hidden layers
	Memory   int   // width of the encoded rows
	Width    int   // width of the tokens
	Heads    int
	FFN      int // width of the transformer's feed-forward layers
	Layers   int
	Res      int     // the tri-plane is 3 x Res x Res tokens
	Decoder  int     // width of the implicit decoder
	Octaves  int     // of the decoder's frequency encoding
	Half     float32 // half the edge of the box the tri-plane covers
	Dropout  float32
	// Normalize maps the matrix x to x*scale + shift first, with fixed tensors
	// that the checkpoint holds. The published model reads raw weights.
	Normalize bool
}

// Published returns the sizes of the published model: 67.6 M parameters.
func Published() Config {
	return Config{
		Rows: 336, RowWidth: 64, Hidden: []int{512, 512, 1024, 1024}, Memory: 1024,
		Width: 516, Heads: 12, FFN: 2064, Layers: 12, Res: 32,
		Decoder: 1024, Octaves: 24, Half: 0.7, Dropout: 0.1,
	}
}

// Tokens returns the number of spatial tokens.
func (c Config) Tokens() int { return 3 * c.Res * c.Res }

// Validate says what is wrong with the sizes, if anything.
func (c Config) Validate() error {
	for _, f := range []struct {
		name string
		v    int
	}{{"rows", c.Rows}, {"row_width", c.RowWidth}, {"memory", c.Memory}, {"width", c.Width}, {"num_heads", c.Heads},
		{"ffn", c.FFN}, {"layers", c.Layers}, {"resolution", c.Res}, {"decoder", c.Decoder}} {
		if f.v <= 0 {
			return fmt.Errorf("weights2space: %s is %d, want more than 0", f.name, f.v)
		}
	}
	if c.Width%c.Heads != 0 {
		return fmt.Errorf("weights2space: width %d is not a multiple of num_heads %d", c.Width, c.Heads)
	}
	if c.Octaves < 0 || c.Half <= 0 || c.Dropout < 0 || c.Dropout >= 1 {
		return fmt.Errorf("weights2space: octaves %d, aabb %g or dropout %g out of range", c.Octaves, c.Half, c.Dropout)
	}
	return nil
}
