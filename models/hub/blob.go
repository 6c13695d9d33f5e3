package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// blobFile is the part of *os.File that a download uses.
type blobFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// contentError says that what was received is not what was announced.
type contentError struct {
	name, expected, found string
}

func (e *contentError) Error() string {
	return fmt.Sprintf("%s: expected %s, found %s", e.name, e.expected, e.found)
}

// partialPath is where a blob stands until it is whole.
func (s *snapshot) partialPath(f remote) string { return s.blob(f.etag) + ".incomplete" }

// fetchFile makes a file's blob whole. Content that is not what was announced is
// thrown away and asked for once more.
func (s *snapshot) fetchFile(ctx context.Context, f remote) error {
	err := s.fetchBlob(ctx, f)
	var wrong *contentError
	if !errors.As(err, &wrong) {
		return err
	}
	s.logf("%v: trying once more", err)
	again, err := s.describe(ctx, f.name)
	if err != nil {
		return err
	}
	if err := s.replace(f, again); err != nil {
		return err
	}
	return s.fetchBlob(ctx, again)
}

// replace notes that a file turned out to have another blob than was announced.
func (s *snapshot) replace(old, now remote) error {
	if old.etag == now.etag && old.size == now.size {
		return nil
	}
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	for n, f := range s.files {
		if f.etag == old.etag && n != old.name {
			return fmt.Errorf("%s: the server changed its version from %s to %s while %s was to have the same: try again", old.name, old.etag, now.etag, n)
		}
	}
	s.progress.total += now.size - old.size
	s.files[old.name] = now
	return nil
}

// fetchBlob downloads a file's blob, unless another process has.
func (s *snapshot) fetchBlob(ctx context.Context, f remote) error {
	unlock, err := s.lock(ctx, f)
	if err != nil {
		return err
	}
	defer unlock()
	if exists(s.blob(f.etag)) || exists(s.file(f.name)) {
		s.grown(f, f.size, f.size)
		return nil
	}
	p, err := s.openPartial(ctx, f)
	if err != nil {
		return err
	}
	defer p.file.Close()
	if err := s.receive(ctx, p); err != nil {
		return p.discardWrong(err)
	}
	if err := p.check(); err != nil {
		return p.discardWrong(err)
	}
	if err := p.finish(s.blob(f.etag)); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	s.fresh.add(f.etag)
	return nil
}

// partial is a blob that is being downloaded. Bytes are written to their place,
// never appended, and the file is never cut: two processes on a file system
// whose locks do nothing then write the same.
type partial struct {
	remote
	s    *snapshot
	path string
	file blobFile
	hash hash.Hash // of the first n bytes; nil if the ETag is no checksum
	n    int64
}

// openPartial opens what is there of a blob, and reads it for the checksum.
func (s *snapshot) openPartial(ctx context.Context, f remote) (*partial, error) {
	path := s.partialPath(f)
	file, err := s.openBlob(path)
	if err != nil {
		return nil, err
	}
	p := &partial{remote: f, s: s, path: path, file: file}
	p.rewind()
	have, err := file.Stat()
	if err == nil {
		// More than the whole is another's mistake: start anew, over it.
		if n := have.Size(); n <= f.size {
			err = p.read(ctx, n)
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return p, nil
}

// read takes the first n bytes of the file as received.
func (p *partial) read(ctx context.Context, n int64) error {
	buf := make([]byte, 1<<20)
	for p.n < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := p.file.ReadAt(buf[:min(int64(len(buf)), n-p.n)], p.n)
		p.take(buf[:k])
		if err != nil && p.n < n {
			return err
		}
	}
	return nil
}

// take counts bytes that are in the file.
func (p *partial) take(b []byte) {
	if p.hash != nil {
		p.hash.Write(b)
	}
	p.n += int64(len(b))
	p.s.grown(p.remote, int64(len(b)), p.n)
}

// Write writes the next bytes.
func (p *partial) Write(b []byte) (int, error) {
	if p.n+int64(len(b)) > p.size {
		return 0, &contentError{p.name, fmt.Sprintf("%d bytes", p.size), "more"}
	}
	n, err := p.file.WriteAt(b, p.n)
	p.take(b[:n])
	if err != nil {
		return n, permanent{fmt.Errorf("%s: %w", p.name, err)}
	}
	return n, nil
}

// rewind starts the file over.
func (p *partial) rewind() {
	p.s.grown(p.remote, -p.n, 0)
	p.n, p.hash = 0, nil
	switch {
	case !isHex(p.etag):
	case len(p.etag) == 2*sha256.Size:
		p.hash = sha256.New()
	case len(p.etag) == 2*sha1.Size:
		// Git's name of a blob.
		p.hash = sha1.New()
		fmt.Fprintf(p.hash, "blob %d\x00", p.size)
	}
}

// check compares the whole file with its checksum.
func (p *partial) check() error {
	if p.hash == nil {
		return nil
	}
	if found := hex.EncodeToString(p.hash.Sum(nil)); found != p.etag {
		kind := "SHA-256"
		if len(p.etag) == 2*sha1.Size {
			kind = "git hash"
		}
		return &contentError{p.name, kind + " " + p.etag, found}
	}
	return nil
}

// discardWrong takes the file away if err says that it is wrong; after any other
// error it stays, to be continued.
func (p *partial) discardWrong(err error) error {
	var wrong *contentError
	if errors.As(err, &wrong) {
		p.rewind()
		p.file.Close()
		if e := os.Remove(p.path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			return fmt.Errorf("%w; it cannot be removed: %w", err, permanent{e})
		}
	}
	return err
}

// finish gives the whole file its name.
func (p *partial) finish(blob string) error {
	mine, err := p.file.Stat()
	if err == nil && mine.Size() > p.size {
		err = p.file.Truncate(p.size)
	}
	if err == nil {
		err = p.file.Sync()
	}
	if e := p.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	switch now, err := os.Stat(p.path); {
	case err == nil && os.SameFile(mine, now):
		return os.Rename(p.path, blob)
	case exists(blob):
		return nil // a process that no lock held back was first
	case err != nil:
		return err
	}
	return fmt.Errorf("%s was replaced by another process while it was downloaded", p.path)
}
