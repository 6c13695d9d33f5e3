package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"

	"llana/tensor"
)

// packedKey is the entry of a safetensors file's metadata that tells which of
// its U8 tensors are block types (tensor.Q8, tensor.Q4): a JSON object of
// packedEntry by name. Other programs see rows of bytes.
const packedKey = "llana.packed"

type packedEntry struct {
	DType string `json:"dtype"` // "int8" or "int4"
	Width int    `json:"width"` // elements in a row
}

var packedTypes = map[string]tensor.DType{"int8": tensor.Q8, "int4": tensor.Q4}

// describePacked gives the tensors that the metadata says are packed their type
// and shape.
func (s *safetensorsFile) describePacked() error {
	text, ok := s.metadata[packedKey]
	if !ok {
		return nil
	}
	var entries map[string]packedEntry
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return fmt.Errorf("metadata %s: %w", packedKey, err)
	}
	for name, e := range entries {
		t, ok := s.tensors[name]
		if !ok {
			return fmt.Errorf("metadata %s: tensor %q is not in the file", packedKey, name)
		}
		dt, ok := packedTypes[e.DType]
		if !ok {
			return fmt.Errorf("metadata %s: tensor %q: dtype %q, expected int8 or int4", packedKey, name, e.DType)
		}
		if t.DType != tensor.U8 || len(t.Shape) != 2 || e.Width <= 0 || e.Width > math.MaxInt32 ||
			!tensor.CanPack(dt, []int{e.Width}) || dt.Bytes([]int{1, e.Width}) != t.Shape[1] {
			return fmt.Errorf("metadata %s: tensor %q: %v %v does not hold rows of %d elements of %s", packedKey, name, t.DType, t.Shape, e.Width, e.DType)
		}
		t.DType, t.Shape = dt, []int{t.Shape[0], e.Width}
		s.tensors[name] = t
	}
	return nil
}

// asStored returns how a tensor is described in a safetensors header: block
// types as rows of bytes.
func asStored(info Info) Info {
	if info.DType == tensor.Q8 || info.DType == tensor.Q4 {
		rows := numel(info.Shape[:len(info.Shape)-1])
		info.Shape = []int{rows, info.DType.Bytes([]int{1, info.Shape[len(info.Shape)-1]})}
		info.DType = tensor.U8
	}
	return info
}

// packedMetadata returns metadata with the entry that tells which of the tensors
// have block types, and without one that told it of another file.
func packedMetadata(infos []Info, metadata map[string]string) (map[string]string, error) {
	entries := map[string]packedEntry{}
	for _, i := range infos {
		if i.DType == tensor.Q8 || i.DType == tensor.Q4 {
			if len(i.Shape) != 2 {
				return nil, fmt.Errorf("tensor %q: %v of shape %v cannot be written, expected a matrix", i.Name, i.DType, i.Shape)
			}
			entries[i.Name] = packedEntry{i.DType.String(), i.Shape[1]}
		}
	}
	out := maps.Clone(metadata)
	delete(out, packedKey)
	if len(entries) == 0 {
		return out, nil
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = map[string]string{}
	}
	out[packedKey] = string(text)
	return out, nil
}

// bytesOf returns the bytes of a tensor of the given type and shape; ok is false
// when a dimension is negative, the size exceeds an int, or the type cannot hold
// the shape.
func bytesOf(dt tensor.DType, shape []int) (n int64, ok bool) {
	if dt != tensor.Q8 && dt != tensor.Q4 {
		return byteSize(shape, dt.Size())
	}
	if _, ok := byteSize(shape, 2); !ok || !tensor.CanPack(dt, shape) { // 2 bytes are more than any element takes
		return 0, false
	}
	return int64(dt.Bytes(shape)), true
}
