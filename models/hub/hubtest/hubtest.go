// Package hubtest serves a repository as the Hugging Face Hub does, for tests,
// and misbehaves where a test wants it to.
package hubtest

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a Hub with one repository. Large files are on a second host, its
// storage, to which the first redirects, as the Hub's are.
type Server struct {
	URL     string // of the Hub
	Storage string // of the storage
	// Token, if not "", is needed for every answer of the Hub. It is set before
	// the first request.
	Token string

	repository string
	mu         sync.Mutex
	fault      func(w http.ResponseWriter, r *http.Request) bool
	commits    map[string]map[string][]byte // commit -> files
	revisions  map[string]string            // branch -> commit
	requests   []Request
}

// Request is a request that the server has had.
type Request struct {
	Storage   bool // to the storage, not to the Hub
	Method    string
	Path      string
	Range     string
	Token     string // of the Authorization header
	Condition string // its If-Range header
}

// New serves a repository whose branch main has the given files.
func New(t testing.TB, repository string, files map[string][]byte) *Server {
	s := &Server{repository: repository, commits: map[string]map[string][]byte{}, revisions: map[string]string{}}
	s.Commit("main", files)
	hub := httptest.NewServer(http.HandlerFunc(s.serve))
	storage := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(hub.Close)
	t.Cleanup(storage.Close)
	s.URL, s.Storage = hub.URL, storage.URL
	return s
}

// SetFault makes fault see every request to either host first, from now on; it
// reports whether it has answered it. nil: there is none.
func (s *Server) SetFault(fault func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Folder reads the files of a folder.
func Folder(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	fsys := os.DirFS(dir)
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Commit makes a branch point to a new commit with the given files, and returns
// the commit.
func (s *Server) Commit(branch string, files map[string][]byte) string {
	h := sha1.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %s\n", name, ETag(name, files[name]))
	}
	commit := hex.EncodeToString(h.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits[commit] = maps.Clone(files)
	s.revisions[branch] = commit
	return commit
}

// Requests returns the requests so far, and forgets them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

// Large reports whether the Hub keeps a file in its storage.
func Large(name string) bool {
	return slices.Contains([]string{".safetensors", ".bin", ".pt", ".model"}, path.Ext(name))
}

// ETag returns the name of a file's content: the SHA-256 of a large file, git's
// hash of another.
func ETag(name string, content []byte) string {
	if Large(name) {
		sum := sha256.Sum256(content)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.requests = append(s.requests, Request{s.ToStorage(r), r.Method, r.URL.Path, r.Header.Get("Range"), token, r.Header.Get("If-Range")})
	fault := s.fault
	s.mu.Unlock()
	switch {
	case fault != nil && fault(w, r):
	case !s.ToStorage(r) && s.Token != "" && token != s.Token:
		Refuse(w, http.StatusUnauthorized, "RepoNotFound")
	default:
		s.Answer(w, r)
	}
}

// ToStorage reports whether a request is to the storage, not to the Hub.
func (s *Server) ToStorage(r *http.Request) bool { return "http://"+r.Host == s.Storage }

// Answer answers a request as it should be.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request) {
	if s.ToStorage(r) {
		s.storage(w, r)
	} else {
		s.hub(w, r)
	}
}

// Cut answers a request as it should be, but breaks the connection after n bytes
// of the content.
func (s *Server) Cut(w http.ResponseWriter, r *http.Request, n int) {
	s.Answer(&cutter{w, n}, r)
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(c.left, len(b))
	_, _ = c.ResponseWriter.Write(b[:n])
	c.left -= n
	if n < len(b) {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // net/http closes the connection
	}
	return n, nil
}

// Refuse answers with an error as the Hub does.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", "not for you")
	w.WriteHeader(status)
}

func (s *Server) hub(w http.ResponseWriter, r *http.Request) {
	if revision, ok := strings.CutPrefix(r.URL.Path, "/api/models/"+s.repository+"/revision/"); ok {
		s.list(w, revision)
		return
	}
	commit, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"+s.repository+"/resolve/"), "/")
	if !ok || !strings.HasPrefix(r.URL.Path, "/"+s.repository+"/") {
		Refuse(w, http.StatusNotFound, "RepoNotFound")
		return
	}
	s.mu.Lock()
	if c, ok := s.revisions[commit]; ok {
		commit = c
	}
	content, ok := s.commits[commit][name]
	s.mu.Unlock()
	if !ok {
		Refuse(w, http.StatusNotFound, "EntryNotFound")
		return
	}
	h := w.Header()
	h.Set("X-Repo-Commit", commit)
	if Large(name) {
		h.Set("X-Linked-Etag", `"`+ETag(name, content)+`"`)
		h.Set("X-Linked-Size", strconv.Itoa(len(content)))
		http.Redirect(w, r, s.Storage+"/"+commit+"/"+name+"?signature=secret", http.StatusFound)
		return
	}
	h.Set("ETag", `"`+ETag(name, content)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// list answers for a commit and its files.
func (s *Server) list(w http.ResponseWriter, revision string) {
	s.mu.Lock()
	commit, ok := s.revisions[revision]
	if !ok {
		commit = revision
	}
	files, ok := s.commits[commit]
	s.mu.Unlock()
	if !ok {
		Refuse(w, http.StatusNotFound, "RevisionNotFound")
		return
	}
	type sibling struct {
		Name string `json:"rfilename"`
	}
	var siblings []sibling
	for _, name := range slices.Sorted(maps.Keys(files)) {
		siblings = append(siblings, sibling{name})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"id": s.repository, "sha": commit, "siblings": siblings})
}

// storage answers for the content of large files. Its ETags are its own.
func (s *Server) storage(w http.ResponseWriter, r *http.Request) {
	commit, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	content, ok := s.commits[commit][name]
	s.mu.Unlock()
	if !ok || r.URL.Query().Get("signature") != "secret" {
		http.Error(w, "no such object", http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"storage-%d"`, len(content)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
