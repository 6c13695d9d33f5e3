package hub

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// lock waits until no other process downloads a blob. Where the file system has
// no locks, it does not wait: two processes then write the same bytes to the same
// places.
func (s *snapshot) lock(ctx context.Context, f remote) (unlock func(), err error) {
	path := filepath.Join(s.Cache, ".locks", s.folderName(), f.etag+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	_ = file.Chmod(0o664) // for a group that shares the cache; another's file stays as it is
	const poll, tell = 100 * time.Millisecond, time.Minute
	for waited := time.Duration(0); ; waited += poll {
		held, err := tryLock(file)
		if held || err != nil {
			return func() { file.Close() }, nil
		}
		if waited%tell == 0 {
			s.logf("%s: another process is downloading it: waiting", f.name)
		}
		if err := sleep(ctx, poll); err != nil {
			file.Close()
			return nil, err
		}
	}
}
