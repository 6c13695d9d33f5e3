package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"llana/models/hub"
	"llana/models/hub/hubtest"
)

const (
	toyRepository = "someone/toy"
	toyNeRF       = bundled + "/heldout/test000003"
)

// serveHub serves a folder as a repository, to a program with an empty cache.
func serveHub(t *testing.T, dir string) *hubtest.Server {
	server := hubtest.New(t, toyRepository, hubtest.Folder(t, dir))
	t.Setenv("HF_ENDPOINT", server.URL)
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_OFFLINE", "")
	return server
}

// Every command that takes a model takes a repository: it gives what the folder
// gives, through a connection that breaks, with a token that stays at the Hub,
// and later without a network.
func TestHubModel(t *testing.T) {
	server := serveHub(t, bundled+"/spatial")
	server.Token = "hf_secret"
	t.Setenv("HF_TOKEN", server.Token)
	broken := false
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if server.ToStorage(r) && strings.HasSuffix(r.URL.Path, "/model.safetensors") && !broken {
			broken = true
			server.Cut(w, r, 100_000)
		}
		return false
	})
	folder := bundled + "/spatial"
	tokens := filepath.Join(t.TempDir(), "v.npy")
	var got, want any
	for _, args := range []string{
		"caption --nerf " + toyNeRF + " --max-new-tokens 20 --model ",
		"encode --out " + tokens + " " + toyNeRF + " --weights2space ",
		"caption --vec " + tokens + " --max-new-tokens 20 --model ",
		"tokenize what --model ",
	} {
		name := folder
		if strings.HasPrefix(args, "encode") {
			name += "/weights2space.safetensors"
		}
		runJSON(t, &want, strings.Fields(args+name)...)
		runJSON(t, &got, strings.Fields(args+toyRepository)...)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", args, got, want)
		}
	}
	for _, r := range server.Requests() {
		if r.Storage && r.Token != "" {
			t.Errorf("the storage got the token, for %s", r.Path)
		}
	}
	if !broken {
		t.Error("the connection never broke")
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	runJSON(t, &got, "caption", "--nerf", toyNeRF, "--max-new-tokens", "20", "--model", toyRepository)
	if r := server.Requests(); len(r) != 0 {
		t.Errorf("offline, yet it asks for %+v", r)
	}
	r := llana(t, "", "caption", "--nerf", toyNeRF, "--model", toyRepository+"@other")
	wantFailure(t, r, exitFailed, toyRepository+"@other", `no revision "other"`, "HF_HUB_OFFLINE")
}

// A model in several files, with its logits.
func TestHubShards(t *testing.T) {
	serveHub(t, modelData+"/hf_model")
	dir := t.TempDir()
	ids := writeFile(t, "[1, 300, 301]", dir, "ids.json")
	out, want := filepath.Join(dir, "got.npy"), filepath.Join(dir, "want.npy")
	mustRun(t, "logits", "--model", modelData+"/hf_model", "--ids", ids, "--out", want)
	r := llana(t, "", "logits", "--model", toyRepository, "--ids", ids, "--out", out)
	if r.code != exitOK || !strings.Contains(r.err, "downloading") {
		t.Fatalf("exit status %d: %s", r.code, r.err)
	}
	_, a := readNPY(t, out)
	if _, b := readNPY(t, want); !slices.Equal(a, b) {
		t.Error("the logits differ from those of the folder")
	}
	r = llana(t, "", "tokenize", "--quiet", "--model", toyRepository, "text")
	if r.code != exitOK || r.err != "" {
		t.Errorf("quietly: exit status %d: %q", r.code, r.err)
	}
}

func TestDownloadCommand(t *testing.T) {
	server := serveHub(t, bundled+"/spatial")
	files := hubtest.Folder(t, bundled+"/spatial")
	// Text alone needs no weights.
	mustRun(t, "tokenize", "--model", toyRepository, "text")
	for _, r := range server.Requests() {
		if strings.Contains(r.Path, "safetensors") {
			t.Errorf("tokenize asks for %s", r.Path)
		}
	}
	var s hub.Snapshot
	runJSON(t, &s, "download", toyRepository)
	if s.Repository != toyRepository || s.Path != s.Folder || !slices.Contains(s.Files, "model.safetensors") {
		t.Errorf("%+v", s)
	}
	if out := mustRun(t, "download", toyRepository, "--revision", s.Commit); out != s.Folder+"\n" {
		t.Errorf("the commit is in %q, want %q", out, s.Folder)
	}
	for name, content := range files {
		if strings.HasPrefix(name, "README") {
			continue
		}
		if b, err := os.ReadFile(filepath.Join(s.Folder, name)); err != nil || string(b) != string(content) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	file := mustRun(t, "download", toyRepository+"/weights2space.safetensors")
	if file != filepath.Join(s.Folder, "weights2space.safetensors")+"\n" {
		t.Errorf("the encoder is at %q", file)
	}
	// A new commit is downloaded when it is asked for.
	files["added.yaml"] = []byte("a: 1\n")
	commit := server.Commit("main", files)
	if out := mustRun(t, "download", toyRepository); filepath.Base(strings.TrimSpace(out)) != commit {
		t.Errorf("%q is not the new commit %s", out, commit)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	mustRun(t, "download", toyRepository)
	wantFailure(t, llana(t, "", "download", "someone/other"), exitFailed, "other", "HF_HUB_OFFLINE")
	wantFailure(t, llana(t, "", "download", "./x"), exitUsage, `"./x"`, "OWNER/NAME")
	wantFailure(t, llana(t, "", "download", "a/b", "--revision", "../x"), exitUsage, `"../x"`)
}

// A model that another program has cached without its encoder gets it when a
// NeRF is to be read.
func TestHubEncoderAlone(t *testing.T) {
	server := serveHub(t, bundled+"/spatial")
	var s hub.Snapshot
	runJSON(t, &s, "download", toyRepository)
	for _, name := range []string{"weights2space.safetensors", "weights2space.json"} {
		if err := os.Remove(filepath.Join(s.Folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	server.Requests()
	mustRun(t, "caption", "--model", toyRepository, "--nerf", toyNeRF, "--max-new-tokens", "3")
	if len(server.Requests()) == 0 {
		t.Error("nothing was asked for")
	}
	if err := os.Remove(filepath.Join(s.Folder, "weights2space.safetensors")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	r := llana(t, "", "caption", "--model", toyRepository, "--nerf", toyNeRF)
	wantFailure(t, r, exitFailed, "no encoder", "--weights2space", "HF_HUB_OFFLINE")
}

func TestHubFailures(t *testing.T) {
	server := serveHub(t, bundled+"/spatial")
	caption := []string{"caption", "--model", toyRepository, "--nerf", toyNeRF}
	server.Token = "hf_secret"
	wantFailure(t, llana(t, "", caption...), exitFailed, "no such file or folder here", "needs a token", "HF_TOKEN")
	t.Setenv("HF_TOKEN", "hf_wrong")
	wantFailure(t, llana(t, "", caption...), exitFailed, "HF_TOKEN is refused")
	t.Setenv("HF_TOKEN", server.Token)
	t.Setenv("HF_ENDPOINT", "nowhere")
	wantFailure(t, llana(t, "", caption...), exitFailed, "HF_ENDPOINT")
	mustRun(t, "tokenize", "--model", bundled+"/spatial", "a folder needs no Hub")
	t.Setenv("HF_ENDPOINT", server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if server.ToStorage(r) {
			cancel()
		}
		return false
	})
	if r := llanaContext(ctx, "", caption...); r.code != exitInterrupted || r.out != "" || !strings.Contains(r.err, "goes on next time") {
		t.Errorf("interrupted: exit status %d: %q", r.code, r.err)
	}
	server.SetFault(nil)
	mustRun(t, append(caption, "--max-new-tokens", "3")...)
}
