package checkpoint

import (
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// pieceBytes is about how much Stream reads at a time.
const pieceBytes = 8 << 20

// pieces keeps the memory of pieces: beside gigabytes of weights the garbage
// collector would let many of them pile up.
var pieces = sync.Pool{New: func() any { return new([]byte) }}

// section is where a tensor's elements lie in a file, in C order without gaps.
type section struct {
	r     io.ReaderAt
	at, n int64
	// crc is the checksum the file states for the section, if hasCRC.
	crc    uint32
	hasCRC bool
}

// sectioned is implemented by sources whose tensors may lie in a file as they
// are. ok is false for one that does not.
type sectioned interface {
	section(name string) (s section, ok bool, err error)
}

// Stream reads a tensor's bytes, as Tensor.Data holds them, in pieces of a few
// megabytes, so that a large tensor never is in memory as a whole; f is called
// with each and where it begins. A piece is a multiple of unit bytes long and is
// overwritten by the next. Tensors that do not lie in their file in order are
// read whole.
func Stream(src Source, name string, unit int, f func(at int64, piece []byte) error) error {
	if c, ok := src.(*converted); ok {
		return c.stream(name, f)
	}
	if s, ok := src.(sectioned); ok {
		sec, ok, err := s.section(name)
		if err != nil {
			return err
		}
		if ok {
			if err := sec.stream(unit, f); err != nil {
				return fmt.Errorf("tensor %q: %w", name, err)
			}
			return nil
		}
	}
	t, err := src.Tensor(name)
	if err != nil {
		return err
	}
	return f(0, t.Data)
}

func (s section) stream(unit int, f func(at int64, piece []byte) error) error {
	size := max(int64(unit), pieceBytes/int64(unit)*int64(unit))
	whole := pieces.Get().(*[]byte)
	defer pieces.Put(whole)
	if int64(cap(*whole)) < min(size, s.n) {
		*whole = make([]byte, max(pieceBytes, min(size, s.n)))
	}
	buf := *whole
	sum := crc32.NewIEEE()
	for at := int64(0); at < s.n; at += size {
		piece := buf[:min(size, s.n-at)]
		if n, err := s.r.ReadAt(piece, s.at+at); n < len(piece) {
			return fmt.Errorf("%d bytes from byte %d of the file on: %w", len(piece), s.at+at, err)
		}
		if s.hasCRC {
			sum.Write(piece)
		}
		if err := f(at, piece); err != nil {
			return err
		}
	}
	if s.hasCRC && s.n > 0 && sum.Sum32() != s.crc {
		return fmt.Errorf("the checksum of its bytes is %08x, the file states %08x", sum.Sum32(), s.crc)
	}
	return nil
}

func (s *fileSource) section(name string) (section, bool, error) { return sectionOf(s.Source, name) }

func (s *trimmed) section(name string) (section, bool, error) {
	return sectionOf(s.src, s.prefix+name)
}

func (s *sharded) section(name string) (section, bool, error) {
	shard, err := s.shard(name)
	if err != nil {
		return section{}, false, err
	}
	return sectionOf(shard, name)
}

func sectionOf(src Source, name string) (section, bool, error) {
	if s, ok := src.(sectioned); ok {
		return s.section(name)
	}
	return section{}, false, nil
}

func (s *safetensorsFile) section(name string) (section, bool, error) {
	t, ok := s.tensors[name]
	if !ok {
		return section{}, false, fmt.Errorf("%s: tensor %q: %w", s.file, name, ErrNoTensor)
	}
	return section{r: s.r, at: t.at, n: t.Bytes()}, true, nil
}

func (s *torchSource) section(name string) (section, bool, error) {
	t, ok := s.tensors[name].(*denseTensor)
	if !ok || numel(t.shape) == 0 || !contiguous(t.shape, t.stride) {
		return section{}, false, nil
	}
	f, at, err := s.z.entry("data/" + t.storage.key)
	if err != nil {
		return section{}, false, fmt.Errorf("%s: tensor %q: %w", s.z.file, name, err)
	}
	elem := int64(t.storage.dtype.Size())
	sec := section{r: s.z.r, at: at + int64(t.offset)*elem, n: int64(numel(t.shape)) * elem, crc: f.CRC32}
	sec.hasCRC = t.offset == 0 && uint64(sec.n) == f.UncompressedSize64
	return sec, true, nil
}
