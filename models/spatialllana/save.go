package spatialllana

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/nn"
	"llana/tensor"
)

// maxShard is the size from which weights are written in several files, as
// transformers does.
const maxShard = 5 << 30

// Save writes the model as a folder that Open and transformers read: weights
// as float32 safetensors, configuration and tokenizer. The folder is made if it
// does not exist; other files in it stay.
func (m *Model) Save(ctx context.Context, dir string) error {
	if err := checkpoint.WriteModel(dir, paramSource{ctx, m.Params}, maxShard); err != nil {
		return err
	}
	if err := m.Tokenizer.Save(dir); err != nil {
		return err
	}
	for name, b := range m.Config.files() {
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), b); err != nil {
			return err
		}
	}
	return nil
}

// ProjectorFile is the file of SaveProjector, as the reference names it.
const ProjectorFile = "vec_proj.bin"

// SaveProjector writes vec_proj.bin: the projector and the embedding table, as
// the reference's trainer does beside the model.
func (m *Model) SaveProjector(ctx context.Context, dir string) error {
	src := paramSource{ctx, m.Params}
	var ts []*checkpoint.Tensor
	for _, n := range src.Names() {
		if !strings.Contains(n, "vec_proj") && !strings.Contains(n, "embed_tokens") {
			continue
		}
		t, err := src.Tensor(n)
		if err != nil {
			return err
		}
		ts = append(ts, t)
	}
	return checkpoint.WriteTorch(filepath.Join(dir, ProjectorFile), checkpoint.StateDict(ts...))
}

// paramSource gives parameters as tensors to be written, one at a time.
type paramSource struct {
	ctx context.Context
	set *nn.Set
}

func (s paramSource) Names() []string {
	var names []string
	for _, p := range s.set.All() {
		names = append(names, p.Name)
	}
	return names
}

func (s paramSource) Info(name string) (checkpoint.Info, error) {
	p := s.set.Get(name)
	if p == nil {
		return checkpoint.Info{}, fmt.Errorf("%s: %w", name, checkpoint.ErrNoTensor)
	}
	return checkpoint.Info{Name: name, DType: tensor.F32, Shape: p.Value.Shape()}, nil
}

func (s paramSource) Tensor(name string) (*checkpoint.Tensor, error) {
	p := s.set.Get(name)
	if p == nil {
		return nil, fmt.Errorf("%s: %w", name, checkpoint.ErrNoTensor)
	}
	v, err := p.Read(s.ctx)
	if err != nil {
		return nil, err
	}
	return checkpoint.FromFloat32(name, p.Value.Shape(), v), nil
}

func (s paramSource) Close() error { return nil }
