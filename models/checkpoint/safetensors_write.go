package checkpoint

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
// a few megabytes at a time where src can be streamed.
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
	metadata, err := packedMetadata(infos, metadata)
	if err != nil {
		return err
	}
	header, err := safetensorsHeader(infos, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, info := range infos {
		if err := write(w.Write, src, info); err != nil {
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
		info = asStored(info)
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
