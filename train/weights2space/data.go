package weights2space

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"llana/models/nerf"
)

// Item is one NeRF of a training list.
type Item struct {
	Dir   string // folder with nerf_weights.pth and, where there is one, grid.pth
	Field *nerf.Field
	Grid  *nerf.Grid
}

// Dataset is a list of NeRFs. Small ones are kept in memory once read.
type Dataset struct {
	dirs  []string
	cache []*Item
	keep  bool
}

// keepBytes bounds how much of a data set is kept in memory.
const keepBytes = 4 << 30

// OpenDataset reads a list of folders (a JSON array of strings), relative to
// root, or to the list's own folder if root is empty.
func OpenDataset(list, root string) (*Dataset, error) {
	b, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var dirs []string
	if err := json.Unmarshal(b, &dirs); err != nil {
		return nil, fmt.Errorf("%s: want a JSON array of folder names: %w", list, err)
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("%s: lists no NeRFs", list)
	}
	if root == "" {
		root = filepath.Dir(list)
	}
	for i, d := range dirs {
		if !filepath.IsAbs(d) {
			dirs[i] = filepath.Join(root, d)
		}
	}
	d := &Dataset{dirs: dirs, cache: make([]*Item, len(dirs))}
	first, err := d.Item(0)
	if err != nil {
		return nil, err
	}
	size := 4 * len(first.Field.Weights)
	if first.Grid != nil {
		size += 4 * len(first.Grid.Cells)
	}
	d.keep = size*len(dirs) < keepBytes
	return d, nil
}

// Len returns the number of NeRFs.
func (d *Dataset) Len() int { return len(d.dirs) }

// Item returns NeRF i.
func (d *Dataset) Item(i int) (*Item, error) {
	if d.cache[i] != nil {
		return d.cache[i], nil
	}
	it, err := readItem(d.dirs[i])
	if err == nil && d.keep {
		d.cache[i] = it
	}
	return it, err
}

// readItem reads a NeRF's folder. In the Objaverse tree the weights lie in a
// subfolder mlp_128.
func readItem(dir string) (*Item, error) {
	if sub := filepath.Join(dir, "mlp_128"); isDir(sub) {
		dir = sub
	}
	weights, grid, err := nerf.Find(dir)
	if err != nil {
		return nil, err
	}
	it := &Item{Dir: dir}
	if it.Field, err = nerf.ReadWeights(weights); err != nil {
		return nil, err
	}
	if grid != "" {
		if it.Grid, err = nerf.ReadGrid(grid); err != nil {
			return nil, err
		}
		it.Field.Half = it.Grid.Half
	}
	return it, nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// cameras returns the NeRF's cameras: those of its transforms file, which in
// the Objaverse tree lies one level up, or, without one, n synthetic ones
// around it.
func (it *Item) cameras(size, n int) ([]nerf.Camera, error) {
	if size == 0 {
		size = 224
		if strings.Contains(it.Dir, "objaverse") || strings.Contains(it.Dir, "objanerf") {
			size = 512
		}
	}
	for _, name := range []string{"transforms_train.json", "transforms_train_compressed.json", "../transforms_train.json"} {
		path := filepath.Join(it.Dir, name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		t, err := nerf.ReadTransforms(path)
		if err != nil {
			return nil, err
		}
		var cs []nerf.Camera
		for i := range t.Frames {
			cs = append(cs, t.Camera(i, size, size))
		}
		return cs, nil
	}
	var cs []nerf.Camera
	for i := range n {
		elevation := []float64{30, -30, 60, 0}[i%4]
		cs = append(cs, nerf.Orbit(360*float64(i)/float64(n), elevation, 2.2, size))
	}
	return cs, nil
}

// sampler draws NeRFs in a new random order each epoch. Its draws depend on
// the seed and the step only, so that a resumed training sees the same data.
type sampler struct {
	n, batch int
	seed     uint64
	epoch    int
	order    []int
}

func (s *sampler) stepsPerEpoch() int { return (s.n + s.batch - 1) / s.batch }

// at returns the NeRFs of a step and a generator for its other draws.
func (s *sampler) at(step int) ([]int, *rand.Rand) {
	epoch, i := step/s.stepsPerEpoch(), step%s.stepsPerEpoch()
	if s.order == nil || epoch != s.epoch {
		s.order = rand.New(rand.NewPCG(s.seed, uint64(epoch))).Perm(s.n)
		s.epoch = epoch
	}
	lo := i * s.batch
	return s.order[lo:min(s.n, lo+s.batch)], rand.New(rand.NewPCG(s.seed^0x5eed, uint64(step)))
}
