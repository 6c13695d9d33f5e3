package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// How many requests there are at a time.
const (
	parallelHeads = 8
	parallelFiles = 4
)

// fetch makes the blobs of the named files whole, where the snapshot does not
// have them. It tells how far it is if it is to be shown.
func (s *snapshot) fetch(ctx context.Context, names []string, show bool) error {
	if err := s.describeAll(ctx, names); err != nil {
		return err
	}
	var list []remote
	var total, needed int64
	known := map[string]bool{}
	for _, n := range names {
		f, ok := s.files[n]
		if !ok || known[f.etag] || exists(s.blob(f.etag)) {
			continue
		}
		known[f.etag] = true
		list = append(list, f)
		total += f.size
		needed += f.size
		if info, err := os.Stat(s.partialPath(f)); err == nil {
			needed -= min(info.Size(), f.size)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := s.prepare(needed); err != nil {
		return err
	}
	s.progress.start(total, show)
	if show {
		s.logf("%s: downloading %s to %s", s.ref, size(needed), s.Cache)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelFiles)
	for _, f := range list {
		g.Go(func() error { return s.fetchFile(ctx, f) })
	}
	return g.Wait()
}

// describeAll asks for the files that the snapshot does not have.
func (s *snapshot) describeAll(ctx context.Context, names []string) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelHeads)
	for _, n := range names {
		mu.Lock()
		_, known := s.files[n]
		mu.Unlock()
		if known || exists(s.file(n)) {
			continue
		}
		g.Go(func() error {
			f, err := s.describe(ctx, n)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			s.files[n] = f
			return nil
		})
	}
	return g.Wait()
}

// prepare makes the folder of the blobs, and refuses a download that does not
// fit on its disk.
func (s *snapshot) prepare(needed int64) error {
	dir := filepath.Join(s.root(), "blobs")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	s.tagCache()
	if free, known := s.freeSpace(dir); known && uint64(needed) > free {
		return fmt.Errorf("%s: the download needs %s, its disk has %s free; another folder can be set with HF_HUB_CACHE",
			s.Cache, size(needed), size(int64(min(free, 1<<62))))
	}
	return nil
}

// size formats a number of bytes.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	v, i := float64(n)/1000, 0
	for v >= 999.5 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	return fmt.Sprintf("%.3g %cB", v, units[i])
}

// progress counts bytes and passes them on.
type progress struct {
	mu          sync.Mutex
	done, total int64
	shown       bool
}

func (p *progress) start(total int64, shown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += total
	p.shown = shown
}

// grown tells that a file has n more bytes, or fewer, and is done bytes long.
func (s *snapshot) grown(f remote, n, done int64) {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	s.progress.done += n
	if s.progress.shown {
		s.tell(Progress{f.name, done, f.size, s.progress.done, s.progress.total})
	}
}
