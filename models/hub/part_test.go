package hub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/models/hub/hubtest"
)

// A part asks for its own files only.
func TestParts(t *testing.T) {
	files := testFiles()
	files["other/encoder.pt"] = someBytes(100, 7)
	files["other/weights2space.json"] = []byte(`{}`)
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	dir, err := c.Locate(t.Context(), testRepository, Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"added_tokens.json", "config.json", "generation_config.json", "tokenizer.model", "tokenizer_config.json"}
	if got := listed(t, dir); !slices.Equal(got, names) {
		t.Errorf("tokenizer: %q", got)
	}
	for text, want := range map[string]string{
		testRepository:                       "weights2space.pt",
		testRepository + "/weights2space.pt": "weights2space.pt",
		testRepository + "/other/encoder.pt": "other/encoder.pt",
	} {
		server.Requests()
		path, err := c.Locate(t.Context(), text, Encoder)
		if err != nil || path != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v", text, path, err)
		}
		if !exists(filepath.Join(filepath.Dir(path), "weights2space.json")) {
			t.Errorf("%s: its sizes are not beside it", path)
		}
		if again, err := c.Locate(t.Context(), text, Encoder); again != path || err != nil {
			t.Errorf("%s again: %s, %v", text, again, err)
		}
	}
	_, err = c.Locate(t.Context(), testRepository+"/none.pt", Encoder)
	wantError(t, err, "none.pt")
	_, err = c.Locate(t.Context(), testRepository+"/config.json", Model)
	wantError(t, err, "config.json", "no such file", "owner/name")
	_, err = c.Download(t.Context(), reference(t, testRepository+"/config.json"), Model)
	wantError(t, err, "config.json", "want a repository")
}

func listed(t *testing.T, dir string) (names []string) {
	t.Helper()
	for name := range hubtest.Folder(t, dir) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
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

func TestOffline(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	c.Offline = true
	_, err := c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, c.Cache, "main", "HF_HUB_OFFLINE", "no such file or folder here")
	c.Offline = false
	s := download(t, c, files)
	server.Requests()
	c.Offline = true
	if dir, err := c.Locate(t.Context(), testRepository, Model); err != nil || dir != s.Folder {
		t.Errorf("%s, %v", dir, err)
	}
	if err := os.Remove(filepath.Join(s.Folder, shard)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Locate(t.Context(), testRepository, Model)
	wantError(t, err, s.Folder, shard, "HF_HUB_OFFLINE")
	_, err = c.Download(t.Context(), reference(t, testRepository), Model)
	wantError(t, err, "HF_HUB_OFFLINE")
	if r := server.Requests(); len(r) != 0 {
		t.Errorf("offline, yet it asks for %+v", r)
	}
}

// A path that exists wins over a repository of the same name.
func TestLocalPath(t *testing.T) {
	t.Chdir(t.TempDir())
	server := hubtest.New(t, testRepository, testFiles())
	c := newClient(t, server)
	if err := os.MkdirAll(filepath.FromSlash(testRepository), 0o777); err != nil {
		t.Fatal(err)
	}
	if dir, err := c.Locate(t.Context(), testRepository, Model); dir != testRepository || err != nil {
		t.Errorf("%q, %v", dir, err)
	}
	for _, text := range []string{"", "none", "./a/b", "/none/b", "../a/b", "a/b/", "a//b", "~/b", `a\b`, "a/b@", "a/b@../c", "a/b/../c", "a--b/c"} {
		_, err := c.Locate(t.Context(), text, Model)
		wantError(t, err, text, "no such file", "owner/name")
	}
	if r := server.Requests(); len(r) != 0 {
		t.Errorf("it asks for %+v", r)
	}
}

// Names that a server gives never lead out of the cache.
func TestHostileNames(t *testing.T) {
	files := testFiles()
	files["../../../../evil.yaml"] = []byte("x")
	files["/evil.yaml"] = []byte("x")
	files[`..\evil.yaml`] = []byte("x")
	server := hubtest.New(t, testRepository, files)
	c := newClient(t, server)
	s := download(t, c, files)
	b, err := json.Marshal(s)
	if err != nil || bytes.Contains(b, []byte("evil")) {
		t.Errorf("%s, %v", b, err)
	}
}
