package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"llana/tensor"
)

// maxSafetensorsHeader is the limit the format's reference implementation sets.
const maxSafetensorsHeader = 100_000_000

const metadataKey = "__metadata__"

var safetensorsTypes = map[string]tensor.DType{
	"F64": tensor.F64, "F32": tensor.F32, "F16": tensor.F16, "BF16": tensor.BF16,
	"I64": tensor.I64, "I32": tensor.I32, "U8": tensor.U8, "BOOL": tensor.Bool,
}

// safetensorsFile reads the format described at
// https://github.com/huggingface/safetensors#format: the header's length
// (uint64, little endian), a JSON header, then the tensors' bytes.
type safetensorsFile struct {
	file     string
	r        io.ReaderAt
	names    []string
	tensors  map[string]placed
	metadata map[string]string
}

type placed struct {
	Info
	at int64 // position of the first byte in the file
}

func openSafetensors(file string, r io.ReaderAt, size int64) (*safetensorsFile, error) {
	s := &safetensorsFile{file: file, r: r, tensors: map[string]placed{}}
	header, err := readSafetensorsHeader(r, size)
	if err == nil {
		err = s.parse(header, size-8-int64(len(header)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: safetensors: %w", file, err)
	}
	return s, nil
}

func readSafetensorsHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var prefix [8]byte
	if size < 8 {
		return nil, fmt.Errorf("expected at least 8 bytes, found %d", size)
	}
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxSafetensorsHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d are allowed", n, maxSafetensorsHeader)
	}
	if n > uint64(size-8) {
		return nil, fmt.Errorf("header of %d bytes, but only %d bytes follow", n, size-8)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil && err != io.EOF {
		return nil, err
	}
	return header, nil
}

// parse reads the header's entries and checks that the tensors fill the data
// section of size bytes without gap or overlap.
func (s *safetensorsFile) parse(header []byte, size int64) error {
	dec := json.NewDecoder(bytes.NewReader(header))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return errors.New("header is not a JSON object")
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		name := tok.(string) // the decoder gives nothing else as a key
		if name == metadataKey {
			if err := dec.Decode(&s.metadata); err != nil {
				return fmt.Errorf("%s: %w", metadataKey, err)
			}
			continue
		}
		if _, dup := s.tensors[name]; dup {
			return fmt.Errorf("tensor %q occurs twice", name)
		}
		p, err := parseEntry(dec, name, size)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		p.at += 8 + int64(len(header))
		s.names = append(s.names, name)
		s.tensors[name] = p
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if rest := strings.TrimRight(string(header[dec.InputOffset():]), " "); rest != "" {
		return fmt.Errorf("header: %d bytes after the JSON object", len(rest))
	}
	if err := s.checkLayout(8+int64(len(header)), size); err != nil {
		return err
	}
	return s.describePacked()
}

// parseEntry reads one tensor's description; the position is still relative to
// the data section.
func parseEntry(dec *json.Decoder, name string, size int64) (placed, error) {
	var e struct {
		DType   string   `json:"dtype"`
		Shape   []uint64 `json:"shape"`
		Offsets []uint64 `json:"data_offsets"`
	}
	if err := dec.Decode(&e); err != nil {
		return placed{}, err
	}
	dt, ok := safetensorsTypes[e.DType]
	if !ok {
		return placed{}, fmt.Errorf("dtype %q is not supported", e.DType)
	}
	if e.Shape == nil || len(e.Offsets) != 2 {
		return placed{}, fmt.Errorf("expected a shape and two data_offsets, found %v and %v", e.Shape, e.Offsets)
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin > end || end > uint64(size) {
		return placed{}, fmt.Errorf("data_offsets %v do not lie in the data section of %d bytes", e.Offsets, size)
	}
	shape := make([]int, len(e.Shape))
	for i, d := range e.Shape {
		if d > math.MaxInt {
			return placed{}, fmt.Errorf("shape %v is too large", e.Shape)
		}
		shape[i] = int(d)
	}
	want, ok := byteSize(shape, dt.Size())
	if !ok || uint64(want) != end-begin {
		return placed{}, fmt.Errorf("%s %v does not fill the %d bytes of data_offsets %v", e.DType, e.Shape, end-begin, e.Offsets)
	}
	return placed{Info{Name: name, DType: dt, Shape: shape}, int64(begin)}, nil
}

func (s *safetensorsFile) checkLayout(start, size int64) error {
	order := slices.Clone(s.names)
	slices.SortStableFunc(order, func(a, b string) int {
		ta, tb := s.tensors[a], s.tensors[b]
		if ta.at != tb.at {
			return int(min(1, max(-1, ta.at-tb.at)))
		}
		return int(min(1, max(-1, ta.Bytes()-tb.Bytes())))
	})
	at := start
	for _, name := range order {
		t := s.tensors[name]
		if t.at != at {
			return fmt.Errorf("tensor %q: expected to begin at byte %d of the data, found %d: tensors must neither overlap nor leave gaps", name, at-start, t.at-start)
		}
		at += t.Bytes()
	}
	if at != start+size {
		return fmt.Errorf("the tensors end at byte %d of the data, the file at %d", at-start, size)
	}
	return nil
}

func (s *safetensorsFile) Names() []string { return s.names }

func (s *safetensorsFile) Info(name string) (Info, error) {
	t, ok := s.tensors[name]
	if !ok {
		return Info{}, fmt.Errorf("%s: tensor %q: %w", s.file, name, ErrNoTensor)
	}
	return t.Info, nil
}

func (s *safetensorsFile) Tensor(name string) (*Tensor, error) {
	t, ok := s.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q: %w", s.file, name, ErrNoTensor)
	}
	data := make([]byte, t.Bytes())
	if n, err := s.r.ReadAt(data, t.at); n < len(data) {
		return nil, fmt.Errorf("%s: tensor %q: %w", s.file, name, err)
	}
	return &Tensor{Name: name, DType: t.DType, Shape: slices.Clone(t.Shape), Data: data}, nil
}

func (s *safetensorsFile) Close() error { return nil }
