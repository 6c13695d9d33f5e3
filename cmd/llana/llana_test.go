package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llana/models/checkpoint"
)

// Test data of the packages below.
const (
	nerfData    = "../../models/nerf/testdata"
	encoderData = "../../models/weights2space/testdata"
	modelData   = "../../models/spatialllana/testdata"
	bundled     = "../../infer/toymodel/data"
)

// TestMain keeps the tests away from the user's cache and from the network.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "llana-test")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_DISABLE_SYMLINKS", "TRANSFORMERS_OFFLINE"} {
		os.Unsetenv(name)
	}
	os.Setenv("HF_HOME", home)
	os.Setenv("HF_HUB_OFFLINE", "1")
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// result is what a run of the program gave.
type result struct {
	code     int
	out, err string
}

// llana runs the program on the processor.
func llana(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return llanaContext(t.Context(), stdin, args...)
}

func llanaContext(ctx context.Context, stdin string, args ...string) result {
	var out, errs bytes.Buffer
	if os.Getenv("LLANA_DEVICE") == "" {
		args = append([]string{"--device", "cpu"}, args...)
	}
	code := runContext(ctx, args, strings.NewReader(stdin), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// mustRun runs the program and returns its output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	r := llana(t, "", args...)
	if r.code != exitOK {
		t.Fatalf("llana %s: exit status %d: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// runJSON runs the program with --json and decodes its output into v.
func runJSON(t *testing.T, v any, args ...string) {
	t.Helper()
	out := mustRun(t, append(args, "--json")...)
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(v); err != nil {
		t.Fatalf("llana %s: %v in %q", strings.Join(args, " "), err, out)
	}
	if dec.More() {
		t.Errorf("llana %s: more than one JSON value: %q", strings.Join(args, " "), out)
	}
}

// wantFailure checks that a run ends with an exit status and one line that has
// all the given parts.
func wantFailure(t *testing.T, r result, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d: %s", r.code, code, r.err)
	}
	first, rest, _ := strings.Cut(r.err, "\n")
	if !strings.HasPrefix(first, "llana: ") {
		t.Errorf("message %q does not begin with the program's name", first)
	}
	if code == exitUsage {
		if !strings.HasPrefix(rest, "See \"llana") {
			t.Errorf("no pointer to help behind %q: %q", first, rest)
		}
	} else if rest != "" {
		t.Errorf("more than one line: %q", r.err)
	}
	for _, p := range parts {
		if !strings.Contains(first, p) {
			t.Errorf("message %q does not say %q", first, p)
		}
	}
	if r.out != "" {
		t.Errorf("a failed run wrote %q to standard output", r.out)
	}
}

func readNPY(t *testing.T, path string) ([]int, []float32) {
	t.Helper()
	x, err := checkpoint.ReadNPY(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return x.Shape, v
}

func writeFile(t *testing.T, content string, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// truncated writes a copy of the first bytes of a file.
func truncated(t *testing.T, from string, n int) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(b[:n]), t.TempDir(), filepath.Base(from))
}
