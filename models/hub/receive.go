package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// receive asks for the bytes that are missing until the file is whole.
func (s *snapshot) receive(ctx context.Context, p *partial) error {
	best, try := p.n, 0
	for p.n < p.size {
		err := s.request(ctx, p)
		if p.n > best {
			best, try = p.n, 0 // further than ever: the connection is of use
		}
		if err == nil && p.n == p.size {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s: the connection ended after %d of %d bytes", p.name, p.n, p.size)
		}
		var wrong *contentError
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.As(err, &wrong) {
			return err
		}
		if !temporary(ctx, err) {
			return s.explain(err, s.ref)
		}
		try++
		if err := s.wait(ctx, p.name, try, err); err != nil {
			return s.explain(err, s.ref)
		}
	}
	return nil
}

// errStalled ends a connection on which nothing comes.
var errStalled = errors.New("the server stopped sending")

// request asks once for the bytes from p.n on, and writes what comes.
func (s *snapshot) request(ctx context.Context, p *partial) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{"Accept-Encoding": {"identity"}}
	if p.n > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.n))
		if p.condition != "" {
			header.Set("If-Range", p.condition)
		}
	}
	resp, err := s.send(ctx, http.MethodGet, s.address(p.name), header)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusRequestedRangeNotSatisfiable && p.n > 0 {
		p.rewind()
		return err416
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := p.accept(resp); err != nil {
		return err
	}
	stalled := time.AfterFunc(s.stallLimit(), func() { cancel(errStalled) })
	defer stalled.Stop()
	buf := make([]byte, 1<<18)
	for {
		n, err := resp.Body.Read(buf)
		stalled.Reset(s.stallLimit())
		if n > 0 {
			if _, err := p.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil && context.Cause(ctx) == errStalled:
			return fmt.Errorf("%s: %w at %d of %d bytes", p.name, errStalled, p.n, p.size)
		case err != nil:
			return fmt.Errorf("%s: the connection broke at %d of %d bytes: %w", p.name, p.n, p.size, err)
		}
	}
}

// Answers to a request for the rest of a file that start it over.
var (
	err416   = errors.New("the server does not have the rest of the file: starting over")
	errRange = errors.New("the server sent another part of the file than was asked for: starting over")
)

// accept checks what an answer says about its content, and rewinds where it
// begins at the file's start.
func (p *partial) accept(resp *http.Response) error {
	got := fromFirst(resp, linkedETag)
	if got == "" && p.condition != "" {
		got = resp.Header.Get("ETag")
	}
	if got = normalETag(got); got != "" && got != p.etag {
		return &contentError{p.name, "version " + p.etag, got + ": the file changed"}
	}
	total, rest := resp.ContentLength, int64(0)
	if resp.StatusCode == http.StatusPartialContent {
		var from, to int64
		r, _, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
		if _, err := fmt.Sscanf(r, "bytes %d-%d", &from, &to); err != nil || from != p.n {
			p.rewind()
			return errRange
		}
		rest = p.n
	} else if p.n > 0 {
		p.rewind() // it sends everything
	}
	if total >= 0 && rest+total != p.size {
		return &contentError{p.name, fmt.Sprintf("%d bytes", p.size), fmt.Sprint(rest + total)}
	}
	return nil
}
