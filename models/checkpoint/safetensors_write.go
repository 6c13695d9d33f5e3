package checkpoint

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llana/models/checkpoint/atomicfile"
	"llana/tensor"
)

// WriteSafetensors writes tensors to one safetensors file. Metadata may be nil;
// Hugging Face's loader insists on {"format": "pt"}.
func WriteSafetensors(path string, tensors []*Tensor, metadata map[string]string) error {
	src, err := FromTensors(tensors...)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return CopySafetensors(path, src, metadata)
}

// CopySafetensors is WriteSafetensors for the tensors of src, of which it holds
// one at a time.
func CopySafetensors(path string, src Source, metadata map[string]string) error {
	infos, err := infosOf(src)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return writeSafetensors(w, src, infos, metadata)
	})
}

// Metadata returns the free-form metadata of a safetensors source; nil for
// other formats.
func Metadata(src Source) map[string]string {
	if f, ok := src.(*fileSource); ok {
		src = f.Source
	}
	if s, ok := src.(*safetensorsFile); ok {
		return maps.Clone(s.metadata)
	}
	return nil
}

func infosOf(src Source) ([]Info, error) {
	var infos []Info
	for _, name := range src.Names() {
		info, err := src.Info(name)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// writeSafetensors writes the tensors that infos name.
func writeSafetensors(w io.Writer, src Source, infos []Info, metadata map[string]string) error {
	// Largest elements first keeps every tensor aligned to its element size.
	infos = slices.SortedFunc(slices.Values(infos), func(a, b Info) int {
		return cmp.Or(b.DType.Size()-a.DType.Size(), strings.Compare(a.Name, b.Name))
	})
	header, err := safetensorsHeader(infos, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, info := range infos {
		t, err := src.Tensor(info.Name)
		if err != nil {
			return err
		}
		if t.DType != info.DType || !slices.Equal(t.Shape, info.Shape) {
			return fmt.Errorf("tensor %q: expected %v %v, found %v %v", info.Name, info.DType, info.Shape, t.DType, t.Shape)
		}
		if err := t.check(); err != nil {
			return err
		}
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// safetensorsHeader returns the length prefix and the JSON header, padded so
// that the data begin at a multiple of 8 bytes.
func safetensorsHeader(infos []Info, metadata map[string]string) ([]byte, error) {
	type entry struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	names := map[tensor.DType]string{}
	for name, dt := range safetensorsTypes {
		names[dt] = name
	}
	// The map comes out sorted by name, not by offset, which the format allows.
	header := map[string]any{}
	if len(metadata) > 0 {
		header[metadataKey] = metadata
	}
	var at int64
	for _, info := range infos {
		if info.Name == metadataKey || names[info.DType] == "" {
			return nil, fmt.Errorf("tensor %q of type %v cannot stand in a safetensors file", info.Name, info.DType)
		}
		size, ok := byteSize(info.Shape, info.DType.Size())
		if !ok {
			return nil, fmt.Errorf("tensor %q: shape %v is not valid", info.Name, info.Shape)
		}
		header[info.Name] = entry{names[info.DType], append([]int{}, info.Shape...), [2]int64{at, at + size}}
		at += size
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxSafetensorsHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d are allowed", len(text), maxSafetensorsHeader)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// WriteModel writes the tensors of src into folder dir as Hugging Face's
// save_pretrained does: model.safetensors, or, when that would exceed
// maxShard bytes, model-00001-of-0000N.safetensors and an index. It holds one
// tensor at a time. Shards of an earlier model in the folder are removed once
// the new ones are in place; the folder is made if it does not exist.
func WriteModel(dir string, src Source, maxShard int64) error {
	infos, err := infosOf(src)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	shards := splitShards(infos, maxShard)
	var files []*atomicfile.File
	defer func() {
		for _, f := range files {
			f.Abort()
		}
	}()
	keep := map[string]bool{}
	create := func(name string) (*atomicfile.File, error) {
		f, err := atomicfile.Create(filepath.Join(dir, name))
		if err == nil {
			files = append(files, f)
			keep[name] = true
		}
		return f, err
	}
	weightMap := map[string]string{}
	for i, shard := range shards {
		name := shardName(i, len(shards))
		f, err := create(name)
		if err != nil {
			return err
		}
		if err := writeSafetensors(f, src, shard, map[string]string{"format": "pt"}); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
		}
		if err := f.Finish(); err != nil {
			return err
		}
		for _, info := range shard {
			weightMap[info.Name] = name
		}
	}
	if len(shards) > 1 {
		f, err := create(safetensorsIndex)
		if err != nil {
			return err
		}
		if err := writeIndex(f, infos, weightMap); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return removeStale(dir, keep)
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

func writeIndex(w io.Writer, infos []Info, weightMap map[string]string) error {
	var total int64
	for _, info := range infos {
		total += info.Bytes()
	}
	text, err := json.MarshalIndent(shardIndex{
		Metadata:  map[string]any{"total_size": total},
		WeightMap: weightMap,
	}, "", "  ")
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return err
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
