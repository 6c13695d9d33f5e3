package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File names of a Hugging Face model folder.
const (
	safetensorsName  = "model.safetensors"
	safetensorsIndex = "model.safetensors.index.json"
	torchName        = "pytorch_model.bin"
	torchIndex       = "pytorch_model.bin.index.json"
)

const maxIndex = 64 << 20 // bytes of an index file

func openFolder(dir string) (Source, error) {
	name, index := WeightsFile(func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return !errors.Is(err, fs.ErrNotExist)
	})
	switch path := filepath.Join(dir, name); {
	case name == "":
		return nil, fmt.Errorf("%s: expected a model folder with %s or %s, or one of their .index.json files; found none",
			dir, safetensorsName, torchName)
	case index:
		return openSharded(path)
	default:
		return Open(path)
	}
}

// WeightsFile returns the file by which Open reads a model folder that has the
// given files, and whether it is the index of several; "" if there is none.
func WeightsFile(has func(name string) bool) (name string, index bool) {
	for _, name := range []string{safetensorsName, safetensorsIndex, torchName, torchIndex} {
		if has(name) {
			return name, name == safetensorsIndex || name == torchIndex
		}
	}
	return "", false
}

// Shards returns the names of the files, in the same folder, that an
// .index.json file names.
func Shards(path string) ([]string, error) {
	index, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(maps.Values(index.WeightMap))), nil
}

func readIndex(path string) (*shardIndex, error) {
	data, err := readLimited(path, maxIndex)
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return index, nil
}

// shardIndex is the part of an .index.json file that says where tensors are.
type shardIndex struct {
	Metadata  map[string]any    `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"` // tensor -> file name
}

// parseIndex reads an index and checks that it names files of its own folder.
func parseIndex(data []byte) (*shardIndex, error) {
	var index shardIndex
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	if len(index.WeightMap) == 0 {
		return nil, errors.New("expected a weight_map with tensors, found none")
	}
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		file := index.WeightMap[name]
		if file == "" || file == "." || file == ".." || strings.ContainsAny(file, `/\:`) || strings.ContainsRune(file, 0) {
			return nil, fmt.Errorf("tensor %q: expected the name of a file in the same folder, found %q", name, file)
		}
	}
	return &index, nil
}

// sharded is a model split over several files.
type sharded struct {
	index  string
	names  []string
	shards map[string]Source // by file name
	of     map[string]string // tensor -> file name
}

func openSharded(path string) (Source, error) {
	index, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	s := &sharded{index: path, shards: map[string]Source{}, of: index.WeightMap}
	s.names = slices.Sorted(maps.Keys(index.WeightMap))
	for _, name := range s.names {
		if err := s.add(name, index.WeightMap[name]); err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: tensor %q: %w", path, name, err)
		}
	}
	return s, nil
}

// add opens the shard of a tensor, if it is not open yet, and checks that the
// tensor is there.
func (s *sharded) add(name, file string) error {
	shard := s.shards[file]
	if shard == nil {
		path := filepath.Join(filepath.Dir(s.index), file)
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			return fmt.Errorf("%s: expected a file, found a folder", path)
		}
		var err error
		if shard, err = Open(path); err != nil {
			return err
		}
		s.shards[file] = shard
	}
	_, err := shard.Info(name)
	return err
}

func (s *sharded) Names() []string { return s.names }

func (s *sharded) shard(name string) (Source, error) {
	file, ok := s.of[name]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q: %w", s.index, name, ErrNoTensor)
	}
	return s.shards[file], nil
}

func (s *sharded) Info(name string) (Info, error) {
	shard, err := s.shard(name)
	if err != nil {
		return Info{}, err
	}
	return shard.Info(name)
}

func (s *sharded) Tensor(name string) (*Tensor, error) {
	shard, err := s.shard(name)
	if err != nil {
		return nil, err
	}
	return shard.Tensor(name)
}

func (s *sharded) Close() error {
	var errs []error
	for _, shard := range s.shards {
		errs = append(errs, shard.Close())
	}
	return errors.Join(errs...)
}

// readLimited reads a whole file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: expected at most %d bytes", path, limit)
	}
	return data, nil
}
