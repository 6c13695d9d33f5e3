package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
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
			server.Fault = func(w http.ResponseWriter, r *http.Request) bool {
				return isShard(server, r) && c.fault(server, w, r, int(n.Add(1))-1)
			}
			client := newClient(t, server)
			client.stall = 300 * time.Millisecond
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

// Servers that stay wrong: an error that says what, and nothing in a snapshot.
func TestFaultsThatStay(t *testing.T) {
	files := testFiles()
	etag := hubtest.ETag(shard, files[shard])
	status := func(code int, errorCode string) func(*hubtest.Server, http.ResponseWriter, *http.Request) bool {
		return func(_ *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			hubtest.Refuse(w, code, errorCode)
			return true
		}
	}
	for _, c := range []struct {
		name  string
		fault func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool
		token string
		parts []string
	}{
		{"wrong checksum", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if isShard(s, r) {
				_, _ = w.Write(make([]byte, 300_000))
			}
			return isShard(s, r)
		}, "", []string{shard, "expected SHA-256 " + etag, "found "}},
		{"wrong content of a small file", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			mine := r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/config.json")
			if mine {
				_, _ = w.Write([]byte(`{"hidden_size": 9}`))
			}
			return mine
		}, "", []string{"config.json", "expected git hash " + hubtest.ETag("config.json", files["config.json"])}},
		{"too short", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if isShard(s, r) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write(files[shard][:1000])
			}
			return isShard(s, r)
		}, "", []string{shard, "expected 300000 bytes", "found 1000"}},
		{"too short, and without a length", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if isShard(s, r) {
				r.Header.Del("Range")
				w.(http.Flusher).Flush()
				_, _ = w.Write(files[shard][:1000])
			}
			return isShard(s, r)
		}, "", []string{shard, "1000 of 300000 bytes", "tried 5 times"}},
		{"too long", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if isShard(s, r) {
				w.(http.Flusher).Flush()
				_, _ = w.Write(append(files[shard], 0))
			}
			return isShard(s, r)
		}, "", []string{shard, "expected 300000 bytes", "found more"}},
		{"always breaks off at the same place", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if isShard(s, r) {
				r.Header.Del("Range")
				s.Cut(w, r, 1000)
			}
			return isShard(s, r)
		}, "", []string{shard, "1000 of 300000 bytes", "tried 5 times"}},
		{"another version than announced", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			mine := r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/config.json")
			if mine {
				w.Header().Set("ETag", `"0123"`)
				_, _ = w.Write(files["config.json"])
			}
			return mine
		}, "", []string{"config.json", "expected version", "found 0123"}},
		{"another commit", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "HEAD" {
				w.Header().Set("X-Repo-Commit", "other")
				w.Header().Set("ETag", `"0123"`)
			}
			return r.Method == "HEAD"
		}, "", []string{"commit other"}},
		{"a version that is no name", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "HEAD" {
				w.Header().Set("ETag", `"../../evil"`)
			}
			return r.Method == "HEAD"
		}, "", []string{"ETag", "../../evil"}},
		{"no length", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "HEAD" {
				w.Header().Set("ETag", `"0123"`)
				w.(http.Flusher).Flush()
			}
			return r.Method == "HEAD"
		}, "", []string{"how large"}},
		{"no Hub at all", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte("<html>"))
			return true
		}, "", []string{"not the answer of a Hugging Face Hub"}},
		{"no commit", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte(`{"sha": "../../x"}`))
			return true
		}, "", []string{"sha", "../../x"}},
		{"redirects in a circle", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, "", []string{"redirects"}},
		{"401 without a token", status(401, "RepoNotFound"), "", []string{"no such repository, or it needs a token", "HF_TOKEN", "/none/token", "401"}},
		{"401 with a token", status(401, ""), "hf_x", []string{"the token of HF_TOKEN is refused", "settings/tokens"}},
		{"gated, without a token", status(401, "GatedRepo"), "", []string{"licence", "/" + testRepository, "HF_TOKEN"}},
		{"gated, with a token", status(403, "GatedRepo"), "hf_x", []string{"accept its licence at", "/" + testRepository, "403"}},
		{"no repository", status(404, "RepoNotFound"), "hf_x", []string{"no such repository", "404"}},
		{"busy for ever", status(503, ""), "", []string{"503", "tried 5 times", "not for you"}},
		{"asks to wait too long", func(s *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "100000")
			w.WriteHeader(429)
			return true
		}, "", []string{"429", "asks to wait for 27h46m40s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := hubtest.New(t, testRepository, files)
			server.Fault = func(w http.ResponseWriter, r *http.Request) bool { return c.fault(server, w, r) }
			client := newClient(t, server)
			client.Token, client.TokenSource = c.token, "HF_TOKEN"
			_, err := client.Locate(t.Context(), testRepository, Model)
			wantError(t, err, append(c.parts, testRepository)...)
			if c.token != "" && strings.Contains(err.Error(), c.token) {
				t.Errorf("the token is told: %v", err)
			}
			if n := checkSnapshots(t, client.Cache, files); n != 0 {
				t.Errorf("%d files in a snapshot that is not complete", n)
			}
			// When the server is well again, the download succeeds.
			server.Fault = nil
			download(t, client, files)
		})
	}
}

func TestUnreachable(t *testing.T) {
	server := hubtest.New(t, testRepository, testFiles())
	c := newClient(t, server)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	c.Endpoint = gone.URL
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, gone.URL+" cannot be reached", "refused", "tried 5 times", "no such file or folder here")
}

// A Retry-After is waited for, however short the usual time is.
func TestRetryAfter(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	var n atomic.Int32
	server.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
		return true
	}
	c := newClient(t, server)
	began := time.Now()
	download(t, c, files)
	if d := time.Since(began); d < time.Second {
		t.Errorf("asked again after %s, want 1s", d)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{"": 0, "x": 0, "-1": 0, "7": 7 * time.Second,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
}

// The token goes to the endpoint and to no other host, wherever it redirects.
func TestToken(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	server.Token = "hf_secret"
	c := newClient(t, server)
	c.Token = server.Token
	download(t, c, files)
	hub, storage := 0, 0
	for _, r := range server.Requests() {
		switch {
		case r.Storage && r.Token != "":
			t.Errorf("the storage got %q for %s", r.Token, r.Path)
		case !r.Storage && r.Token != server.Token:
			t.Errorf("the Hub got %q for %s", r.Token, r.Path)
		case r.Storage && r.Method == "HEAD":
			t.Errorf("the storage was asked for the headers of %s", r.Path)
		case r.Storage:
			storage++
		default:
			hub++
		}
	}
	if hub == 0 || storage == 0 {
		t.Errorf("%d requests to the Hub, %d to the storage", hub, storage)
	}
}

// A repository that was renamed is found under its old name.
func TestRenamed(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	server.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		now := strings.Replace(r.URL.Path, "someone/old-name", testRepository, 1)
		if now != r.URL.Path {
			http.Redirect(w, r, now, http.StatusTemporaryRedirect)
		}
		return now != r.URL.Path
	}
	c := newClient(t, server)
	s, err := c.Download(t.Context(), reference(t, "someone/old-name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	checkModel(t, s.Folder, files)
}

// A small file is resumed under the condition that it did not change; a server
// that says so starts it over.
func TestIfRange(t *testing.T) {
	files := testFiles()
	files["vocab.txt"] = someBytes(50_000, 8)
	server := hubtest.New(t, testRepository, files)
	var n atomic.Int32
	server.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" && strings.HasSuffix(r.URL.Path, "vocab.txt") && n.Add(1) == 1 {
			server.Cut(w, r, 1000)
			return true
		}
		return false
	}
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

// A download that does not fit is refused before its first byte.
func TestNoSpace(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	c.space = func(string) (uint64, bool) { return 400_000, true }
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, c.Cache, "needs 515 kB", "400 kB free", "HF_HUB_CACHE")
	for _, r := range server.Requests() {
		if r.Storage {
			t.Errorf("it asked for %s", r.Path)
		}
	}
	c.space = func(string) (uint64, bool) { return 0, false }
	download(t, c, files)
}

// full is a file on a disk that is full after some bytes.
type full struct {
	blobFile
	path string
	left *atomic.Int64
}

func (f full) WriteAt(b []byte, at int64) (int, error) {
	if f.left.Add(-int64(len(b))) < 0 {
		n, _ := f.blobFile.WriteAt(b[:len(b)/2], at)
		return n, &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
	}
	return f.blobFile.WriteAt(b, at)
}

// A disk that fills up while others write to it is an error that says so. What
// was loaded stays, and is continued.
func TestDiskFull(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	var left atomic.Int64
	left.Store(150_000)
	c.open = func(path string) (blobFile, error) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		return full{f, path, &left}, err
	}
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, "no space left", ".incomplete")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v is not ENOSPC", err)
	}
	if n := checkSnapshots(t, c.Cache, files); n != 0 {
		t.Errorf("%d files in a snapshot that is not complete", n)
	}
	left.Store(1 << 30)
	download(t, c, files)
}

// An index that names what is not there, or what lies elsewhere, is an error.
func TestFaultyIndex(t *testing.T) {
	for index, want := range map[string]string{
		`{"weight_map": {"a": "model-00009.safetensors"}}`: "does not have",
		`{"weight_map": {"a": "../config.json"}}`:          "same folder",
		`[`: "JSON",
	} {
		files := testFilesWith("model.safetensors.index.json", index)
		server := hubtest.New(t, testRepository, files)
		c := newClient(t, server)
		_, err := c.Locate(t.Context(), testRepository, Model)
		wantError(t, err, want)
		if n := checkSnapshots(t, c.Cache, files); n != 0 {
			t.Errorf("%d files in a snapshot that is not complete", n)
		}
	}
}

// Weights are taken in one format, safetensors first.
func TestWeightFormats(t *testing.T) {
	for _, c := range []struct{ have, want string }{
		{"model.safetensors pytorch_model.bin", "model.safetensors"},
		{"pytorch_model.bin model.gguf", "pytorch_model.bin"},
	} {
		files := map[string][]byte{"config.json": []byte("{}"), "tokenizer.model": []byte("x")}
		for _, n := range strings.Fields(c.have) {
			files[n] = []byte(n)
		}
		server := hubtest.New(t, testRepository, files)
		s, err := newClient(t, server).Download(t.Context(), reference(t, testRepository), Model)
		if err != nil || fmt.Sprint(s.Files) != fmt.Sprintf("[config.json %s tokenizer.model]", c.want) {
			t.Errorf("%s: %+v, %v", c.have, s, err)
		}
	}
}
