package toyworld

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"

	"golang.org/x/sync/errgroup"

	"llana/kernels"
	"llana/models/checkpoint/atomicfile"
	"llana/models/nerf"
	"llana/train/fit"
)

// Options say how much is made and how.
type Options struct {
	Train, Val, Test int // scenes of each split
	Seed             uint64
	Fit              fit.Options
	Batch            int // NeRFs fitted at a time
	GridRes          int // cells of an occupancy grid along an axis
	Texts            Texts
	// Progress, if not nil, is told how many of how many NeRFs are there.
	Progress func(done, total int)
}

// DefaultOptions returns the settings of the model that the project ships.
func DefaultOptions() Options {
	return Options{Train: 12000, Val: 256, Test: 256, Seed: 1, Fit: fit.Default(), Batch: 16, GridRes: 24,
		Texts: Texts{Single: 14, Multi: 1, Rounds: 3, TwoWay: 8, TextScenes: 8000, TextQuestions: 10}}
}

// Count returns the number of scenes of a split.
func (o Options) Count(s Split) int { return [...]int{o.Train, o.Val, o.Test}[s] }

// Files of a data folder besides those of its splits.
const (
	recipeName     = "toyworld.json"
	TrainList      = "train.json"      // folders of NeRFs that weights2space is trained on
	ValidationList = "validation.json" // and validated on; both relative to the data folder
)

// Generate makes the toy world in a folder: its scenes and the NeRFs fitted to
// them, captions, questions and answers about them, the lists that
// weights2space is trained on and a tokenizer, in the layout of the published
// data. The spatial tokens are added later, by a trained weights2space.
//
// NeRFs that are there and whole are not fitted again, so that an interrupted
// or a smaller run can be continued; a folder made with other settings is an
// error.
func Generate(ctx context.Context, d kernels.Device, dir string, o Options) error {
	if err := checkRecipe(dir, o); err != nil {
		return err
	}
	if err := writeLists(dir, o); err != nil {
		return err
	}
	if err := writeTexts(ctx, dir, o); err != nil {
		return err
	}
	return generateNeRFs(ctx, d, dir, o)
}

// recipe is what the NeRFs of a folder depend on.
type recipe struct {
	Seed    uint64      `json:"seed"`
	Fit     fit.Options `json:"fit"`
	GridRes int         `json:"grid_resolution"`
}

// checkRecipe writes the recipe, or compares it with the one that is there.
func checkRecipe(dir string, o Options) error {
	if o.Train < 0 || o.Val < 0 || o.Test < 0 || o.Batch < 1 || o.GridRes < 1 {
		return fmt.Errorf("toy world: %d, %d and %d scenes, %d at a time, grids of %d: want no negative number of scenes and at least 1 of the others",
			o.Train, o.Val, o.Test, o.Batch, o.GridRes)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	file := filepath.Join(dir, recipeName)
	want := recipe{o.Seed, o.Fit, o.GridRes}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return writeJSON(file, want)
	}
	if err != nil {
		return err
	}
	var have recipe
	if err := json.Unmarshal(b, &have); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if !reflect.DeepEqual(have, want) {
		return fmt.Errorf("%s: the folder was made with other settings, %+v; now they are %+v", file, have, want)
	}
	return nil
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(file, append(b, '\n'))
}

// item is a scene with its place in the data folder.
type item struct {
	Scene
	id  string
	dir string // of its NeRF
}

func itemAt(dir string, o Options, s Split, i int) item {
	id := s.ObjectID(i)
	return item{SceneAt(o.Seed, s, i), id, filepath.Join(dir, s.Folder(), "nerfs", id)}
}

// whole reports whether the item's files are there and can be read.
func (it *item) whole() bool {
	s, err := ReadScene(it.dir)
	if err != nil || !reflect.DeepEqual(s, it.Scene) {
		return false
	}
	if _, err := nerf.ReadWeights(filepath.Join(it.dir, nerf.WeightsName)); err != nil {
		return false
	}
	_, err = nerf.ReadGrid(filepath.Join(it.dir, nerf.GridName))
	return err == nil
}

// write writes the item's files, the description last.
func (it *item) write(f *nerf.Field, g *nerf.Grid) error {
	if err := os.MkdirAll(it.dir, 0o777); err != nil {
		return err
	}
	if err := nerf.WriteWeights(filepath.Join(it.dir, nerf.WeightsName), f.Weights); err != nil {
		return err
	}
	if err := g.Write(filepath.Join(it.dir, nerf.GridName)); err != nil {
		return err
	}
	return it.Scene.Write(it.dir)
}

// generateNeRFs fits what is missing. Files are written while the next batch
// is fitted.
func generateNeRFs(ctx context.Context, d kernels.Device, dir string, o Options) error {
	writers, wctx := errgroup.WithContext(ctx)
	writers.SetLimit(4)
	err := eachBatch(wctx, dir, o, func(batch []item) error { return fitBatch(wctx, d, batch, o, writers) })
	if werr := writers.Wait(); werr != nil {
		return werr
	}
	return err
}

// eachBatch calls fit with the missing NeRFs, Batch at a time.
func eachBatch(ctx context.Context, dir string, o Options, fit func([]item) error) error {
	total := o.Train + o.Val + o.Test
	done := 0
	var batch []item
	flush := func() error {
		if len(batch) == 0 {
			return ctx.Err()
		}
		if err := fit(batch); err != nil {
			return err
		}
		done += len(batch)
		batch = batch[:0]
		o.report(done, total)
		return ctx.Err()
	}
	for _, s := range Splits {
		for i := range o.Count(s) {
			it := itemAt(dir, o, s, i)
			if it.whole() {
				done++
				o.report(done, total)
				continue
			}
			if batch = append(batch, it); len(batch) == o.Batch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

func (o Options) report(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

func fitBatch(ctx context.Context, d kernels.Device, batch []item, o Options, writers *errgroup.Group) error {
	targets := make([]fit.Target, len(batch))
	for i := range batch {
		targets[i] = batch[i]
	}
	fields, err := fit.Points(ctx, d, nerf.Toy, targets, o.Fit)
	if err != nil {
		return err
	}
	grids, err := fit.Grids(ctx, d, fields, o.GridRes)
	if err != nil {
		return err
	}
	for i, it := range batch {
		writers.Go(func() error { return it.write(fields[i], grids[i]) })
	}
	return nil
}

func writeLists(dir string, o Options) error {
	for s, name := range map[Split]string{Train: TrainList, Val: ValidationList} {
		list := []string{}
		for i := range o.Count(s) {
			list = append(list, path.Join(s.Folder(), "nerfs", s.ObjectID(i)))
		}
		if err := writeJSON(filepath.Join(dir, name), list); err != nil {
			return err
		}
	}
	return nil
}
