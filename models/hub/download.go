package hub

import (
	"context"
	"fmt"
	"os"
	"slices"

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
	if !ok || p != Encoder && r.File != "" {
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
	s, names := c.newSnapshot(r, l)
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
		if ctx.Err() != nil {
			err = fmt.Errorf("%s: the download was interrupted and goes on next time: %w", r, ctx.Err())
		}
		return nil, err
	}
	if err := s.link(sel.files); err != nil {
		return nil, err
	}
	return s.result(sel), s.saveRef()
}

// newSnapshot returns a snapshot of what the Hub listed, and the names of its
// files, without those that no file here can have.
func (c *Client) newSnapshot(r Reference, l *listing) (s *snapshot, names []string) {
	s = &snapshot{Client: c, ref: r, commit: l.Commit, sizes: map[string]int64{}, files: map[string]remote{}}
	for _, f := range l.Siblings {
		if !safePath(f.Name) {
			continue
		}
		names = append(names, f.Name)
		if f.Size != nil && *f.Size >= 0 && *f.Size <= maxFile {
			s.sizes[f.Name] = *f.Size
		}
	}
	return s, names
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
