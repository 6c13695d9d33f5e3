package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// permanent marks an error that trying again does not mend.
type permanent struct{ error }

func (e permanent) Unwrap() error { return e.error }

// retry calls work until it succeeds, fails for good, or has failed maxTries
// times.
func (c *Client) retry(ctx context.Context, what string, work func() error) error {
	for try := 1; ; try++ {
		err := work()
		if err == nil || !temporary(ctx, err) {
			return err
		}
		if err := c.wait(ctx, what, try, err); err != nil {
			return err
		}
	}
}

// wait waits before another try, the try-th having failed with err. It returns
// err if there is to be none.
func (c *Client) wait(ctx context.Context, what string, try int, err error) error {
	if try >= maxTries {
		return fmt.Errorf("%w (tried %d times)", err, try)
	}
	first := c.backoff
	if first == 0 {
		first = firstBackoff
	}
	d := first << (try - 1)
	// Apart from others that failed at the same moment.
	d += time.Duration(rand.Int64N(int64(d)/4 + 1))
	var s *statusError
	if errors.As(err, &s) && s.after > 0 {
		if s.after > 10*maxBackoff {
			return fmt.Errorf("%w: it asks to wait for %s", err, s.after.Round(time.Second))
		}
		d = s.after
	} else {
		d = min(d, maxBackoff)
	}
	if d >= time.Second {
		c.logf("%s: %v: trying again in %s", what, err, d.Round(time.Second))
	}
	return sleep(ctx, d)
}

// temporary reports whether an error may be gone at the next try: a server that
// is busy, and everything that goes wrong with a connection.
func temporary(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.As(err, &permanent{}) {
		return false
	}
	var s *statusError
	if errors.As(err, &s) {
		switch s.status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	// Neither a wrong name nor a wrong certificate passes by itself.
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return false
	}
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return !errors.As(err, &cert) && !errors.As(err, &authority)
}

// retryAfter reads a Retry-After header: seconds or a date. 0: none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 1e6)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
