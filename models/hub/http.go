package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 10

// client returns the HTTP client: its transport adds the token, and its
// redirects are those of the Hub's protocol.
func (c *Client) client() *http.Client {
	c.httpOnce.Do(func() {
		t := &http.Transport{Proxy: http.ProxyFromEnvironment}
		if usual, ok := http.DefaultTransport.(*http.Transport); ok {
			t = usual.Clone()
		}
		t.DisableCompression = true // lengths and ranges are those of the file
		t.ResponseHeaderTimeout = c.stallLimit()
		t.MaxIdleConnsPerHost = parallelHeads
		c.http = http.Client{Transport: &tokenTransport{t, c.Endpoint, c.Token}, CheckRedirect: checkRedirect}
	})
	return &c.http
}

// tokenTransport adds the token to the requests to the endpoint. It sees every
// hop of a redirect, so that no other host, not even another port of the same
// one, gets the token.
type tokenTransport struct {
	base            http.RoundTripper
	endpoint, token string
}

func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "llana")
	r.Header.Del("Authorization")
	if u, err := url.Parse(t.endpoint); err == nil && t.token != "" && sameOrigin(r.URL, u) {
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.base.RoundTrip(r)
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// checkRedirect follows redirects, but of HEAD only up to the answer that
// describes the file: what lies behind it is the storage, whose headers are
// about itself.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if r.Method == http.MethodHead && r.Response != nil {
		h, leaves := r.Response.Header, !sameOrigin(r.URL, r.Response.Request.URL)
		if h.Get(linkedETag) != "" || leaves && h.Get("ETag") != "" {
			return http.ErrUseLastResponse
		}
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return nil
}

// Headers of the Hub's answers about a file.
const (
	linkedETag = "X-Linked-Etag"
	linkedSize = "X-Linked-Size"
	repoCommit = "X-Repo-Commit"
)

// fromFirst returns a header of the first answer, in a chain of redirects, that
// has it.
func fromFirst(resp *http.Response, header string) string {
	v := ""
	for ; resp != nil; resp = resp.Request.Response {
		if h := resp.Header.Get(header); h != "" {
			v = h
		}
	}
	return v
}

// send sends a request without a body. An answer other than 2xx, or 3xx to a
// HEAD, is a *statusError.
func (c *Client) send(ctx context.Context, method, address string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := c.client().Do(r)
	if err != nil {
		// Without the address of the storage: it has a signature in it.
		var at *url.Error
		if errors.As(err, &at) {
			err = fmt.Errorf("%s %s: %w", method, address, at.Err)
		}
		return nil, err
	}
	if s := resp.StatusCode; s/100 == 2 || method == http.MethodHead && s/100 == 3 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, newStatusError(resp)
}
