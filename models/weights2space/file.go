package weights2space

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/nn"
)

// Sidecar is the file weights2space.json beside a checkpoint: what its tensors
// cannot tell. Fields left out have the published values.
type Sidecar struct {
	NumHeads   int       `json:"num_heads,omitempty"`
	Resolution int       `json:"resolution,omitempty"`
	AABB       []float32 `json:"aabb,omitempty"` // -h, -h, -h, h, h, h
}

// SidecarName is the name of the file that describes a checkpoint.
const SidecarName = "weights2space.json"

// Open loads a model onto d from a torch checkpoint (a training checkpoint of
// the reference, or a bare state dict, with or without the prefix "module.")
// or a safetensors file with the same names.
func Open(d kernels.Device, path string) (*Model, error) {
	src, err := OpenTensors(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	side, err := readSidecar(filepath.Join(filepath.Dir(path), SidecarName))
	if err != nil {
		return nil, err
	}
	m, err := FromTensors(d, src, side)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// OpenTensors opens a checkpoint's state dict under its names without
// prefixes.
func OpenTensors(path string) (checkpoint.Source, error) {
	src, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	for _, prefix := range []string{"weights2space.", "module."} {
		for _, n := range src.Names() {
			if strings.HasPrefix(n, prefix) {
				src = checkpoint.TrimPrefix(src, prefix)
				break
			}
		}
	}
	return src, nil
}

func readSidecar(path string) (Sidecar, error) {
	var s Sidecar
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// FromTensors makes a model of the tensors in src, whose shapes give its
// sizes. The implicit decoder may be missing: encoding does not need it.
func FromTensors(d kernels.Device, src checkpoint.Source, side Sidecar) (*Model, error) {
	c, err := configOf(src, side)
	if err != nil {
		return nil, err
	}
	m := New(d, c)
	if err := m.Load(src); err != nil {
		m.Params.Free()
		return nil, err
	}
	return m, nil
}

// Load sets the parameters from src. Without any tensor of the implicit
// decoder, the decoder stays as it is and HasDecoder becomes false.
func (m *Model) Load(src checkpoint.Source) error {
	_, err := src.Info("decoder.in_layer.0.weight")
	m.HasDecoder = err == nil
	err = m.Params.Load(func(name string, shape []int) ([]float32, error) {
		if !m.HasDecoder && strings.HasPrefix(name, "decoder.") {
			return make([]float32, product(shape)), nil
		}
		return readFloats(src, name, shape)
	})
	if err != nil {
		return err
	}
	for i, l := range m.encoder {
		if l.norm == nil {
			continue
		}
		// Absent in some exports; it only counts batches.
		if t, err := src.Tensor(fmt.Sprintf("encoder.layers.%d.num_batches_tracked", 3*i+1)); err == nil {
			if v, err := t.Int64s(); err == nil && len(v) == 1 {
				l.norm.Batches = v[0]
			}
		}
	}
	return nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func readFloats(src checkpoint.Source, name string, shape []int) ([]float32, error) {
	t, err := src.Tensor(name)
	if errors.Is(err, checkpoint.ErrNoTensor) {
		return nil, nn.ErrMissing
	}
	if err != nil {
		return nil, err
	}
	if fmt.Sprint(t.Shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("tensor %s has shape %v, want %v", name, t.Shape, shape)
	}
	return t.Float32s()
}

// configOf derives the sizes from the tensors' shapes and the sidecar.
func configOf(src checkpoint.Source, side Sidecar) (Config, error) {
	c := Published()
	var err error
	dim := func(name string, rank, axis int) int {
		if err != nil {
			return 0
		}
		var i checkpoint.Info
		if i, err = src.Info(name); err != nil {
			err = fmt.Errorf("not a weights2space checkpoint: %w", err)
			return 0
		}
		if len(i.Shape) != rank {
			err = fmt.Errorf("tensor %s has shape %v, want %d axes", name, i.Shape, rank)
			return 0
		}
		return i.Shape[axis]
	}
	tokens := dim("query_tokens", 3, 1)
	c.Width = dim("query_tokens", 3, 2)
	c.RowWidth = dim("encoder.layers.0.weight", 3, 1)
	c.Hidden = nil
	n := count(src, "encoder.layers.%d.weight", 3)
	for i := range n - 1 {
		c.Hidden = append(c.Hidden, dim(fmt.Sprintf("encoder.layers.%d.weight", 3*i), 3, 0))
	}
	c.Memory = dim(fmt.Sprintf("encoder.layers.%d.weight", 3*max(0, n-1)), 3, 0)
	c.Layers = count(src, "transformer.layers.%d.linear1.weight", 1)
	c.FFN = dim("transformer.layers.0.linear1.weight", 2, 0)
	if err != nil {
		return c, err
	}
	if _, e := src.Info("decoder.in_layer.0.weight"); e == nil {
		c.Decoder = dim("decoder.in_layer.0.weight", 2, 0)
		encoded := dim("decoder.in_layer.0.weight", 2, 1) - c.Width
		if err == nil && (encoded < 0 || encoded%6 != 0) {
			err = fmt.Errorf("tensor decoder.in_layer.0.weight reads %d encoded coordinates, want a multiple of 6", encoded)
		}
		c.Octaves = encoded / 6
	}
	if _, e := src.Info(normScale); e == nil {
		c.Normalize = true
		c.Rows = dim(normScale, 2, 0)
	}
	if err != nil {
		return c, err
	}
	return c, c.applySidecar(side, tokens)
}

func (c *Config) applySidecar(side Sidecar, tokens int) error {
	if side.NumHeads != 0 {
		c.Heads = side.NumHeads
	}
	c.Res = side.Resolution
	for c.Res == 0 || 3*c.Res*c.Res < tokens && side.Resolution == 0 {
		c.Res++
	}
	if c.Tokens() != tokens {
		return fmt.Errorf("query_tokens has %d rows, want 3 x %d x %d", tokens, c.Res, c.Res)
	}
	if len(side.AABB) != 0 {
		h := side.AABB[len(side.AABB)-1]
		if len(side.AABB) != 6 || fmt.Sprint(side.AABB) != fmt.Sprint([]float32{-h, -h, -h, h, h, h}) {
			return fmt.Errorf("%s: aabb is %v, want a cube around 0", SidecarName, side.AABB)
		}
		c.Half = h
	}
	return c.Validate()
}

// count returns how many names of a numbered family are there, in steps.
func count(src checkpoint.Source, format string, step int) int {
	for n := 0; ; n++ {
		if _, err := src.Info(fmt.Sprintf(format, n*step)); err != nil {
			return n
		}
	}
}

// StateDict returns the parameters and buffers as the reference saves them,
// without the prefix "module.".
func (m *Model) StateDict(ctx context.Context) ([]*checkpoint.Tensor, error) {
	var ts []*checkpoint.Tensor
	for _, p := range m.Params.All() {
		v, err := p.Read(ctx)
		if err != nil {
			return nil, err
		}
		ts = append(ts, checkpoint.FromFloat32(p.Name, p.Value.Shape(), v))
		if base, ok := strings.CutSuffix(p.Name, ".running_var"); ok {
			ts = append(ts, checkpoint.FromInt64(base+".num_batches_tracked", nil, []int64{m.batches(base)}))
		}
	}
	return ts, nil
}

func (m *Model) batches(base string) int64 {
	for i, l := range m.encoder {
		if l.norm != nil && base == fmt.Sprintf("encoder.layers.%d", 3*i+1) {
			return l.norm.Batches
		}
	}
	return 0
}

// Save writes the model as safetensors, and the sidecar beside it.
func (m *Model) Save(ctx context.Context, path string) error {
	ts, err := m.StateDict(ctx)
	if err != nil {
		return err
	}
	if err := checkpoint.WriteSafetensors(path, ts, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	return m.SaveSidecar(filepath.Dir(path))
}

// SaveSidecar writes weights2space.json into dir.
func (m *Model) SaveSidecar(dir string) error {
	h := m.Half
	b, err := json.MarshalIndent(Sidecar{m.Heads, m.Res, []float32{-h, -h, -h, h, h, h}}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, SidecarName), append(b, '\n'))
}
