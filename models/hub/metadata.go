package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxList = 64 << 20 // bytes of a repository's description
	maxFile = 1 << 50  // bytes; more is no true size
)

// listing is what the Hub says about a revision of a repository.
type listing struct {
	Commit   string `json:"sha"`
	Siblings []struct {
		Name string `json:"rfilename"`
		Size *int64 `json:"size"` // not every server says it
	} `json:"siblings"`
}

// list asks for the commit and the files of a revision.
func (c *Client) list(ctx context.Context, r Reference) (*listing, error) {
	address := fmt.Sprintf("%s/api/models/%s/revision/%s?blobs=true", c.Endpoint, r.Repository(), url.PathEscape(r.Revision))
	var l listing
	err := c.retry(ctx, r.Repository(), func() error {
		resp, err := c.send(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxList+1))
		if err != nil {
			return err
		}
		if len(b) > maxList {
			return permanent{fmt.Errorf("%s: the answer has more than %d bytes", address, maxList)}
		}
		if err := json.Unmarshal(b, &l); err != nil {
			return permanent{fmt.Errorf("%s: not the answer of a Hugging Face Hub: %w", address, err)}
		}
		return nil
	})
	var network net.Error
	if errors.As(err, &network) {
		return nil, fmt.Errorf("%s cannot be reached: %w", c.Endpoint, err)
	}
	if err != nil {
		return nil, c.explain(err, r)
	}
	if !isCommit(l.Commit) {
		return nil, fmt.Errorf("%s: the answer has no commit: sha is %q", address, l.Commit)
	}
	return &l, nil
}

// isCommit reports whether s is a whole commit hash of git.
func isCommit(s string) bool { return (len(s) == 40 || len(s) == 64) && isHex(s) }

func isHex(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
}

// remote is a file as the Hub describes it.
type remote struct {
	name string
	etag string // git's hash of a small file, the SHA-256 of a large one
	size int64
	// condition is the ETag to resume under, "" where the storage has its own.
	condition string
}

// address returns where a file of a commit is.
func (s *snapshot) address(name string) string {
	u := url.URL{Path: name}
	return fmt.Sprintf("%s/%s/resolve/%s/%s", s.Endpoint, s.ref.Repository(), s.commit, u.EscapedPath())
}

// describe asks for a file's ETag and size.
func (s *snapshot) describe(ctx context.Context, name string) (remote, error) {
	f := remote{name: name, size: -1}
	err := s.retry(ctx, name, func() error {
		resp, err := s.send(ctx, http.MethodHead, s.address(name), http.Header{"Accept-Encoding": {"identity"}})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return f.read(resp, s.commit)
	})
	if err != nil {
		return f, s.explain(err, s.ref)
	}
	if f.size < 0 {
		listed, ok := s.sizes[name]
		if !ok {
			return f, fmt.Errorf("%s: the server does not say how large it is", s.address(name))
		}
		f.size = listed
	}
	return f, nil
}

// read takes what an answer says about the file.
func (f *remote) read(resp *http.Response, commit string) error {
	if got := fromFirst(resp, repoCommit); got != "" && got != commit {
		return permanent{fmt.Errorf("%s: the server answers with commit %s, want %s", f.name, got, commit)}
	}
	linked, own := fromFirst(resp, linkedETag), resp.Header.Get("ETag")
	f.etag, f.condition = normalETag(linked), ""
	if linked == "" {
		f.etag = normalETag(own)
		if strings.HasPrefix(own, `"`) && resp.StatusCode == http.StatusOK {
			f.condition = own
		}
	}
	if !usableETag(f.etag) {
		return permanent{fmt.Errorf("%s: the server names no version of it that can be used: ETag %q", f.name, f.etag)}
	}
	f.size = -1
	if n, err := strconv.ParseInt(fromFirst(resp, linkedSize), 10, 64); err == nil && n >= 0 && n <= maxFile {
		f.size = n
	} else if resp.StatusCode == http.StatusOK {
		f.size = min(resp.ContentLength, maxFile)
	}
	return nil
}

// normalETag takes the marks of a weak ETag and the quotes away.
func normalETag(s string) string { return strings.Trim(strings.TrimPrefix(s, "W/"), `"`) }

// usableETag reports whether an ETag can be the name of a blob.
func usableETag(s string) bool {
	return s != "" && len(s) <= 128 && s[0] != '.' && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	}) < 0
}
