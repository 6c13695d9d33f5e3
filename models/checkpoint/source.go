package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrNoTensor is wrapped by the errors of Source.Info and Source.Tensor when a
// name is unknown.
var ErrNoTensor = errors.New("no such tensor")

// Source is a set of named tensors, read on demand. Its methods may be called
// from several goroutines at once, Close excepted.
type Source interface {
	// Names returns the names of all tensors in a stable order.
	Names() []string
	// Info describes a tensor without reading its elements.
	Info(name string) (Info, error)
	// Tensor reads a tensor. Its Data may be shared; do not modify it.
	Tensor(name string) (*Tensor, error)
	// Close releases the files. Tensors already read stay valid.
	Close() error
}

// Open opens the tensors at path, which is a safetensors file, a PyTorch zip
// file, or a model folder. The format is told from the content, not from the
// extension. Nested containers of a PyTorch file are flattened: an element's
// name is its keys and list positions joined by dots, for example
// "weights2space.module.query_tokens"; values that are not tensors are left
// out (ReadTorch gives them).
//
// In a folder the files are looked for in the order in which Hugging Face's
// loader does: model.safetensors, model.safetensors.index.json,
// pytorch_model.bin, pytorch_model.bin.index.json.
func Open(path string) (Source, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return openFolder(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	src, err := OpenReader(path, f, st.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	return &fileSource{Source: src, f: f}, nil
}

type fileSource struct {
	Source
	f *os.File
}

func (s *fileSource) Close() error { return s.f.Close() }

// OpenReader is Open for a single file that is already at hand, for example in
// memory. name is used in errors. r must stay readable while the Source is in
// use; Close does not close it.
func OpenReader(name string, r io.ReaderAt, size int64) (Source, error) {
	var head [9]byte
	n, err := r.ReadAt(head[:min(size, int64(len(head)))], 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch h := string(head[:n]); {
	case strings.HasPrefix(h, "PK\x03\x04"):
		return openTorch(name, r, size)
	case len(h) == 9 && h[8] == '{':
		return openSafetensors(name, r, size)
	case strings.HasPrefix(h, npyMagic):
		return nil, fmt.Errorf("%s: expected a file of named tensors, found a NumPy array", name)
	case strings.HasPrefix(h, "\x80\x02"):
		return nil, fmt.Errorf("%s: expected PyTorch's zip format, found the format before PyTorch 1.6; load and save it with a newer PyTorch", name)
	case h == "version h":
		return nil, fmt.Errorf("%s: this is a Git LFS pointer, not the file itself; run git lfs pull", name)
	}
	return nil, fmt.Errorf("%s: expected safetensors or a PyTorch zip file, found %d bytes that begin with %q", name, size, head[:n])
}

// FromTensors makes a Source of tensors in memory. Two tensors of one name are
// an error.
func FromTensors(ts ...*Tensor) (Source, error) {
	m := memory{tensors: make(map[string]*Tensor, len(ts))}
	for _, t := range ts {
		if _, dup := m.tensors[t.Name]; dup {
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		}
		m.names = append(m.names, t.Name)
		m.tensors[t.Name] = t
	}
	return &m, nil
}

type memory struct {
	names   []string
	tensors map[string]*Tensor
}

func (m *memory) Names() []string { return m.names }

func (m *memory) Info(name string) (Info, error) {
	t, err := m.Tensor(name)
	if err != nil {
		return Info{}, err
	}
	return t.Info(), nil
}

func (m *memory) Tensor(name string) (*Tensor, error) {
	if t, ok := m.tensors[name]; ok {
		return t, nil
	}
	return nil, fmt.Errorf("tensor %q: %w", name, ErrNoTensor)
}

func (m *memory) Close() error { return nil }

// TrimPrefix returns the tensors of src whose names begin with prefix, under
// their names without it. Close closes src.
func TrimPrefix(src Source, prefix string) Source { return &trimmed{src, prefix} }

type trimmed struct {
	src    Source
	prefix string
}

func (s *trimmed) Names() []string {
	var names []string
	for _, n := range s.src.Names() {
		if rest, ok := strings.CutPrefix(n, s.prefix); ok {
			names = append(names, rest)
		}
	}
	return names
}

func (s *trimmed) Info(name string) (Info, error) {
	info, err := s.src.Info(s.prefix + name)
	info.Name = name
	return info, err
}

func (s *trimmed) Tensor(name string) (*Tensor, error) {
	t, err := s.src.Tensor(s.prefix + name)
	if err != nil {
		return nil, err
	}
	c := *t
	c.Name = name
	return &c, nil
}

func (s *trimmed) Close() error { return s.src.Close() }
