// Package toymodel carries the project's own small world: a weights2space and
// two language models trained by the commands of docs/toyworld.md, and NeRFs
// of scenes that none of them has seen.
package toymodel

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"llana/kernels"
	"llana/models/nerf"
	"llana/models/spatialllana"
	"llana/models/weights2space"
	"llana/train/toyworld"
)

// Data/spatial is a model folder with its weights2space, data/pooled one whose
// language model reads the mean of the tokens only, and data/heldout holds a
// NeRF's folder for each scene.
//
//go:embed data
var data embed.FS

// Seed is the seed of the toy world the models were trained on.
const Seed = 1

// Models are the bundled models on a device.
type Models struct {
	Encoder         *weights2space.Model
	Spatial, Pooled *spatialllana.Model
}

// Open loads the models onto d, the language models' matrices stored as w says.
// Their files are unpacked into a temporary folder first, which is removed before
// Open returns.
func Open(d kernels.Device, w spatialllana.Weights) (*Models, error) {
	dir, err := os.MkdirTemp("", "llana-toy")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, data); err != nil {
		return nil, fmt.Errorf("unpacking the bundled models: %w", err)
	}
	m := &Models{}
	if err := m.open(d, filepath.Join(dir, "data"), spatialllana.OpenOptions{Weights: w}); err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

func (m *Models) open(d kernels.Device, dir string, o spatialllana.OpenOptions) (err error) {
	if m.Encoder, err = weights2space.Open(d, filepath.Join(dir, "spatial", "weights2space.safetensors")); err != nil {
		return err
	}
	m.Encoder.Fix()
	if m.Spatial, err = spatialllana.Open(d, filepath.Join(dir, "spatial"), o); err != nil {
		return err
	}
	m.Pooled, err = spatialllana.Open(d, filepath.Join(dir, "pooled"), o)
	return err
}

// free frees what was opened.
func (m *Models) free() {
	if m.Encoder != nil {
		m.Encoder.Free()
	}
	for _, lm := range []*spatialllana.Model{m.Spatial, m.Pooled} {
		if lm != nil {
			lm.Free()
		}
	}
}

// HeldOut is a NeRF of a scene of the test split.
type HeldOut struct {
	Index int // of the scene in toyworld.Test
	ID    string
	Field *nerf.Field
}

// Scenes returns the bundled NeRFs, in the order of their scenes.
func Scenes() ([]HeldOut, error) {
	dir := path.Join("data", "heldout")
	entries, err := fs.ReadDir(data, dir)
	if err != nil {
		return nil, err
	}
	var out []HeldOut
	for _, e := range entries {
		h, err := readScene(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("bundled NeRF %s: %w", e.Name(), err)
		}
		h.ID = e.Name()
		if _, err := fmt.Sscanf(e.Name(), "test%d", &h.Index); err != nil || toyworld.Test.ObjectID(h.Index) != h.ID {
			return nil, fmt.Errorf("bundled NeRF %s has no scene of the test split", e.Name())
		}
		out = append(out, h)
	}
	return out, nil
}

func readScene(dir string) (HeldOut, error) {
	f, err := data.Open(path.Join(dir, nerf.WeightsName))
	if err != nil {
		return HeldOut{}, err
	}
	defer f.Close()
	field, err := nerf.ReadWeightsFrom(dir, f)
	return HeldOut{Field: field}, err
}
