package nerf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"llana/models/checkpoint"
	"llana/tensor"
)

// Names of the files of a NeRF's folder, and of the tensors in them.
const (
	WeightsName = "nerf_weights.pth"
	GridName    = "grid.pth"
	weightsKey  = "mlp_base.params"
)

// ReadWeights reads a NeRF's parameter vector from a torch state dict
// (nerf_weights.pth) or a safetensors file, under the key "mlp_base.params".
// Its length tells the network.
func ReadWeights(path string) (*Field, error) {
	src, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return readWeights(path, src)
}

// ReadWeightsFrom is ReadWeights for a file that is already at hand. name is
// used in errors.
func ReadWeightsFrom(name string, r io.Reader) (*Field, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	src, err := checkpoint.OpenReader(name, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return readWeights(name, src)
}

func readWeights(path string, src checkpoint.Source) (*Field, error) {
	t, err := src.Tensor(weightsKey)
	if err != nil {
		return nil, fmt.Errorf("%s: not a NeRF: %w", path, err)
	}
	w, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a, err := ArchOf(len(w))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, weightsKey, err)
	}
	return &Field{Arch: a, Weights: w, Half: DefaultHalf}, nil
}

// WriteWeights writes a parameter vector as torch.save writes the state dict
// of the reference.
func WriteWeights(path string, weights []float32) error {
	return checkpoint.WriteTorch(path, checkpoint.StateDict(checkpoint.FromFloat32(weightsKey, []int{len(weights)}, weights)))
}

// Grid is an occupancy grid of Res^3 cells over the box. Cell (x, y, z) has
// index (x Res + y) Res + z; its value is not 0 where it is occupied.
type Grid struct {
	Res   int
	Cells []int32
	Half  float32
}

// maxGrid bounds what a file may claim; the published grids have 96 and 128
// cells along an axis.
const maxGrid = 1024

// ReadGrid reads a nerfacc 0.3.5 state dict: "_roi_aabb", "_binary" (a sparse
// or dense bool tensor) and "resolution". "occs" is ignored.
func ReadGrid(path string) (*Grid, error) {
	g, err := readGrid(path)
	if err != nil {
		return nil, fmt.Errorf("%s: not an occupancy grid: %w", path, err)
	}
	return g, nil
}

func readGrid(path string) (*Grid, error) {
	src, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	bin, err := src.Tensor("_binary")
	if err != nil {
		return nil, err
	}
	if len(bin.Shape) != 3 || bin.Shape[0] != bin.Shape[1] || bin.Shape[0] != bin.Shape[2] || bin.Shape[0] < 1 || bin.Shape[0] > maxGrid {
		return nil, fmt.Errorf("_binary has shape %v, want a cube of 1 to %d cells along an axis", bin.Shape, maxGrid)
	}
	v, err := bin.Int64s()
	if err != nil {
		return nil, fmt.Errorf("_binary: %w", err)
	}
	g := &Grid{Res: bin.Shape[0], Cells: make([]int32, len(v)), Half: DefaultHalf}
	for i, x := range v {
		if x != 0 {
			g.Cells[i] = 1
		}
	}
	return g, g.readBox(src)
}

func (g *Grid) readBox(src checkpoint.Source) error {
	t, err := src.Tensor("_roi_aabb")
	if errors.Is(err, checkpoint.ErrNoTensor) {
		return nil
	}
	if err != nil {
		return err
	}
	box, err := t.Float32s()
	if err != nil {
		return err
	}
	if len(box) != 6 {
		return fmt.Errorf("_roi_aabb has %d values, want 6", len(box))
	}
	h := box[3]
	for i, b := range box {
		if want := map[bool]float32{true: -h, false: h}[i < 3]; b != want || h <= 0 {
			return fmt.Errorf("_roi_aabb is %v, want a cube around 0", box)
		}
	}
	g.Half = h
	return nil
}

// Write writes the grid as nerfacc's state dict with a sparse "_binary".
func (g *Grid) Write(path string) error {
	cells := make([]bool, len(g.Cells))
	for i, c := range g.Cells {
		cells[i] = c != 0
	}
	h, r := g.Half, g.Res
	d := checkpoint.NewDict(
		"_roi_aabb", checkpoint.FromFloat32("_roi_aabb", []int{6}, []float32{-h, -h, -h, h, h, h}),
		"_binary", checkpoint.Sparse{Dense: checkpoint.FromBools("_binary", []int{r, r, r}, cells)},
		"resolution", checkpoint.FromInt32("resolution", []int{3}, []int32{int32(r), int32(r), int32(r)}))
	d.Ordered = true
	return checkpoint.WriteTorch(path, d)
}

// Find returns the weights file of a NeRF given as a file or as the folder
// that holds it, and its grid's file, or "" where there is none.
func Find(path string) (weights, grid string, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	dir := filepath.Dir(path)
	if st.IsDir() {
		dir, path = path, filepath.Join(path, WeightsName)
	}
	grid = filepath.Join(dir, GridName)
	if _, err := os.Stat(grid); errors.Is(err, fs.ErrNotExist) {
		grid = ""
	}
	return path, grid, nil
}

// upload puts the grid's cells on a device; a nil grid gives nil.
func (g *Grid) upload(mem tensor.Memory) *tensor.Tensor {
	if g == nil {
		return nil
	}
	return tensor.Int32(mem, g.Cells, len(g.Cells))
}
