package hub

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"llana/models/hub/hubtest"
)

const testRepository = "someone/small-model"

// someBytes returns n bytes that no part of repeats.
func someBytes(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// testFiles is a repository with weights in two formats and in two files, and
// with files that a model folder has no use for.
func testFiles() map[string][]byte {
	return map[string][]byte{
		"README.md":                        []byte("# a model"),
		"config.json":                      []byte(`{"hidden_size": 8}`),
		"generation_config.json":           []byte(`{}`),
		"projector.yaml":                   []byte("model: {}\n"),
		"empty.yaml":                       {},
		"tokenizer.model":                  someBytes(5000, 1),
		"tokenizer_config.json":            []byte(`{}`),
		"added_tokens.json":                []byte(`{}`), // the same content, one blob
		"model.safetensors.index.json":     []byte(`{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`),
		"model-00001-of-00002.safetensors": someBytes(300_000, 2),
		"model-00002-of-00002.safetensors": someBytes(200_000, 3),
		"model-00001-of-00003.safetensors": someBytes(1000, 4), // left over, not in the index
		"pytorch_model.bin":                someBytes(1000, 5),
		"weights2space.pt":                 someBytes(10_000, 6),
		"weights2space.json":               []byte(`{"num_heads": 4}`),
		"onnx/config.json":                 []byte(`{}`),
	}
}

// wanted are the files of testFiles that make a model folder.
var wanted = []string{
	"added_tokens.json", "config.json", "empty.yaml", "generation_config.json", "model-00001-of-00002.safetensors",
	"model-00002-of-00002.safetensors", "model.safetensors.index.json", "projector.yaml", "tokenizer.model",
	"tokenizer_config.json", "weights2space.json", "weights2space.pt",
}

const shard = "model-00001-of-00002.safetensors"

// newClient returns a client with an empty cache.
func newClient(t *testing.T, s *hubtest.Server) *Client {
	return &Client{
		Cache: filepath.Join(t.TempDir(), "hub"), Endpoint: s.URL, TokenPath: "/none/token",
		backoff: time.Millisecond, stall: time.Minute, Logf: t.Logf,
		open: func(path string) (blobFile, error) {
			f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
			return unsynced{f}, err
		},
	}
}

// unsynced does not wait for the disk, which tests need not survive.
type unsynced struct{ *os.File }

func (unsynced) Sync() error { return nil }

func reference(t *testing.T, text string) Reference {
	t.Helper()
	r, ok := Parse(text)
	if !ok {
		t.Fatalf("%q is no reference", text)
	}
	return r
}

// checkModel checks that a folder holds exactly the wanted files, whole.
func checkModel(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	got := hubtest.Folder(t, dir)
	for _, name := range wanted {
		if content, ok := got[name]; !ok || !bytes.Equal(content, files[name]) {
			t.Errorf("%s: there %v, %d bytes, want %d", name, ok, len(content), len(files[name]))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s should not have been downloaded", name)
	}
}

// checkSnapshots checks that every file in a snapshot is whole, whatever has
// happened before, and returns how many there are.
func checkSnapshots(t *testing.T, cache string, files map[string][]byte) (n int) {
	t.Helper()
	root := filepath.Join(cache, "models--someone--small-model", "snapshots")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		n++
		content, err := os.ReadFile(path)
		if !bytes.Equal(content, files[filepath.Base(path)]) {
			t.Errorf("%s is in a snapshot and has %d bytes of %d", path, len(content), len(files[filepath.Base(path)]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// download downloads the model and checks it.
func download(t *testing.T, c *Client, files map[string][]byte) *Snapshot {
	t.Helper()
	s, err := c.Download(t.Context(), reference(t, testRepository), Model)
	if err != nil {
		t.Fatal(err)
	}
	checkModel(t, s.Folder, files)
	return s
}

// wantError checks that an error has all parts and is one line.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q", err)
	}
}

func TestDownload(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	var last Progress
	seen := map[string]int64{}
	c.Progress = func(p Progress) {
		if p.AllTotal != last.AllTotal && last.AllTotal != 0 || p.Done > p.Total {
			t.Errorf("progress %+v after %+v", p, last)
		}
		last, seen[p.File] = p, p.Done
	}
	s := download(t, c, files)
	if !slices.Equal(s.Files, wanted) || s.Repository != testRepository || s.Revision != "main" || s.Path != s.Folder {
		t.Errorf("%+v", s)
	}
	// Three files of two bytes are one blob.
	var total int64
	for _, n := range wanted {
		total += int64(len(files[n]))
	}
	if total -= 4; last.AllDone != total || last.AllTotal != total || seen[shard] != 300_000 {
		t.Errorf("progress ends with %+v, want %d bytes", last, total)
	}
	// What is there is not asked for again.
	server.Requests()
	dir, err := c.Locate(t.Context(), testRepository, Model)
	if err != nil || dir != s.Folder || len(server.Requests()) != 0 {
		t.Errorf("again: %q, %v", dir, err)
	}
	download(t, c, files)
	if r := server.Requests(); len(r) != 1 || !strings.HasPrefix(r[0].Path, "/api/") {
		t.Errorf("a second download asks for %+v", r)
	}
	// A file that was taken away comes back alone.
	if err := os.Remove(filepath.Join(s.Folder, "tokenizer.model")); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Locate(t.Context(), testRepository, Model); err != nil {
		t.Fatal(err)
	}
	checkModel(t, s.Folder, files)
}

// The cache has the layout of huggingface_hub.
func TestLayout(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	s := download(t, c, files)
	root := filepath.Join(c.Cache, "models--someone--small-model")
	if want := filepath.Join(root, "snapshots", s.Commit); s.Folder != want {
		t.Errorf("folder %s, want %s", s.Folder, want)
	}
	if ref, err := os.ReadFile(filepath.Join(root, "refs", "main")); string(ref) != s.Commit {
		t.Errorf("refs/main is %q, %v, want %q", ref, err, s.Commit)
	}
	for _, name := range wanted {
		etag := hubtest.ETag(name, files[name])
		link, err := os.Readlink(filepath.Join(s.Folder, name))
		if err != nil || filepath.ToSlash(link) != "../../blobs/"+etag {
			t.Errorf("%s links to %q, %v", name, link, err)
		}
		if _, err := os.Stat(filepath.Join(c.Cache, ".locks", "models--someone--small-model", etag+".lock")); err != nil {
			t.Error(err)
		}
	}
	blobs, err := os.ReadDir(filepath.Join(root, "blobs"))
	if err != nil || len(blobs) != len(wanted)-2 {
		t.Errorf("%d blobs, want %d: %v", len(blobs), len(wanted)-2, err)
	}
}

// Without links, a snapshot holds the files themselves.
func TestNoLinks(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	c.NoLinks = true
	s := download(t, c, files)
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			t.Errorf("%s is no plain file", e.Name())
		}
	}
	if blobs, err := os.ReadDir(filepath.Join(s.Folder, "../../blobs")); err != nil || len(blobs) != 0 {
		t.Errorf("%d blobs stay, %v", len(blobs), err)
	}
	// The next commit shares what did not change, if there is still a blob of it.
	files["config.json"] = []byte(`{"hidden_size": 16}`)
	server.Commit("main", files)
	download(t, c, files)
	checkModel(t, s.Folder, testFilesWith("config.json", `{"hidden_size": 8}`))
}

func testFilesWith(name, content string) map[string][]byte {
	files := testFiles()
	files[name] = []byte(content)
	return files
}

// A new commit is found by Download, not by Locate, and the old one stays.
func TestNewCommit(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	old := download(t, c, files)
	files["config.json"] = []byte(`{"hidden_size": 16}`)
	commit := server.Commit("main", files)
	if dir, err := c.Locate(t.Context(), testRepository, Model); dir != old.Folder {
		t.Errorf("found %s, %v, want what the cache has", dir, err)
	}
	server.Requests()
	if s := download(t, c, files); s.Commit != commit {
		t.Errorf("commit %s, want %s", s.Commit, commit)
	}
	for _, r := range server.Requests() {
		if r.Method == "GET" && r.Storage {
			t.Errorf("%s did not change and was downloaded again", r.Path)
		}
	}
	dir, err := c.Locate(t.Context(), testRepository+"@"+old.Commit, Model)
	if err != nil || dir != old.Folder {
		t.Errorf("old commit: %s, %v", dir, err)
	}
	checkModel(t, dir, testFiles())
}

func TestRevisions(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, map[string][]byte{"config.json": nil})
	commit := server.Commit("refs/pr/1", files)
	c := newClient(t, server)
	for _, revision := range []string{"refs/pr/1", commit} {
		dir, err := c.Locate(t.Context(), testRepository+"@"+revision, Model)
		if err != nil || filepath.Base(dir) != commit {
			t.Fatalf("%s: %s, %v", revision, dir, err)
		}
		checkModel(t, dir, files)
	}
	_, err := c.Locate(t.Context(), testRepository+"@v9", Model)
	wantError(t, err, testRepository, `no revision "v9"`, "404")
	_, err = c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, server.URL+"/"+testRepository, "no tokenizer", "no weights")
}

// Two clients with one cache download each file once.
func TestTwoProcesses(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	a := newClient(t, server)
	b := newClient(t, server)
	b.Cache = a.Cache
	errs := make(chan error, 2)
	for _, c := range []*Client{a, b} {
		go func() {
			_, err := c.Download(t.Context(), reference(t, testRepository), Model)
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range server.Requests() {
		if r.Storage {
			got[r.Path]++
		}
	}
	for path, n := range got {
		if n != 1 {
			t.Errorf("%s was downloaded %d times", path, n)
		}
	}
	checkSnapshots(t, a.Cache, files)
}
