package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// DefaultEndpoint is the Hub itself.
const DefaultEndpoint = "https://huggingface.co"

// FromEnv returns a client with the settings of huggingface_hub's environment
// variables:
//
//	HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE    the cache, by default HF_HOME/hub
//	HF_HOME                                by default XDG_CACHE_HOME/huggingface, or ~/.cache/huggingface
//	HF_ENDPOINT                            by default https://huggingface.co
//	HF_TOKEN, HUGGING_FACE_HUB_TOKEN       the token, else in the file
//	HF_TOKEN_PATH                          by default HF_HOME/token
//	HF_HUB_DISABLE_IMPLICIT_TOKEN          no token
//	HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE   no downloads
//	HF_HUB_DISABLE_SYMLINKS                files instead of links
func FromEnv() (*Client, error) { return fromEnv(os.Getenv) }

func fromEnv(getenv func(string) string) (*Client, error) {
	e := environment{getenv: getenv}
	c := &Client{
		Cache:     e.cache(),
		TokenPath: e.path("HF_TOKEN_PATH", func() string { return filepath.Join(e.hfHome(), "token") }),
		Offline:   isTrue(getenv("HF_HUB_OFFLINE")) || isTrue(getenv("TRANSFORMERS_OFFLINE")),
		NoLinks:   isTrue(getenv("HF_HUB_DISABLE_SYMLINKS")),
	}
	if e.err != nil {
		return nil, e.err
	}
	var err error
	if c.Endpoint, err = endpoint(getenv("HF_ENDPOINT")); err != nil {
		return nil, err
	}
	if !isTrue(getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		if err := c.findToken(getenv); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// CacheFolder returns the cache of FromEnv's client. It is an error if the
// environment names none and the user has no home.
func CacheFolder() (string, error) {
	e := environment{getenv: os.Getenv}
	dir := e.cache()
	return dir, e.err
}

// environment reads folders from variables; the first error stays.
type environment struct {
	getenv func(string) string
	err    error
}

// hfHome returns the folder of all that Hugging Face's libraries keep.
func (e *environment) hfHome() string {
	return e.path("HF_HOME", func() string {
		return filepath.Join(e.path("XDG_CACHE_HOME", func() string { return e.inHome(".cache") }), "huggingface")
	})
}

// cache returns the folder of the Hub's cache.
func (e *environment) cache() string {
	return e.path("HF_HUB_CACHE", func() string {
		return e.path("HUGGINGFACE_HUB_CACHE", func() string { return filepath.Join(e.hfHome(), "hub") })
	})
}

// path returns a variable's path, with ~ and variables in it replaced, or the
// default where it is not set.
func (e *environment) path(name string, otherwise func() string) string {
	v := e.getenv(name)
	if v == "" {
		return otherwise()
	}
	v = os.Expand(v, e.getenv)
	if v == "~" || strings.HasPrefix(v, "~/") {
		v = e.inHome(v[1:])
	}
	return filepath.Clean(v)
}

func (e *environment) inHome(path string) string {
	home, err := os.UserHomeDir()
	if err != nil && e.err == nil {
		e.err = fmt.Errorf("no folder for the Hugging Face cache: %w; set HF_HOME", err)
	}
	return filepath.Join(home, path)
}

func isTrue(v string) bool {
	switch strings.ToUpper(v) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

func endpoint(v string) (string, error) {
	if v == "" {
		return DefaultEndpoint, nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("HF_ENDPOINT is %q, want an address like %s", v, DefaultEndpoint)
	}
	return strings.TrimRight(v, "/"), nil
}

// findToken takes the token from the environment or from its file.
func (c *Client) findToken(getenv func(string) string) error {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := cleanToken(getenv(name)); t != "" {
			c.Token, c.TokenSource = t, name
			return checkToken(t, name)
		}
	}
	b, err := os.ReadFile(c.TokenPath)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil // none, or another's in a folder that is shared
	}
	if err != nil {
		return fmt.Errorf("the Hub's token: %w", err)
	}
	c.Token, c.TokenSource = cleanToken(string(b)), c.TokenPath
	return checkToken(c.Token, c.TokenPath)
}

func cleanToken(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
}

// checkToken refuses a text that cannot stand in a header. It does not say
// what the text is.
func checkToken(t, source string) error {
	if strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s holds no token: it has characters that a token cannot have", source)
	}
	return nil
}
