// Package atomicfile writes files that are either complete or absent: the
// content goes to a temporary name in the same folder, is synced to disk and
// then renamed over the target, so an interrupted write never replaces a good
// file by half of a new one.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write creates or replaces the file at path with what write produces. When
// write or any file operation fails, an existing file stays as it was and no
// temporary file is left. The writer given to write is buffered.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit()
}

// WriteBytes creates or replaces the file at path with data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// File is a file under a temporary name. Exactly one of Commit and Abort
// takes effect; a deferred Abort after a Commit does nothing.
type File struct {
	path     string
	f        *os.File
	w        *bufio.Writer
	finished bool // written and closed, waiting for its rename
	done     bool
}

// Create opens a temporary file beside path.
func Create(path string) (*File, error) {
	dir, base := filepath.Split(path)
	for try := 0; ; try++ {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		// Not os.CreateTemp: its mode 0600 would survive the rename, while the
		// user's umask should decide who may read a checkpoint.
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create a temporary file for %s: %w", path, err)
		}
		return &File{path: path, f: f, w: bufio.NewWriterSize(f, 1<<18)}, nil
	}
}

// Write appends p to the temporary file.
func (f *File) Write(p []byte) (int, error) { return f.w.Write(p) }

// Finish writes everything to disk and closes the temporary file but does not
// rename it yet. A set of files that belong together is finished one by one
// and then committed, so that the window in which old and new files stand
// mixed is a few renames long. Calling Finish before Commit is optional.
func (f *File) Finish() error {
	if f.finished {
		return nil
	}
	if f.done {
		return fmt.Errorf("write %s: the file was already committed or aborted", f.path)
	}
	f.finished = true
	err := f.w.Flush()
	if err == nil {
		err = f.f.Sync()
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		f.Abort()
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return nil
}

// Commit gives the file its final name, replacing what stood there.
func (f *File) Commit() error {
	if err := f.Finish(); err != nil {
		return err
	}
	if f.done {
		return fmt.Errorf("write %s: the file was already committed or aborted", f.path)
	}
	if err := os.Rename(f.f.Name(), f.path); err != nil {
		f.Abort()
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	f.done = true
	syncDir(filepath.Dir(f.path))
	return nil
}

// Abort removes the temporary file unless it was committed.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if !f.finished {
		f.finished = true
		f.f.Close()
	}
	os.Remove(f.f.Name())
}

// syncDir makes a rename durable where the system supports it. Failure is
// ignored: the file itself is already safe under one of its two names.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
