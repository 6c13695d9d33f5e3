package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llana/models/hub/hubtest"
)

// isShard reports whether a request is for the content of the first shard.
func isShard(s *hubtest.Server, r *http.Request) bool {
	return s.ToStorage(r) && strings.HasSuffix(r.URL.Path, shard)
}

// Servers that misbehave for a while: the model arrives whole all the same.
func TestFaultsThatPass(t *testing.T) {
	files := testFiles()
	wrong := append([]byte("wrong"), files[shard][5:]...)
	for _, c := range []struct {
		name string
		// fault answers the n-th request for the shard's content, or leaves it.
		fault func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool
		// ranges are those of the requests for the shard's content.
		ranges []string
	}{
		{"breaks off in the middle", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n < 3 {
				s.Cut(w, r, 70_000)
			}
			return n < 3
		}, []string{"", "bytes=70000-", "bytes=140000-", "bytes=210000-"}},
		{"breaks off many times", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			s.Cut(w, r, 20_000)
			return true
		}, nil},
		{"breaks off at once", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n < 2 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, []string{"", "", ""}},
		{"ends too early", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				w.(http.Flusher).Flush() // without a length
				_, _ = w.Write(files[shard][:1000])
			}
			return n == 0
		}, []string{"", "bytes=1000-"}},
		{"stops sending", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				w.Header().Set("Content-Length", "300000")
				_, _ = w.Write(files[shard][:1000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
			return n == 0
		}, []string{"", "bytes=1000-"}},
		{"ignores ranges", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			r.Header.Del("Range")
			if n == 0 {
				s.Cut(w, r, 70_000)
			}
			return n == 0
		}, []string{"", "bytes=70000-"}},
		{"sends another range", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			switch n {
			case 0:
				s.Cut(w, r, 70_000)
				return true
			case 1:
				r.Header.Set("Range", "bytes=60000-")
			}
			return false
		}, []string{"", "bytes=70000-", ""}},
		{"does not have the range", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			switch n {
			case 0:
				s.Cut(w, r, 70_000)
			case 1:
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return n < 2
		}, []string{"", "bytes=70000-", ""}},
		{"sends wrong content once", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				_, _ = w.Write(wrong)
			}
			return n == 0
		}, []string{"", ""}},
		{"changes the file while it resumes", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			switch n {
			case 0:
				s.Cut(w, r, 70_000)
			case 1:
				// The rest of another file of the same length.
				w.Header().Set("Content-Range", "bytes 70000-299999/300000")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(someBytes(230_000, 9))
			}
			return n < 2
		}, []string{"", "bytes=70000-", ""}},
		{"says a wrong length once", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 0 {
				w.Header().Set("Content-Length", "299999")
				_, _ = w.Write(files[shard][:299_999])
			}
			return n == 0
		}, []string{"", ""}},
		{"is busy", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			status := []int{429, 503, 500, 502}
			if n < len(status) {
				w.WriteHeader(status[n])
			}
			return n < len(status)
		}, []string{"", "", "", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := hubtest.New(t, testRepository, files)
			var n atomic.Int32
			server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				return isShard(server, r) && c.fault(server, w, r, int(n.Add(1))-1)
			})
			client := newClient(t, server)
			client.stall = time.Minute
			if c.name == "stops sending" {
				client.stall = time.Second
			}
			download(t, client, files)
			var ranges []string
			for _, r := range server.Requests() {
				if r.Storage && strings.HasSuffix(r.Path, shard) {
					ranges = append(ranges, r.Range)
				}
			}
			if c.ranges != nil && fmt.Sprint(ranges) != fmt.Sprint(c.ranges) {
				t.Errorf("it asked for %q, want %q", ranges, c.ranges)
			}
			checkNothingPartial(t, client.Cache)
		})
	}
}

func checkNothingPartial(t *testing.T, cache string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cache, "*", "blobs", "*.incomplete"))
	if err != nil || len(left) != 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// What an interrupted download has loaded stays, and is continued.
func TestInterrupted(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if server.ToStorage(r) && strings.HasSuffix(r.URL.Path, shard) {
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(files[shard][:100_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}
		return false
	})
	c := newClient(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	c.Progress = func(p Progress) {
		if p.File == shard && p.Done == 100_000 {
			cancel()
		}
	}
	if _, err := c.Download(ctx, reference(t, testRepository), Model); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if n := checkSnapshots(t, c.Cache, files); n != 0 {
		t.Errorf("%d files in a snapshot that is not complete", n)
	}
	server.Requests()
	c.Progress = nil
	server.SetFault(nil)
	download(t, c, files)
	if !slices.ContainsFunc(server.Requests(), func(r hubtest.Request) bool {
		return r.Storage && strings.HasSuffix(r.Path, shard) && r.Range == "bytes=100000-"
	}) {
		t.Error("the download was not continued")
	}
}

// A small file is resumed under the condition that it did not change; a server
// that says so starts it over.
func TestIfRange(t *testing.T) {
	files := testFiles()
	files["vocab.txt"] = someBytes(50_000, 8)
	server := hubtest.New(t, testRepository, files)
	var n atomic.Int32
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" && strings.HasSuffix(r.URL.Path, "vocab.txt") && n.Add(1) == 1 {
			server.Cut(w, r, 1000)
			return true
		}
		return false
	})
	c := newClient(t, server)
	if _, err := c.Download(t.Context(), reference(t, testRepository), Tokenizer); err != nil {
		t.Fatal(err)
	}
	etag := `"` + hubtest.ETag("vocab.txt", files["vocab.txt"]) + `"`
	resumed := false
	for _, r := range server.Requests() {
		resumed = resumed || r.Range == "bytes=1000-" && r.Condition == etag
	}
	if !resumed {
		t.Errorf("not resumed under If-Range: %s", etag)
	}
}

// A server whose announcement of a file was old is asked once more, and then has
// to keep to what it says.
func TestAnnouncedWrong(t *testing.T) {
	files := testFiles()
	old := []byte("old: 1\n")
	for name, want := range map[string]string{"projector.yaml": "", "added_tokens.json": "was to have the same"} {
		server := hubtest.New(t, testRepository, files)
		var n atomic.Int32
		server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "HEAD" || !strings.HasSuffix(r.URL.Path, name) || n.Add(1) > 1 {
				return false
			}
			content := old
			if want != "" {
				content = files["weights2space.json"] // as if it were a copy of that
			}
			w.Header().Set("ETag", `"`+hubtest.ETag(name, content)+`"`)
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			return true
		})
		c := newClient(t, server)
		if want == "" {
			download(t, c, files)
			continue
		}
		_, err := c.Download(t.Context(), reference(t, testRepository), Model)
		wantError(t, err, name, want)
		if n := checkSnapshots(t, c.Cache, files); n != 0 {
			t.Errorf("%d files in a snapshot that is not complete", n)
		}
		download(t, c, files)
	}
}

// A blob that another program left behind, half or wrong, does no harm.
func TestPartialLeftBehind(t *testing.T) {
	files := testFiles()
	for name, left := range map[string][]byte{
		"the beginning":  files[shard][:1234],
		"all of it":      files[shard],
		"something else": someBytes(1234, 9),
		"too much":       someBytes(400_000, 9),
		"nothing":        {},
	} {
		t.Run(name, func(t *testing.T) {
			server := hubtest.New(t, testRepository, files)
			c := newClient(t, server)
			blobs := filepath.Join(c.Cache, "models--someone--small-model", "blobs")
			if err := os.MkdirAll(blobs, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(blobs, hubtest.ETag(shard, files[shard])+".incomplete"), left, 0o666); err != nil {
				t.Fatal(err)
			}
			download(t, c, files)
			checkNothingPartial(t, c.Cache)
		})
	}
}
