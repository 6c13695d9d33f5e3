package hub

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"
)

// Client finds models in a cache and downloads them into it. FromEnv makes one
// with the usual settings; the zero value is not usable. Its methods may be
// called from several goroutines at once.
type Client struct {
	Cache    string // folder of the cache
	Endpoint string // of the Hub, without a slash at its end
	// Token identifies the user to Endpoint; it is sent to no other host. Where
	// it came from, TokenSource, is told when it is refused.
	Token, TokenSource string
	// TokenPath is where a token is looked for, to be told when one is needed.
	TokenPath string
	Offline   bool // downloads are errors
	NoLinks   bool // snapshots hold files instead of links to blobs

	// Progress, if not nil, is called while files are downloaded. Logf, if not
	// nil, is told what takes time: downloads, retries, and waiting for another
	// process. There is one call of either at a time.
	Progress func(Progress)
	Logf     func(format string, args ...any)

	telling  sync.Mutex // of Progress and Logf
	http     http.Client
	httpOnce sync.Once

	// For tests.
	backoff time.Duration // before the first retry; 0: firstBackoff
	stall   time.Duration // without a byte, a connection is lost; 0: stallLimit
	space   func(dir string) (free uint64, known bool)
	open    func(path string) (blobFile, error)
}

// Progress says how far a download is.
type Progress struct {
	File        string // the one that just grew
	Done, Total int64  // bytes of that file
	AllDone     int64  // bytes of all files that this download fetches
	AllTotal    int64
}

func (c *Client) logf(format string, args ...any) {
	if c.Logf != nil {
		c.telling.Lock()
		defer c.telling.Unlock()
		c.Logf(format, args...)
	}
}

func (c *Client) tell(p Progress) {
	if c.Progress != nil {
		c.telling.Lock()
		defer c.telling.Unlock()
		c.Progress(p)
	}
}

// firstBackoff is the time before the first of maxTries; it doubles with each.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	maxTries     = 5
)

// stallLimit is how long a connection may stay without a byte.
const stallLimit = time.Minute

func (c *Client) stallLimit() time.Duration {
	if c.stall > 0 {
		return c.stall
	}
	return stallLimit
}

func (c *Client) freeSpace(dir string) (uint64, bool) {
	if c.space != nil {
		return c.space(dir)
	}
	return freeSpace(dir)
}

func (c *Client) openBlob(path string) (blobFile, error) {
	if c.open != nil {
		return c.open(path)
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
}

// sleep waits, or returns the error of a context that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
