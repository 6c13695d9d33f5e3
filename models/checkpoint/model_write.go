package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"llana/models/checkpoint/atomicfile"
)

// WriteModel writes the tensors of src into folder dir as Hugging Face's
// save_pretrained does: model.safetensors, or, when that would exceed
// maxShard bytes, model-00001-of-0000N.safetensors and an index. It holds a few
// megabytes at a time, or one tensor where src cannot be streamed. Shards of an
// earlier model in the folder are removed once the new ones are in place; the
// folder is made if it does not exist.
func WriteModel(dir string, src Source, maxShard int64) error {
	infos, err := infosOf(src)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	m := modelWriter{dir: dir, names: map[string]bool{}}
	defer m.abort()
	if err := m.write(src, splitShards(infos, maxShard)); err != nil {
		return err
	}
	for _, f := range m.files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return removeStale(dir, m.names)
}

// modelWriter writes the files of a model under temporary names.
type modelWriter struct {
	dir   string
	files []*atomicfile.File
	names map[string]bool
}

func (m *modelWriter) abort() {
	for _, f := range m.files {
		f.Abort()
	}
}

func (m *modelWriter) write(src Source, shards [][]Info) error {
	index := shardIndex{WeightMap: map[string]string{}}
	var total int64
	for i, shard := range shards {
		name := shardName(i, len(shards))
		err := m.file(name, func(w io.Writer) error {
			return writeSafetensors(w, src, shard, map[string]string{"format": "pt"})
		})
		if err != nil {
			return err
		}
		for _, info := range shard {
			index.WeightMap[info.Name] = name
			total += info.Bytes()
		}
	}
	if len(shards) == 1 {
		return nil
	}
	index.Metadata = map[string]any{"total_size": total}
	text, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	return m.file(safetensorsIndex, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

func (m *modelWriter) file(name string, write func(io.Writer) error) error {
	path := filepath.Join(m.dir, name)
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	m.files = append(m.files, f)
	m.names[name] = true
	if err := write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Finish()
}

// splitShards fills shards of at most maxShard bytes in the given order. A
// tensor that is larger has a shard to itself.
func splitShards(infos []Info, maxShard int64) [][]Info {
	shards := [][]Info{nil}
	var size int64
	for _, info := range infos {
		last := len(shards) - 1
		if len(shards[last]) > 0 && size+info.Bytes() > maxShard {
			shards, size, last = append(shards, nil), 0, last+1
		}
		shards[last] = append(shards[last], info)
		size += info.Bytes()
	}
	return shards
}

func shardName(i, n int) string {
	if n == 1 {
		return safetensorsName
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
}

// removeStale removes the model files of dir that do not belong to the model
// just written, and that the loading order would otherwise prefer or mix in.
func removeStale(dir string, keep map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		shard, _ := filepath.Match("model-?????-of-?????.safetensors", name)
		if keep[name] || !shard && name != safetensorsName && name != safetensorsIndex {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
