package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"llana/models/checkpoint/atomicfile"
)

// fresh are the blobs that this download has made, which nothing else uses.
type fresh struct {
	mu    sync.Mutex
	etags map[string]bool
}

func (f *fresh) add(etag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.etags == nil {
		f.etags = map[string]bool{}
	}
	f.etags[etag] = true
}

// link makes the named files, whose blobs are whole, appear in the snapshot.
func (s *snapshot) link(names []string) error {
	uses := map[string]int{}
	for _, n := range names {
		if f, ok := s.files[n]; ok {
			uses[f.etag]++
		}
	}
	for _, n := range names {
		f, ok := s.files[n]
		if !ok || exists(s.file(n)) {
			continue
		}
		uses[f.etag]--
		if err := s.linkFile(f, s.fresh.etags[f.etag] && uses[f.etag] == 0); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	return nil
}

// linkFile links a file to its blob. Where there are no links, the blob is moved
// if nothing else may use it, and else copied.
func (s *snapshot) linkFile(f remote, last bool) error {
	path, blob := s.file(f.name), s.blob(f.etag)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		// A link whose blob was taken away.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if !s.NoLinks {
		err := os.Symlink(target, path)
		if err == nil || errors.Is(err, fs.ErrExist) && exists(path) {
			return nil
		}
	}
	if last {
		return os.Rename(blob, path)
	}
	src, err := os.Open(blob)
	if err != nil {
		return err
	}
	defer src.Close()
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
}
