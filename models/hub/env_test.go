package hub

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFromEnv(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	other := t.TempDir()
	tokenFile := filepath.Join(other, "token")
	if err := os.WriteFile(tokenFile, []byte("hf_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	standard := filepath.Join(home, ".cache", "huggingface")
	for _, c := range []struct {
		env  map[string]string
		want *Client
	}{
		{nil, &Client{Cache: filepath.Join(standard, "hub"), TokenPath: filepath.Join(standard, "token"), Endpoint: DefaultEndpoint}},
		{map[string]string{"XDG_CACHE_HOME": "/x", "HF_HUB_OFFLINE": "1"},
			&Client{Cache: "/x/huggingface/hub", TokenPath: "/x/huggingface/token", Endpoint: DefaultEndpoint, Offline: true}},
		{map[string]string{"XDG_CACHE_HOME": "/x", "HF_HOME": other, "HF_ENDPOINT": "http://localhost:1/hf/"},
			&Client{Cache: filepath.Join(other, "hub"), TokenPath: tokenFile, Endpoint: "http://localhost:1/hf", Token: "hf_file", TokenSource: tokenFile}},
		{map[string]string{"HF_HOME": other, "HF_HUB_CACHE": "~/hub", "HF_TOKEN": " hf_env\n", "HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_HUB_OFFLINE": "0"},
			&Client{Cache: filepath.Join(home, "hub"), TokenPath: tokenFile, Endpoint: DefaultEndpoint, Token: "hf_env", TokenSource: "HF_TOKEN"}},
		{map[string]string{"HF_TOKEN_PATH": tokenFile, "SCRATCH": "/scratch", "HUGGINGFACE_HUB_CACHE": "$SCRATCH/hub", "HUGGING_FACE_HUB_TOKEN": "hf_old"},
			&Client{Cache: "/scratch/hub", TokenPath: tokenFile, Endpoint: DefaultEndpoint, Token: "hf_old", TokenSource: "HUGGING_FACE_HUB_TOKEN"}},
		{map[string]string{"HF_HOME": other, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "yes", "HF_HUB_DISABLE_SYMLINKS": "true", "TRANSFORMERS_OFFLINE": "ON"},
			&Client{Cache: filepath.Join(other, "hub"), TokenPath: tokenFile, Endpoint: DefaultEndpoint, NoLinks: true, Offline: true}},
	} {
		got, err := fromEnv(func(name string) string { return c.env[name] })
		if err != nil {
			t.Errorf("%v: %v", c.env, err)
			continue
		}
		w := c.want
		if got.Cache != w.Cache || got.TokenPath != w.TokenPath || got.Endpoint != w.Endpoint || got.Token != w.Token ||
			got.TokenSource != w.TokenSource || got.Offline != w.Offline || got.NoLinks != w.NoLinks {
			t.Errorf("%v: cache %s, token %s of %s (%s), endpoint %s, offline %v, no links %v", c.env,
				got.Cache, got.Token, got.TokenSource, got.TokenPath, got.Endpoint, got.Offline, got.NoLinks)
		}
	}
	for name, v := range map[string]string{"HF_ENDPOINT": "huggingface.co", "HF_TOKEN": "a b", "HF_TOKEN_PATH": home} {
		_, err := fromEnv(func(n string) string {
			if n == name {
				return v
			}
			return ""
		})
		if name == "HF_TOKEN_PATH" {
			wantError(t, err, home)
		} else {
			wantError(t, err, name)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Reference{
		"andreamaduzzi/Spatial-LLaNA-7B": {"andreamaduzzi", "Spatial-LLaNA-7B", "", "main"},
		"a/b.c_d@v1.0":                   {"a", "b.c_d", "", "v1.0"},
		"a/b@refs/pr/1":                  {"a", "b", "", "refs/pr/1"},
		"a/b/c/d.pt@x":                   {"a", "b", "c/d.pt", "x"},
	} {
		got, ok := Parse(text)
		if !ok || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v, as text %s", text, got, ok, got)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 999_999: "1 MB", 26_950_000_000: "26.9 GB", 1 << 62: "4.61 EB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
