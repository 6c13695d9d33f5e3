package hub

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llana/models/hub/hubtest"
)

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
			server.SetFault(func(w http.ResponseWriter, r *http.Request) bool { return c.fault(server, w, r) })
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
			server.SetFault(nil)
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
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
		return true
	})
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
