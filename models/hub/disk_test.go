package hub

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"llana/models/hub/hubtest"
)

// A download that does not fit is refused before its first byte.
func TestNoSpace(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	c.space = func(string) (uint64, bool) { return 400_000, true }
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, c.Cache, "needs 515 kB", "400 kB free", "HF_HUB_CACHE")
	for _, r := range server.Requests() {
		if r.Storage {
			t.Errorf("it asked for %s", r.Path)
		}
	}
	c.space = func(string) (uint64, bool) { return 0, false }
	download(t, c, files)
}

// full is a file on a disk that is full after some bytes.
type full struct {
	blobFile
	path string
	left *atomic.Int64
}

func (f full) WriteAt(b []byte, at int64) (int, error) {
	if f.left.Add(-int64(len(b))) < 0 {
		n, _ := f.blobFile.WriteAt(b[:len(b)/2], at)
		return n, &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
	}
	return f.blobFile.WriteAt(b, at)
}

// A disk that fills up while others write to it is an error that says so. What
// was loaded stays, and is continued.
func TestDiskFull(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	var left atomic.Int64
	left.Store(150_000)
	c.open = func(path string) (blobFile, error) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		return full{f, path, &left}, err
	}
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, "no space left", ".incomplete")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v is not ENOSPC", err)
	}
	if n := checkSnapshots(t, c.Cache, files); n != 0 {
		t.Errorf("%d files in a snapshot that is not complete", n)
	}
	left.Store(1 << 30)
	download(t, c, files)
}
