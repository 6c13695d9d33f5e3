package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"llana/models/checkpoint"
)

// Snapshot is a part of a repository in the cache.
type Snapshot struct {
	Repository string   `json:"repository"`
	Revision   string   `json:"revision"`
	Commit     string   `json:"commit"`
	Folder     string   `json:"folder"`
	Files      []string `json:"files"`
	// Path is the folder, or the file that an encoder is.
	Path string `json:"path"`
}

func (s *snapshot) result(sel selection) *Snapshot {
	slices.Sort(sel.files)
	r := &Snapshot{s.ref.Repository(), s.ref.Revision, s.commit, s.folder(), sel.files, s.folder()}
	if sel.main != "" {
		r.Path = s.file(sel.main)
	}
	return r
}

// Locate returns the local path that a text means: a path that exists, or else a
// part of a repository. What the cache holds is used without asking the Hub;
// what it lacks is downloaded.
func (c *Client) Locate(ctx context.Context, text string, p Part) (string, error) {
	_, err := os.Stat(text)
	if err == nil {
		return text, nil
	}
	r, ok := Parse(text)
	if !ok {
		return "", fmt.Errorf("%w, and not a repository owner/name[@revision] of the Hugging Face Hub either", err)
	}
	s, err := c.Resolve(ctx, r, p)
	if err != nil {
		return "", fmt.Errorf("%s: no such file or folder here; on the Hugging Face Hub: %w", text, err)
	}
	return s.Path, nil
}

// Resolve returns a part of a repository: as the cache has it, or else
// downloaded.
func (c *Client) Resolve(ctx context.Context, r Reference, p Part) (*Snapshot, error) {
	s, missing := c.cached(r, p)
	if missing == nil {
		return s, nil
	}
	if c.Offline {
		return nil, fmt.Errorf("%w, and HF_HUB_OFFLINE forbids to download it", missing)
	}
	return c.Download(ctx, r, p)
}

// Download brings a part of a repository up to date with the Hub.
func (c *Client) Download(ctx context.Context, r Reference, p Part) (*Snapshot, error) {
	if p != Encoder && r.File != "" {
		return nil, fmt.Errorf("%s names a file, want a repository: %s", r, r.Repository())
	}
	if c.Offline {
		return nil, fmt.Errorf("%s: HF_HUB_OFFLINE forbids to download", r)
	}
	l, err := c.list(ctx, r)
	if err != nil {
		return nil, err
	}
	s := &snapshot{Client: c, ref: r, commit: l.Commit, sizes: map[string]int64{}, files: map[string]remote{}}
	var names []string
	for _, f := range l.Siblings {
		if !safePath(f.Name) {
			continue
		}
		names = append(names, f.Name)
		if f.Size != nil && *f.Size >= 0 && *f.Size <= maxFile {
			s.sizes[f.Name] = *f.Size
		}
	}
	sel, err := p.choose(r, names)
	if err != nil {
		return nil, fmt.Errorf("%s/%s has %w", c.Endpoint, r.Repository(), err)
	}
	if sel.index != "" {
		shards, err := s.shards(ctx, sel.index, names)
		if err != nil {
			return nil, err
		}
		sel.files = append(sel.files, shards...)
	}
	if err := s.fetch(ctx, sel.files, true); err != nil {
		return nil, err
	}
	if err := s.link(sel.files); err != nil {
		return nil, err
	}
	return s.result(sel), s.saveRef()
}

// shards fetches an index and returns the files that it names, which must be
// among those of the repository.
func (s *snapshot) shards(ctx context.Context, index string, names []string) ([]string, error) {
	if err := s.fetch(ctx, []string{index}, false); err != nil {
		return nil, err
	}
	path := s.file(index)
	if f, ok := s.files[index]; ok && !exists(path) {
		path = s.blob(f.etag)
	}
	shards, err := checkpoint.Shards(path)
	if err != nil {
		return nil, err
	}
	for _, n := range shards {
		if !slices.Contains(names, n) {
			return nil, fmt.Errorf("%s names %s, which %s/%s does not have", path, n, s.Endpoint, s.ref.Repository())
		}
	}
	return shards, nil
}

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
	if s.Progress != nil && s.progress.shown {
		s.Progress(Progress{f.name, done, f.size, s.progress.done, s.progress.total})
	}
}
