package checkpoint

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// expansionSlack bounds how much more memory tensors may take than their file
// is large, for sparse, expanded and shared tensors: a sparse occupancy grid of
// 512^3 cells fits, a few bytes that claim a terabyte do not.
var expansionSlack int64 = 256 << 20 // a variable for the tests' sake

// ReadTorch reads a whole PyTorch zip file, the format torch.save has written
// since version 1.6. The Name of each tensor is its path as Open gives it. Views
// become contiguous; only those with the same elements, such as tied weights,
// share their Data.
func ReadTorch(path string) (Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadTorchFrom(path, f, st.Size())
}

// ReadTorchFrom is ReadTorch for a file that is already at hand. name is used
// in errors.
func ReadTorchFrom(name string, r io.ReaderAt, size int64) (Value, error) {
	z, err := openTorchZip(name, r, size)
	if err != nil {
		return nil, err
	}
	root, err := z.unpickle()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// Twice the file, for a tensor that is there beside views of its parts.
	l := loader{z: z, budget: 2*size + expansionSlack, loaded: map[string]*Tensor{}}
	v, err := convert(root, l.leaf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// loader reads the tensors of a file, each view of a storage once.
type loader struct {
	z      *torchZip
	budget int64 // bytes that may still be taken
	loaded map[string]*Tensor
}

func (l *loader) leaf(path string, t torchTensor) (Value, error) {
	id := t.id()
	if l.loaded[id] == nil {
		got, err := l.load(t)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", path, err)
		}
		l.loaded[id] = got
	}
	named := *l.loaded[id]
	named.Name = path
	return &named, nil
}

func (l *loader) load(t torchTensor) (*Tensor, error) {
	bytes, err := t.check(l.z)
	if err != nil {
		return nil, err
	}
	if l.budget -= bytes; l.budget < 0 {
		return nil, errors.New("the tensors together are much larger than the file")
	}
	return t.load(l.z)
}

// torchZip is the container: <root>/data.pkl and <root>/data/<key>.
type torchZip struct {
	file    string
	r       io.ReaderAt
	size    int64
	root    string // with the slash
	entries map[string]*zip.File
}

func openTorchZip(file string, r io.ReaderAt, size int64) (*torchZip, error) {
	zr, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) {
		return nil, fmt.Errorf("%s: expected a PyTorch zip file, found %d bytes without the directory at a zip file's end: it may be cut short: %w", file, size, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	z := &torchZip{file: file, r: r, size: size, entries: make(map[string]*zip.File, len(zr.File))}
	pickles := 0
	for _, f := range zr.File {
		if _, dup := z.entries[f.Name]; dup {
			return nil, fmt.Errorf("%s: zip entry %q occurs twice", file, f.Name)
		}
		z.entries[f.Name] = f
		if dir, ok := strings.CutSuffix(f.Name, "/data.pkl"); ok && !strings.Contains(dir, "/") {
			z.root = dir + "/"
			pickles++
		}
	}
	if pickles != 1 {
		return nil, fmt.Errorf("%s: expected a PyTorch file with one <name>/data.pkl, found %d among %d zip entries", file, pickles, len(zr.File))
	}
	if z.entries[z.root+"byteorder"] != nil {
		order, err := z.read("byteorder", 16)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if string(order) != "little" {
			return nil, fmt.Errorf("%s: expected byte order \"little\", found %q", file, order)
		}
	}
	return z, nil
}

// entry returns a stored entry of the archive and the position of its content.
// PyTorch never compresses; refusing compression keeps a tensor's memory
// within the size of the file.
func (z *torchZip) entry(name string) (f *zip.File, at int64, err error) {
	f = z.entries[z.root+name]
	if f == nil {
		return nil, 0, fmt.Errorf("zip entry %q is missing", z.root+name)
	}
	if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
		return nil, 0, fmt.Errorf("zip entry %q is compressed, expected a stored entry as torch.save writes it", f.Name)
	}
	at, err = f.DataOffset()
	if err != nil {
		return nil, 0, fmt.Errorf("zip entry %q: %w", f.Name, err)
	}
	if f.UncompressedSize64 > uint64(z.size-at) {
		return nil, 0, fmt.Errorf("zip entry %q: %d bytes at position %d reach beyond the file's %d", f.Name, f.UncompressedSize64, at, z.size)
	}
	return f, at, nil
}

// read returns the whole content of an entry and verifies its checksum.
func (z *torchZip) read(name string, limit uint64) ([]byte, error) {
	f, _, err := z.entry(name)
	if err != nil {
		return nil, err
	}
	if f.UncompressedSize64 > limit {
		return nil, fmt.Errorf("zip entry %q has %d bytes, at most %d are allowed", f.Name, f.UncompressedSize64, limit)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("zip entry %q: %w", f.Name, err)
	}
	defer r.Close()
	data := make([]byte, f.UncompressedSize64)
	if _, err = io.ReadFull(r, data); err == nil {
		// The checksum is compared at the end of the entry.
		if _, err = r.Read(make([]byte, 1)); err == io.EOF {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("zip entry %q: %w", f.Name, err)
	}
	return data, nil
}

// readRange returns n bytes of an entry from offset. The checksum is verified
// only when that is the whole entry.
func (z *torchZip) readRange(name string, offset, n int64) ([]byte, error) {
	f, at, err := z.entry(name)
	if err != nil {
		return nil, err
	}
	size := int64(f.UncompressedSize64)
	if offset == 0 && n == size {
		return z.read(name, uint64(n))
	}
	if n > size || offset > size-n {
		return nil, fmt.Errorf("zip entry %q has %d bytes, expected %d", f.Name, size, offset+n)
	}
	data := make([]byte, n)
	if got, err := z.r.ReadAt(data, at+offset); got < len(data) {
		return nil, fmt.Errorf("zip entry %q: %w", f.Name, err)
	}
	return data, nil
}

func (z *torchZip) unpickle() (any, error) {
	data, err := z.read("data.pkl", maxPickle)
	if err != nil {
		return nil, err
	}
	u := unpickler{data: data, global: torchGlobal, call: torchCall, persistent: torchStorage}
	return u.run()
}

// torchSource gives lazy access to the tensors of a PyTorch file.
type torchSource struct {
	z       *torchZip
	names   []string
	tensors map[string]torchTensor
}

func openTorch(file string, r io.ReaderAt, size int64) (*torchSource, error) {
	z, err := openTorchZip(file, r, size)
	if err != nil {
		return nil, err
	}
	root, err := z.unpickle()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s := &torchSource{z: z, tensors: map[string]torchTensor{}}
	_, err = convert(root, func(path string, t torchTensor) (Value, error) {
		if _, dup := s.tensors[path]; dup {
			return nil, fmt.Errorf("two tensors are named %q", path)
		}
		if _, err := t.check(z); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", path, err)
		}
		s.names = append(s.names, path)
		s.tensors[path] = t
		return nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *torchSource) Names() []string { return s.names }

func (s *torchSource) Info(name string) (Info, error) {
	t, ok := s.tensors[name]
	if !ok {
		return Info{}, fmt.Errorf("%s: tensor %q: %w", s.z.file, name, ErrNoTensor)
	}
	dt, shape := t.describe()
	return Info{Name: name, DType: dt, Shape: shape}, nil
}

func (s *torchSource) Tensor(name string) (*Tensor, error) {
	t, ok := s.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q: %w", s.z.file, name, ErrNoTensor)
	}
	got, err := t.load(s.z)
	if err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", s.z.file, name, err)
	}
	got.Name = name
	return got, nil
}

func (s *torchSource) Close() error { return nil }
